"""A client of the ``mcp`` SDK 1.x: ``http_sdk1.py URL`` or ``… -- COMMAND``; prints one line a step."""

import os
import sys

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


def transport(args):
    """The streams that the arguments ask for."""
    if args[0] == "--":
        return stdio_client(StdioServerParameters(command=args[1], args=args[2:], env=dict(os.environ)))
    return sse_client(args[0]) if args[0].endswith("sse") else streamablehttp_client(args[0])


async def main(args):
    async with transport(args) as streams, ClientSession(streams[0], streams[1]) as session:
        found = await session.initialize()
        print("revision", found.protocolVersion)
        print("tools", len((await session.list_tools()).tools))
        print("add", (await session.call_tool("add", {"a": 1, "b": 2})).content[0].text)

        async def progress(done, total, text):
            print("progress", done, total, text)

        counted = await session.call_tool("count", {"to": 3}, progress_callback=progress)
        print("count", counted.content[0].text)
        print("fail", (await session.call_tool("fail", {})).isError)
        print("read", (await session.read_resource("note://static")).contents[0].text)
    print("closed")


anyio.run(main, sys.argv[1:])
