"""A client of the ``mcp`` SDK 2.x: ``http_sdk2.py URL`` or ``… -- COMMAND``; prints one line a step."""

import os
import sys

import anyio
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client


def target(args):
    """What Client takes for the arguments."""
    if args[0] == "--":
        return stdio_client(StdioServerParameters(command=args[1], args=args[2:], env=dict(os.environ)))
    return sse_client(args[0]) if args[0].endswith("sse") else args[0]


async def main(args):
    async with Client(target(args)) as client:
        print("tools", len((await client.list_tools()).tools))
        print("add", (await client.call_tool("add", {"a": 1, "b": 2})).content[0].text)

        async def progress(done, total, text):
            print("progress", done, total, text)

        counted = await client.call_tool("count", {"to": 3}, progress_callback=progress)
        print("count", counted.content[0].text)
        print("fail", (await client.call_tool("fail", {})).is_error)
        print("read", (await client.read_resource("note://static")).contents[0].text)
    print("closed")


anyio.run(main, sys.argv[1:])
