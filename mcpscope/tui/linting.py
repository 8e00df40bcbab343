"""Findings about the sessions in view, made beside everything else: a few messages at a time, then a rest."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcpscope.store.listed import SessionRow
from mcpscope.store.reader import Reader
from mcpscope.tui import later
from mcpscope.tui.source import Source

if TYPE_CHECKING:
    from mcpscope.lint.finding import Finding
    from mcpscope.lint.recorded import RecordedSession

SLICE_SECONDS = 0.005
SLICE_MESSAGES = 25
REST = 3
"""A slice is followed by a rest so many times as long: keys come first."""
TELL_SECONDS = 0.3
AUTOMATIC_MESSAGES = 5000
"""A session that has more from the start is looked through only once somebody wants its findings."""
MAX_FOUND = 20_000


@dataclass(slots=True)
class _Session:
    """How far one session is looked through, and what is found in it so far."""

    row: SessionRow
    reading: RecordedSession | None = None
    found: list[Finding] = field(default_factory=list)
    taken: int = 0
    over: bool = False


class Linting:
    """``tell`` is called whenever there is more to show, at most a few times a second."""

    def __init__(self, source: Source, tell: Callable[[], object]) -> None:
        self._source = source
        self._tell = tell
        self._sessions: dict[int, _Session] = {}
        self._reader: Reader | None = None
        self._more = asyncio.Event()
        self._running = False
        self._wanted = False
        self.marks: dict[int, str] = {}

    def __repr__(self) -> str:
        return f"<Linting {len(self._sessions)} sessions, {len(self.marks)} exchanges marked>"

    def follow(self, rows: Iterable[SessionRow]) -> None:
        """These sessions are in view, or have grown."""
        known, self._sessions = self._sessions, {}
        for row in rows:
            session = known.get(row.id) or _Session(row)
            session.row = row
            self._sessions[row.id] = session
        self._more.set()

    def want(self) -> None:
        """Somebody looks at findings: sessions of any size are looked through from now on."""
        self._wanted = True
        self._more.set()

    @property
    def found(self) -> list[tuple[SessionRow, Finding]]:
        """Everything found in the sessions in view, in the order it was made."""
        return [(one.row, found) for one in self._sessions.values() for found in one.found]

    @property
    def progress(self) -> tuple[int, int]:
        """How many of how many messages are looked through."""
        sessions = self._sessions.values()
        return sum(min(one.taken, one.row.messages) for one in sessions), sum(
            one.row.messages for one in sessions
        )

    async def run(self, *, watch: bool) -> None:
        """Look through what is in view: for as long as the UI runs, or once."""
        if self._running:
            return
        self._running = True
        told = 0.0
        try:
            while True:
                self._more.clear()
                session = self._next()
                if session is None:
                    self._show()
                    if not watch:
                        return
                    await self._more.wait()
                    continue
                began = time.monotonic()
                await self._source.beside(lambda session=session: self._slice(session))  # type: ignore[misc]  # bound here
                cost = time.monotonic() - began
                if time.monotonic() - told > TELL_SECONDS:
                    self._show()
                    told = time.monotonic()
                await asyncio.sleep(cost * REST if watch else 0)
        finally:
            self._running = False

    def _next(self) -> _Session | None:
        """A session of which there is more to look through."""
        for one in self._sessions.values():
            if one.over or len(one.found) >= MAX_FOUND:
                continue
            allowed = self._wanted or one.taken or one.row.messages <= AUTOMATIC_MESSAGES
            if allowed and (one.row.messages > one.taken or one.row.ended_at is not None):
                return one
        return None

    def _slice(self, session: _Session) -> None:
        """Look through a few messages, on the thread beside the UI's."""
        if self._reader is None:
            self._reader = Reader(self._source.path)
        row = session.row
        if session.reading is None:
            session.reading = later.recorded.RecordedSession(row.id, row.started_at)
        reading = session.reading
        end = time.monotonic() + SLICE_SECONDS
        while time.monotonic() < end:
            before = reading.messages
            if not reading.more(self._reader, SLICE_MESSAGES):
                if row.ended_at is not None:
                    session.found = reading.end(complete=row.end_reason != "killed")
                    session.over = True
                session.taken = row.messages
                return
            session.taken += reading.messages - before

    def _show(self) -> None:
        """What is found up to now, and the mark of each exchange: its worst finding and their number."""
        for one in self._sessions.values():
            if not one.over and one.reading is not None:
                one.found = one.reading.so_far()
        order = list(later.lint_rules.Severity)
        counts: Counter[int] = Counter()
        worst: dict[int, int] = {}
        for _, found in self.found:
            if found.exchange:
                counts[found.exchange] += 1
                rank = order.index(found.severity)
                worst[found.exchange] = min(worst.get(found.exchange, rank), rank)
        self.marks = {id: f"{count}{order[worst[id]].value[0]}" for id, count in counts.items()}
        self._tell()

    def close(self) -> None:
        """Let go of the database; the thread has ended."""
        if self._reader is not None:
            self._reader.close()
