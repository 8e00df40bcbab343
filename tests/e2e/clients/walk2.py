"""A client of the ``mcp`` SDK 2.x that walks a plan: ``walk2.py legacy|auto PLAN COMMAND…|URL``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import sdk2
from mcp import Client, types
from walk import Walk

WALK = Walk()
sdk2.TOUR = WALK.tour


class Walker:
    """The steps of a walk in the words of this SDK."""

    def __init__(self, session: Client) -> None:
        self._session = session
        self._modern = session.protocol_version >= "2026"
        self._lists = {
            "tools": session.list_tools,
            "prompts": session.list_prompts,
            "resources": session.list_resources,
            "templates": session.list_resource_templates,
        }

    async def list(self, kind: str, cursor: str | None) -> Any:
        return await self._lists[kind](cursor=cursor)

    async def call(self, name: str, arguments: dict[str, Any]) -> Any:
        return await self._session.call_tool(name, arguments, progress_callback=sdk2.progress)

    async def read(self, uri: str) -> Any:
        return await self._session.read_resource(uri)

    async def get(self, name: str, arguments: dict[str, str]) -> Any:
        return await self._session.get_prompt(name, arguments)

    async def complete(self, step: dict[str, Any]) -> Any:
        ref: Any = (
            types.PromptReference(type="ref/prompt", name=step["name"])
            if "name" in step
            else types.ResourceTemplateReference(type="ref/resource", uri=step["uri"])
        )
        return await self._session.complete(ref, step["argument"], step.get("context"))

    async def level(self, level: Any) -> Any:
        """Said with every request in the stateless era."""
        return {} if self._modern else await self._session.set_logging_level(level)

    async def subscribed(self, uri: str, change: Any, hears: Any) -> None:
        if not self._modern:
            await self._session.subscribe_resource(uri)
            await change()
            await hears(uri)
            await self._session.unsubscribe_resource(uri)
            return
        async with self._session.listen(resource_subscriptions=[uri]) as events:
            await change()
            with anyio.fail_after(20):
                await anext(aiter(events))

    async def task(self, name: str, arguments: dict[str, Any]) -> Any:
        """This SDK has no client's half of tasks."""
        return {}


async def heard(message: Any) -> None:
    WALK.heard(getattr(message, "root", message))


async def main(mode: str, plan: str, target: list[str]) -> None:
    client = Client(
        sdk2.place(target),
        mode=mode,
        read_timeout_seconds=60,
        sampling_callback=sdk2.sample,
        elicitation_callback=sdk2.elicit,
        list_roots_callback=sdk2.roots,
        logging_callback=sdk2.log,
        log_level=None if mode == "legacy" else "debug",
        message_handler=heard,
        client_info=types.Implementation(name="sdk2-client", version="2"),
        cache=None,
    )
    async with client as session:
        await anyio.sleep(1)  # a server may look at the roots now, and offer more tools afterwards
        WALK.tour.take()
        WALK.client = Walker(session)
        await WALK.go(json.loads(Path(plan).read_text()))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3:])
