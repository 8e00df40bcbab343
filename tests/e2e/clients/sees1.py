"""A client of the ``mcp`` SDK 1.x that does what stdin says: ``sees1.py URL`` or ``… -- COMMAND``.

A line is ``list``, ``call NAME`` or ``quit``; the answer is one line of JSON. ``["changed"]`` tells of a
list_changed.
"""

import json
import sys

import anyio
import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


def say(*words):
    print(json.dumps(words), flush=True)


async def heard(message):
    root = getattr(message, "root", None)
    if isinstance(root, types.ToolListChangedNotification):
        say("changed")


async def obey(session):
    await session.initialize()
    say("ready")
    while line := (await anyio.to_thread.run_sync(sys.stdin.readline)).split():
        if line[0] == "list":
            say("list", [tool.name for tool in (await session.list_tools()).tools])
        elif line[0] == "call":
            try:
                arguments = json.loads(line[2]) if len(line) > 2 else {}
                with anyio.fail_after(20):
                    result = await session.call_tool(line[1], arguments)
                say("called", bool(result.isError), result.content[0].text if result.content else "")
            except McpError as error:
                say("error", error.error.code, error.error.message)
            except TimeoutError:
                say("timeout")
            except RuntimeError as error:  # what this SDK makes of a result that its schema refuses
                say("error", 0, str(error))
        else:
            break
    say("bye")


async def main(args):
    if args[0] == "--":
        place = StdioServerParameters(command=args[1], args=args[2:])
        async with (
            stdio_client(place) as (read, write),
            ClientSession(read, write, message_handler=heard) as s,
        ):
            await obey(s)
        return
    http = streamablehttp_client(args[0])
    async with http as (read, write, _), ClientSession(read, write, message_handler=heard) as s:
        await obey(s)


anyio.run(main, sys.argv[1:])
