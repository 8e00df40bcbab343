"""The UI put together: which screens there are, and how it is run on a terminal."""

from __future__ import annotations

from pathlib import Path

from mcpscope.store.schema import ensure
from mcpscope.tui.app import Options, ScopeApp, ScreenMaker
from mcpscope.tui.clock import Clock
from mcpscope.tui.memory import Memory
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.traffic import TrafficScreen
from mcpscope.tui.source import Source


def _traffic(app: ScopeApp) -> ScopeScreen:
    return TrafficScreen(app.source, app.clock, app.memory, app.undo)


SCREENS: dict[str, ScreenMaker] = {"traffic": _traffic}
"""The screens that are built; a row here and one in ``actions.SCREENS`` is all a new one needs."""


def make_app(
    db: Path, *, options: Options | None = None, clock: Clock | None = None, memory: Memory | None = None
) -> ScopeApp:
    """The UI over ``db``, which is created where it is missing; raises ScopeError."""
    ensure(db)
    return ScopeApp(Source(db), SCREENS, clock=clock, memory=memory, options=options)
