"""A client of the ``mcp`` SDK 2.x that does what stdin says: ``sees2.py MODE URL`` or ``… MODE -- COMMAND``.

See sees1.py; in the modern era it listens for changes, unless SEES_DEAF is set.
"""

import json
import os
import sys

import anyio
import mcp.types as types
from mcp import Client, MCPError, StdioServerParameters
from mcp.client import subscriptions
from mcp.client.subscriptions import ListenNotSupportedError

CHANGED = {
    types.ToolListChangedNotification: "tools",
    types.PromptListChangedNotification: "prompts",
    types.ResourceListChangedNotification: "resources",
    subscriptions.ToolsListChanged: "tools",
    subscriptions.PromptsListChanged: "prompts",
    subscriptions.ResourcesListChanged: "resources",
}


def say(*words):
    print(json.dumps(words), flush=True)


async def heard(message):
    if kind := CHANGED.get(type(message)):
        say("changed", kind)


async def listen(client, task_status=anyio.TASK_STATUS_IGNORED):
    if os.environ.get("SEES_DEAF"):
        task_status.started("deaf")
        return
    wanted = {"tools_list_changed": True, "prompts_list_changed": True, "resources_list_changed": True}
    try:
        async with client.listen(**wanted) as events:
            task_status.started("listening")
            async for event in events:
                say("changed", CHANGED.get(type(event), "else"))
    except (ListenNotSupportedError, MCPError) as error:
        task_status.started(type(error).__name__)


async def listed(client, kind):
    if kind == "prompts":
        return [prompt.name for prompt in (await client.list_prompts()).prompts]
    if kind == "resources":
        return [str(resource.uri) for resource in (await client.list_resources()).resources]
    if kind == "templates":
        return [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
    return [tool.name for tool in (await client.list_tools()).tools]


async def pages(client):
    names, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            return names


async def does(client, verb, words):
    if verb == "list":
        say("list", await listed(client, words[0] if words else "tools"))
    elif verb == "pages":
        say("got", await pages(client))
    elif verb == "about":
        say(
            "got",
            next(tool.description for tool in (await client.list_tools()).tools if tool.name == words[0]),
        )
    elif verb == "get":
        await client.get_prompt(words[0], {"name": "Ada"})
        say("got")
    elif verb == "read":
        await client.read_resource(words[0])
        say("got")
    else:
        arguments = json.loads(words[1]) if len(words) > 1 else {}
        result = await client.call_tool(words[0], arguments)
        say("called", bool(result.is_error), result.content[0].text if result.content else "")


async def obey(client):
    while line := (await anyio.to_thread.run_sync(sys.stdin.readline)).split():
        if line[0] == "quit":
            break
        try:
            with anyio.fail_after(float(line[3]) if len(line) > 3 else 20):
                await does(client, line[0], line[1:])
        except MCPError as error:
            say("error", error.error.code, error.error.message)
        except TimeoutError:
            say("timeout")
        except (RuntimeError, ValueError) as error:  # what this SDK makes of a result that it refuses
            say("error", 0, str(error))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            say("error", 0, type(error).__name__)
    say("bye")


async def main(mode, args):
    place = StdioServerParameters(command=args[1], args=args[2:]) if args[0] == "--" else args[0]
    async with Client(place, mode=mode, message_handler=heard) as client, anyio.create_task_group() as group:
        say("ready", await group.start(listen, client))
        await obey(client)
        group.cancel_scope.cancel()


anyio.run(main, sys.argv[1], sys.argv[2:])
