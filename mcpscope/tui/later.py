"""What the first rows need not wait for: modules that are read when somebody first uses them.

``later.NAME`` is the module that ``MODULES`` names; for the type checker it is one as any other. Once the
first rows stand they are read one after another, so that no key waits for them either.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcpscope.engine import schemas as schemas
    from mcpscope.engine.policy import nodes as nodes
    from mcpscope.lint import recorded as recorded
    from mcpscope.lint import rules as _lint_rules
    from mcpscope.replay import caller as caller
    from mcpscope.store import replays as replays
    from mcpscope.tui import crash as crash
    from mcpscope.tui import exporting as exporting
    from mcpscope.tui import replaying as replaying
    from mcpscope.tui.present import copying as copying
    from mcpscope.tui.present import replay as _previewing
    from mcpscope.tui.screens import approving as approving
    from mcpscope.tui.screens import composer as composer
    from mcpscope.tui.screens import detail as detail
    from mcpscope.tui.screens import editing as editing
    from mcpscope.tui.screens import findings as findings
    from mcpscope.tui.screens import first as first
    from mcpscope.tui.screens import hanging as hanging
    from mcpscope.tui.screens import help as help
    from mcpscope.tui.screens import holds as holds
    from mcpscope.tui.screens import log as log
    from mcpscope.tui.screens import palette as palette
    from mcpscope.tui.screens import prompt as prompt
    from mcpscope.tui.screens import recordings as recordings
    from mcpscope.tui.screens import replay as replay
    from mcpscope.tui.screens import rules as rules
    from mcpscope.tui.screens import ruling as ruling
    from mcpscope.tui.screens import servers as servers
    from mcpscope.tui.screens import stats as stats
    from mcpscope.tui.screens import tools as tools

    lint_rules, previewing = _lint_rules, _previewing

MODULES = {
    "detail": "mcpscope.tui.screens.detail",
    "help": "mcpscope.tui.screens.help",
    "prompt": "mcpscope.tui.screens.prompt",
    "palette": "mcpscope.tui.screens.palette",
    "schemas": "mcpscope.engine.schemas",
    "copying": "mcpscope.tui.present.copying",
    "replays": "mcpscope.store.replays",
    "exporting": "mcpscope.tui.exporting",
    "approving": "mcpscope.tui.screens.approving",
    "editing": "mcpscope.tui.screens.editing",
    "holds": "mcpscope.tui.screens.holds",
    "tools": "mcpscope.tui.screens.tools",
    "nodes": "mcpscope.engine.policy.nodes",
    "ruling": "mcpscope.tui.screens.ruling",
    "rules": "mcpscope.tui.screens.rules",
    "recordings": "mcpscope.tui.screens.recordings",
    "replaying": "mcpscope.tui.replaying",
    "previewing": "mcpscope.tui.present.replay",
    "replay": "mcpscope.tui.screens.replay",
    "log": "mcpscope.tui.screens.log",
    "caller": "mcpscope.replay.caller",
    "composer": "mcpscope.tui.screens.composer",
    "lint_rules": "mcpscope.lint.rules",
    "recorded": "mcpscope.lint.recorded",
    "findings": "mcpscope.tui.screens.findings",
    "stats": "mcpscope.tui.screens.stats",
    "servers": "mcpscope.tui.screens.servers",
    "hanging": "mcpscope.tui.screens.hanging",
    "first": "mcpscope.tui.screens.first",
    "crash": "mcpscope.tui.crash",
}
"""By the name they are used by, what is likely to be wanted soon first."""

REST_SECONDS = 0.05
"""Between two of them: a module that is read takes turns with the screen."""

QUIET_SECONDS = 0.5
"""Whoever types goes on: what is read meanwhile would take its turns between the keys."""

_reading = threading.RLock()
"""Two threads that each read what the other has begun would find it half there."""


def read(name: str) -> ModuleType:
    """The module of this name in ``MODULES``."""
    with _reading:
        found = importlib.import_module(MODULES[name])
    globals()[name] = found
    return found


if not TYPE_CHECKING:  # which would take any name to be one

    def __getattr__(name: str) -> ModuleType:
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return read(name)


async def read_all(
    beside: Callable[[Callable[[], object]], Awaitable[object]], idle_seconds: Callable[[], float]
) -> None:
    """Read what is not read yet, while nobody types; ``beside`` runs a function off the UI's thread."""
    for name in MODULES:
        if name not in globals():
            while (early := QUIET_SECONDS - idle_seconds()) > 0:
                await asyncio.sleep(early)
            await beside(lambda name=name: read(name))  # type: ignore[misc]  # bound here
            await asyncio.sleep(REST_SECONDS)
