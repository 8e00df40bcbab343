"""A client of the ``mcp`` SDK 1.x that does what stdin says: ``sees1.py URL`` or ``… -- COMMAND``.

A line is ``list [prompts|resources|templates]``, ``pages``, ``call NAME [JSON [SECONDS]]``, ``get PROMPT``,
``read URI``, ``about TOOL`` or ``quit``; the answer is one line of JSON, and ``["changed", "tools"]`` tells
of a list_changed.
"""

import json
import sys

import anyio
import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

CHANGED = {
    types.ToolListChangedNotification: "tools",
    types.PromptListChangedNotification: "prompts",
    types.ResourceListChangedNotification: "resources",
}


def say(*words):
    print(json.dumps(words), flush=True)


async def heard(message):
    if kind := CHANGED.get(type(getattr(message, "root", None))):
        say("changed", kind)


async def listed(session, kind):
    if kind == "prompts":
        return [prompt.name for prompt in (await session.list_prompts()).prompts]
    if kind == "resources":
        return [str(resource.uri) for resource in (await session.list_resources()).resources]
    if kind == "templates":
        return [one.uriTemplate for one in (await session.list_resource_templates()).resourceTemplates]
    return [tool.name for tool in (await session.list_tools()).tools]


async def pages(session):
    names, cursor = [], None
    while True:
        page = await session.list_tools(cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.nextCursor
        if cursor is None:
            return names


async def does(session, verb, words):
    if verb == "list":
        say("list", await listed(session, words[0] if words else "tools"))
    elif verb == "pages":
        say("got", await pages(session))
    elif verb == "about":
        say(
            "got",
            next(tool.description for tool in (await session.list_tools()).tools if tool.name == words[0]),
        )
    elif verb == "get":
        await session.get_prompt(words[0], {"name": "Ada"})
        say("got")
    elif verb == "read":
        await session.read_resource(words[0])
        say("got")
    else:
        arguments = json.loads(words[1]) if len(words) > 1 else {}
        result = await session.call_tool(words[0], arguments)
        say("called", bool(result.isError), result.content[0].text if result.content else "")


async def obey(session):
    await session.initialize()
    say("ready")
    while line := (await anyio.to_thread.run_sync(sys.stdin.readline)).split():
        if line[0] == "quit":
            break
        try:
            with anyio.fail_after(float(line[3]) if len(line) > 3 else 20):
                await does(session, line[0], line[1:])
        except McpError as error:
            say("error", error.error.code, error.error.message)
        except TimeoutError:
            say("timeout")
        except (RuntimeError, ValueError) as error:  # what this SDK makes of a result that it refuses
            say("error", 0, str(error))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            say("error", 0, type(error).__name__)
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
