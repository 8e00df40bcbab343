"""Walks through a plan of requests with a client of either SDK: what each gave, as JSON.

A plan is a list of steps, ``{"do": WHAT, …}``. Runs under the interpreters of the SDKs, so it imports neither
pytest nor mcpscope.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp import types
from tour import Tour, plain

WAIT_SECONDS = 20
LISTS = {"tools": "tools", "prompts": "prompts", "resources": "resources", "templates": "resourceTemplates"}


class Steps:
    """The steps that both SDKs have the same words for; ``progress`` hears how far a call is."""

    def __init__(self, session: Any, progress: Any) -> None:
        self.session = session
        self._progress = progress

    async def list(self, kind: str, cursor: str | None) -> Any:
        name = "resource_templates" if kind == "templates" else kind
        return await getattr(self.session, f"list_{name}")(cursor=cursor)

    async def call(self, name: str, arguments: dict[str, Any]) -> Any:
        return await self.session.call_tool(name, arguments, progress_callback=self._progress)

    async def read(self, uri: Any) -> Any:
        return await self.session.read_resource(uri)

    async def get(self, name: str, arguments: dict[str, str]) -> Any:
        return await self.session.get_prompt(name, arguments)

    async def complete(self, step: dict[str, Any]) -> Any:
        ref: Any = (
            types.PromptReference(type="ref/prompt", name=step["name"])
            if "name" in step
            else types.ResourceTemplateReference(type="ref/resource", uri=step["uri"])
        )
        return await self.session.complete(ref, step["argument"], step.get("context"))

    async def level(self, level: Any) -> Any:
        return await self.session.set_logging_level(level)

    async def subscribed(self, uri: Any, change: Any, hears: Any) -> None:
        await self.session.subscribe_resource(uri)
        await change()
        await hears(uri)
        await self.session.unsubscribe_resource(uri)


class Walk:
    """``client`` has a method for each step that asks the server something; ``heard`` gets notifications."""

    def __init__(self) -> None:
        self.tour = Tour()
        self.updated: set[str] = set()
        self.changed: set[str] = set()
        self.client: Any = None

    def heard(self, said: Any) -> None:
        """A notification that belongs to no request."""
        method = str(getattr(said, "method", ""))
        if method == "notifications/resources/updated":
            self.updated.add(str(said.params.uri))
        elif method.endswith("/list_changed"):
            self.changed.add(method)

    async def go(self, plan: list[dict[str, Any]]) -> None:
        """Take every step; the report goes to stdout."""
        for step in plan:
            call: Callable[..., Awaitable[Any]] = getattr(self, f"_{step['do']}")
            await self.tour.step(
                step["do"], step.get("name") or step.get("uri") or step.get("kind"), call(step)
            )
        json.dump({"results": self.tour.results, "changed": sorted(self.changed)}, sys.stdout)

    async def _list(self, step: dict[str, Any]) -> Any:
        found: list[Any] = []
        cursor = None
        while True:
            page = plain(await self.client.list(step["kind"], cursor))
            found += page[LISTS[step["kind"]]]
            cursor = page.get("nextCursor")
            if cursor is None:
                return {"items": found}

    async def _call(self, step: dict[str, Any]) -> Any:
        return await self.client.call(step["name"], step.get("arguments", {}))

    async def _read(self, step: dict[str, Any]) -> Any:
        return await self.client.read(step["uri"])

    async def _get(self, step: dict[str, Any]) -> Any:
        return await self.client.get(step["name"], step.get("arguments", {}))

    async def _complete(self, step: dict[str, Any]) -> Any:
        return await self.client.complete(step)

    async def _level(self, step: dict[str, Any]) -> Any:
        return await self.client.level(step["level"])

    async def _task(self, step: dict[str, Any]) -> Any:
        return await self.client.task(step["name"], step.get("arguments", {}))

    async def _subscribe(self, step: dict[str, Any]) -> Any:
        """Listen to a resource, have it changed by a tool, hear of it."""
        await self.client.subscribed(step["uri"], lambda: self.client.call(step["by"], {}), self._hears)
        return {"heard": True}

    async def _hears(self, uri: str) -> None:
        with anyio.fail_after(WAIT_SECONDS):
            while uri not in self.updated:
                await anyio.sleep(0.02)

    async def _leave(self, step: dict[str, Any]) -> Any:
        """A call that is given up while the server works on it."""
        with anyio.move_on_after(0.3):
            return await self.client.call(step["name"], step.get("arguments", {}))
        return {"left": True}
