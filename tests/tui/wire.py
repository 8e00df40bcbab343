"""A UI attached to a real proxy, whose client a test speaks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from mcpscope.tui.app import Options
from mcpscope.tui.clock import Clock
from tests.session.steered import Steered
from tests.tui.driver import Scope, opened


@asynccontextmanager
async def watching(wire: Steered, *, size: tuple[int, int] = (80, 24), **how: Any) -> AsyncIterator[Scope]:
    """The UI, attached to the proxy."""
    options = Options(theme="mcpscope-dark", **how)
    async with opened(wire.program.db, size, options=options, clock=Clock()) as scope:
        steer = scope.app.steer
        await scope.until(lambda: any(link.attached or how for link in steer.links), "attached")
        yield scope


async def hears(wire: Steered) -> Any:
    """What the client is told, without stopping the UI."""
    return await anyio.to_thread.run_sync(wire.hears)


async def reaches(scope: Scope, wire: Steered, raw: bytes) -> None:
    await scope.until(lambda: raw in wire.reached(), raw)
