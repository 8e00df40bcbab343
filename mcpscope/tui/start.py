"""The UI put together: which screens there are, and how it is run on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mcpscope.store.schema import ensure
from mcpscope.tui import later
from mcpscope.tui.app import Options, ScopeApp, ScreenMaker
from mcpscope.tui.clock import Clock
from mcpscope.tui.memory import Memory
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.traffic import TrafficScreen
from mcpscope.tui.source import Source


def _traffic(app: ScopeApp) -> ScopeScreen:
    screen = TrafficScreen(app.source, app.clock, app.memory, app.undo, app.steer, app.sender)
    screen.note = app.options.note
    return screen


def _holds(app: ScopeApp) -> ScopeScreen:
    return later.holds.HoldsScreen(app.steer, app.clock, app.undo)


def _tools(app: ScopeApp) -> ScopeScreen:
    make = later.tools.ToolsScreen
    return make(app.source, app.steer, app.clock, app.undo, app.sender, lambda: app.scope.rows)


def _recordings(app: ScopeApp) -> ScopeScreen:
    return later.recordings.RecordingsScreen(app.source, app.clock, app.undo)


def _replay(app: ScopeApp) -> ScopeScreen:
    return later.replay.ReplayScreen(app.source, app.clock)


def _log(app: ScopeApp) -> ScopeScreen:
    return later.log.LogScreen(app.source, app.clock, app.said)


def _rules(app: ScopeApp) -> ScopeScreen:
    return later.rules.RulesScreen(app.source, app.steer, app.clock, app.undo)


def _findings(app: ScopeApp) -> ScopeScreen:
    return later.findings.FindingsScreen(app.linting)


def _stats(app: ScopeApp) -> ScopeScreen:
    return later.stats.StatsScreen(app.source)


def _first(app: ScopeApp) -> ScopeScreen:
    return later.first.FirstScreen(app.source.path)


SCREENS: dict[str, ScreenMaker] = {
    "traffic": _traffic,
    "holds": _holds,
    "tools": _tools,
    "recordings": _recordings,
    "replay": _replay,
    "rules": _rules,
    "log": _log,
    "findings": _findings,
    "stats": _stats,
    "first": _first,
}
"""The screens that are built; a row here and one in ``places.SCREENS`` is all a new one needs."""


def make_app(
    db: Path,
    *,
    options: Options | None = None,
    clock: Clock | None = None,
    memory: Memory | None = None,
    prepare: Callable[[], None] | None = None,
) -> ScopeApp:
    """The UI over ``db``, which is created where it is missing; raises ScopeError.

    ``prepare`` runs between the two.
    """
    ensure(db)
    if prepare is not None:
        prepare()
    return ScopeApp(Source(db), SCREENS, clock=clock, memory=memory, options=options)
