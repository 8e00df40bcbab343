"""The rows of Traffic as they come: the first picture, the whole list, what arrives, what is counted."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

from mcpscope.store.opened import Interrupted
from mcpscope.store.pages import Pages
from mcpscope.tui.exchanges import ExchangeRows
from mcpscope.tui.feed import Change
from mcpscope.tui.frames import FrameRows
from mcpscope.tui.present.rows import Look
from mcpscope.tui.present.traffic import Counters
from mcpscope.tui.selection import Selection
from mcpscope.tui.source import Source

ERRORS = ("rpc-error", "tool-error", "lost")
MAX_PENDING = 20_000
MANY = 4000
COUNT_SECONDS = 0.5


class Listing:
    """The state of the list. ``shown`` is called whenever there are other rows or the rows changed."""

    def __init__(self, source: Source, look: Callable[[], Look], shown: Callable[[], None]) -> None:
        self._source = source
        self._look = look
        self._shown = shown
        self.selection = Selection()
        self.rows = ExchangeRows(source.here, array("q"), look)
        self.frames: FrameRows | None = None
        self.paused = False
        self.complete = False
        self.unseen = 0
        self.arrived = 0
        self.counters = Counters()
        self._newest = 0
        self._pending: set[int] = set()
        self._late: set[int] = set()
        self._overflow = False
        self._turn = 0
        self._counted_at = -1e9
        self._count_cost = 0.0

    def __repr__(self) -> str:
        return f"<Listing {self.rows!r} of {self.selection!r}>"

    async def load(self, selection: Selection | None = None) -> None:
        """Show a selection: the newest rows at once, then the whole list. A newer call ends an older one."""
        if selection is not None:
            self.selection = selection
        self._turn += 1
        turn, wanted = self._turn, self.selection
        self._source.interrupt()
        self.complete = False
        try:
            if wanted.by_time and self.frames is None:
                first = await self._source.search(wanted.first())
                if turn != self._turn:
                    return
                self._take_rows(first)
            ids = await self._source.search(wanted.all())
            if turn != self._turn:
                return
            self._take_rows(ids)
            if self.frames is not None:
                await self._load_frames(turn)
        except Interrupted:
            if turn == self._turn:  # given up by a person: what is there stays
                self.complete = True
                self._shown()
            return
        self._pending.clear()
        self._overflow = False
        self.complete = True
        late, self._late = self._late, set()
        if late:  # what changed while the list was read may be older in it
            passing = await self._source.watch(wanted.among(late))
            if turn == self._turn:
                self.unseen += self.rows.merge(passing, late - passing)
        await self.count(now=True)
        self._shown()

    def _take_rows(self, ids: array[int]) -> None:
        marked, waterfall = self.rows.marked, self.rows.waterfall
        self.rows = ExchangeRows(self._source.here, ids, self._look, by_time=self.selection.by_time)
        self.rows.marked, self.rows.waterfall = marked, waterfall
        self._shown()

    async def _load_frames(self, turn: int) -> None:
        sessions = self.selection.sessions
        ids = await self._source.search(lambda pages: pages.frame_ids(sessions))
        if turn == self._turn:
            self.frames = FrameRows(self._source.here, ids, self._look)
            self._shown()

    async def toggle_frames(self) -> None:
        """Frames in wire order, or exchanges again."""
        if self.frames is not None:
            self.frames = None
            self._shown()
            return
        self.frames = FrameRows(self._source.here, array("q"), self._look)
        await self._load_frames(self._turn)

    async def take(self, change: Change, *, follow: bool) -> None:
        """Take in what changed, or keep it for later while the display is paused."""
        self.arrived += len(change.exchanges)
        if self.paused:
            self._pending |= change.exchanges
            if len(self._pending) > MAX_PENDING:
                self._pending.clear()
                self._overflow = True
            await self._count_unseen(change)
            return
        if not change.exchanges:
            return
        if not self.complete:
            self._late |= change.exchanges
            return
        if len(change.exchanges) > MANY:
            await self.load()
            return
        turn = self._turn
        passing = await self._source.watch(self.selection.among(change.exchanges))
        if turn != self._turn:
            return
        new = self.rows.merge(passing, change.exchanges - passing)
        self.unseen = 0 if follow else self.unseen + new
        if self.frames is not None:
            after = self.frames.ids[-1] if len(self.frames.ids) else 0
            sessions = self.selection.sessions
            self.frames.take(await self._source.watch(lambda pages: pages.frame_ids(sessions, after)))
        await self.count()
        self._shown()

    def pause(self) -> None:
        """Freeze; what comes from now on is counted only."""
        self.paused, self.unseen = True, 0
        self._newest = max(self._source.here.last_exchange(), *self.rows.ids[-1:])

    async def _count_unseen(self, change: Change) -> None:
        new = frozenset(key for key in change.exchanges if key > self._newest)
        if new:
            self._newest = max(new)
            passing = await self._source.watch(self.selection.among(new))
            if self.paused:  # else the display was thawed meanwhile, and shows them
                self.unseen += len(passing)

    async def resume(self) -> None:
        """Thaw: show what came while the display was paused."""
        self.paused = False
        if self._overflow or self._pending:
            await self.load()

    async def count(self, *, now: bool = False) -> None:
        """Count again, seldom where it is dear."""
        began = time.monotonic()
        if not now and began - self._counted_at < max(COUNT_SECONDS, self._count_cost * 20):
            return
        self._counted_at = began
        sessions = self.selection.sessions
        self.counters = await self._source.watch(lambda pages: _count(pages, sessions))
        self._count_cost = time.monotonic() - began


def _count(pages: Pages, sessions: tuple[int, ...] | None) -> Counters:
    durations = pages.durations(sessions)
    return Counters(
        total=sum(s.exchanges for s in pages.sessions() if sessions is None or s.id in sessions),
        errors=pages.tally(sessions, ERRORS),
        held=pages.tally(sessions, ("held",)),
        malformed=pages.tally(sessions, ("malformed",)),
        p95_ns=durations[min(len(durations) - 1, int(len(durations) * 0.95))] if durations else None,
    )
