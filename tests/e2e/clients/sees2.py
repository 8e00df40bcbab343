"""A client of the ``mcp`` SDK 2.x that does what stdin says: ``sees2.py MODE URL`` or ``… MODE -- COMMAND``.

See sees1.py; in the modern era it listens for changes.
"""

import json
import sys

import anyio
import mcp.types as types
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.subscriptions import ListenNotSupportedError


def say(*words):
    print(json.dumps(words), flush=True)


async def heard(message):
    if isinstance(message, types.ToolListChangedNotification):
        say("changed")


async def listen(client, task_status=anyio.TASK_STATUS_IGNORED):
    try:
        async with client.listen(tools_list_changed=True) as events:
            task_status.started("listening")
            async for _ in events:
                say("changed")
    except (ListenNotSupportedError, MCPError) as error:
        task_status.started(type(error).__name__)


async def main(mode, args):
    place = StdioServerParameters(command=args[1], args=args[2:]) if args[0] == "--" else args[0]
    async with Client(place, mode=mode, message_handler=heard) as client, anyio.create_task_group() as group:
        how = await group.start(listen, client)
        say("ready", how)
        while line := (await anyio.to_thread.run_sync(sys.stdin.readline)).split():
            if line[0] == "list":
                say("list", [tool.name for tool in (await client.list_tools()).tools])
            elif line[0] == "call":
                try:
                    arguments = json.loads(line[2]) if len(line) > 2 else {}
                    with anyio.fail_after(20):
                        result = await client.call_tool(line[1], arguments)
                    say("called", bool(result.is_error), result.content[0].text if result.content else "")
                except MCPError as error:
                    say("error", error.error.code, error.error.message)
                except TimeoutError:
                    say("timeout")
                except RuntimeError as error:  # what this SDK makes of a result that its schema refuses
                    say("error", 0, str(error))
            else:
                break
        say("bye")
        group.cancel_scope.cancel()


anyio.run(main, sys.argv[1], sys.argv[2:])
