"""A client of the ``mcp`` SDK 1.x that walks a plan: ``walk1.py legacy PLAN COMMAND…|URL``."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import sdk1
from mcp import ClientSession, types
from walk import Steps, Walk

WALK = Walk()
sdk1.TOUR = WALK.tour


class Walker(Steps):
    """And what this SDK alone has."""

    async def task(self, name: str, arguments: dict[str, Any]) -> Any:
        tasks = self.session.experimental
        made = await tasks.call_tool_as_task(name, arguments)
        states = []
        async for state in tasks.poll_task(made.task.taskId):
            states.append(state.status)
            if state.status not in ("working", "submitted"):
                break
        found = await tasks.get_task_result(made.task.taskId, types.CallToolResult)
        listed = [one.taskId for one in (await tasks.list_tasks()).tasks]
        return {
            "status": states[-1],
            "listed": made.task.taskId in listed,
            "content": found.content[0].model_dump(),
        }


async def heard(message: Any) -> None:
    WALK.heard(getattr(message, "root", message))


async def main(plan: str, target: list[str]) -> None:
    async with (
        sdk1.connect(target) as (read, write),
        ClientSession(
            *(read, write, timedelta(seconds=60), sdk1.sample, sdk1.elicit, sdk1.roots, sdk1.log),
            message_handler=heard,
            client_info=types.Implementation(name="sdk1-client", version="1"),
        ) as session,
    ):
        await session.initialize()
        await anyio.sleep(1)  # a server may look at the roots now, and offer more tools afterwards
        WALK.tour.take()
        WALK.client = Walker(session, sdk1.progress)
        await WALK.go(json.loads(Path(plan).read_text()))


if __name__ == "__main__":
    anyio.run(main, sys.argv[2], sys.argv[3:])
