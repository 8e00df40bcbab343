"""The feed: what changed in the database, at most ten times a second, as one value for whoever shows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from mcpscope.store.listed import SessionRow
from mcpscope.store.pages import Pages
from mcpscope.tui.source import Source

REDRAW_SECONDS = 0.1
SESSIONS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Change:
    """What came since the last one. ``exchanges`` are new or changed ones; ``sessions`` None: as before."""

    exchanges: frozenset[int] = frozenset()
    last: int = 0
    sessions: tuple[SessionRow, ...] | None = None


@dataclass(slots=True)
class _State:
    version: int = -1
    last: int = -1
    outcome: int = -1
    sessions: tuple[SessionRow, ...] | None = None
    sessions_at: float = -1e9
    stale: bool = False


class Feed:
    """Polls the database; one read a turn, none where nobody wrote."""

    def __init__(self, source: Source, tell: Callable[[Change], object]) -> None:
        self._source = source
        self._tell = tell
        self._state = _State()

    def __repr__(self) -> str:
        return f"<Feed behind {self._state.last}>"

    async def run(self) -> None:
        """Tell changes until cancelled. A turn that was dear is followed by a longer rest."""
        while True:
            began = time.monotonic()
            change = await self._source.watch(self._look)
            if change is not None:
                self._tell(change)
            cost = time.monotonic() - began
            await asyncio.sleep(max(REDRAW_SECONDS - cost, cost * 2, 0.01))

    def _look(self, pages: Pages) -> Change | None:
        state = self._state
        version = pages.version()
        if version == state.version and not state.stale:
            return None
        first, state.version = state.version < 0, version
        sessions = self._sessions(pages)
        if first:
            _, state.last = pages.changed(1 << 62)
            state.outcome = pages.last_outcome()
            return Change(last=state.last, sessions=sessions)
        changed, last = pages.changed(state.last)
        decided, state.outcome = pages.decided(state.outcome)
        state.last = max(last, state.last)
        changed |= decided
        if not changed and sessions is None:
            return None
        return Change(frozenset(changed), state.last, sessions)

    def _sessions(self, pages: Pages) -> tuple[SessionRow, ...] | None:
        """The sessions if they differ from those told last; read at most twice a second."""
        state, now = self._state, time.monotonic()
        state.stale = now - state.sessions_at < SESSIONS_SECONDS
        if state.stale:
            return None
        state.sessions_at = now
        found = tuple(pages.sessions())
        if found == state.sessions:
            return None
        state.sessions = found
        return found
