"""``replay --then``: who goes on where the recording ends, a client on stdin or a person in the UI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from mcpscope.cli.settings import Settings
from mcpscope.cli.ui import open_ui, options
from mcpscope.replay.driver import Run
from mcpscope.replay.handover import hand_over
from mcpscope.replay.upstream import Upstream
from mcpscope.tui.terminal import demand_terminal

Seat = Callable[[Run, Upstream, str], None]


def seat_of(then: str, settings: Settings) -> Seat:
    """What ``Job.then`` is to do for ``stdio`` or ``ui``; raises ScopeError where the UI has no terminal."""
    if then == "stdio":
        return _client
    demand_terminal()

    def person(run: Run, upstream: Upstream, name: str) -> None:
        left = threading.Event()
        attending = threading.Thread(target=run.attend, args=(left.is_set,), daemon=True)
        attending.start()
        try:
            open_ui(settings.db, replace(options(settings), session=name))
        finally:
            left.set()
            attending.join()

    return person


def _client(run: Run, upstream: Upstream, name: str) -> None:
    hand_over(upstream, run.rows)
