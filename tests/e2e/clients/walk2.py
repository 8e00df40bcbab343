"""A client of the ``mcp`` SDK 2.x that walks a plan: ``walk2.py legacy|auto PLAN COMMAND…|URL``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import sdk2
from mcp import Client, types
from walk import Steps, Walk

WALK = Walk()
sdk2.TOUR = WALK.tour


class Walker(Steps):
    """What is said otherwise in the stateless era, and what this SDK does not have."""

    @property
    def _modern(self) -> bool:
        return bool(self.session.protocol_version >= "2026")

    async def level(self, level: Any) -> Any:
        """Said with every request in the stateless era."""
        return {} if self._modern else await super().level(level)

    async def subscribed(self, uri: str, change: Any, hears: Any) -> None:
        if not self._modern:
            await super().subscribed(uri, change, hears)
            return
        async with self.session.listen(resource_subscriptions=[uri]) as events:
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
        WALK.client = Walker(session, sdk2.progress)
        await WALK.go(json.loads(Path(plan).read_text()))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3:])
