"""To another row of Traffic: the next problem, a time of day, the row before or behind, the marked one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mcpscope.tui.present.verdict import PROBLEMS
from mcpscope.tui.screens.base import Act
from mcpscope.tui.screens.listing import Listing

if TYPE_CHECKING:
    from mcpscope.tui.screens.traffic import TrafficScreen

SEEK_ROWS = 5000


class Seeking:
    """Finds rows in the list and puts the cursor on them."""

    def __init__(self, screen: TrafficScreen, listing: Listing) -> None:
        self._screen = screen
        self._listing = listing

    def acts(self, why_not: Callable[[], str]) -> dict[str, Act]:
        """By the id of the action."""
        return {
            "problem.next": Act(partial(self._problem, 1), why_not),
            "problem.previous": Act(partial(self._problem, -1), why_not),
        }

    def _problem(self, step: int) -> None:
        """To the next exchange with a problem, at most five thousand rows away."""
        rows, at = self._listing.rows, self._screen.list.cursor + step
        for _ in range(SEEK_ROWS):
            if not 0 <= at < len(rows):
                break
            row = rows.row(rows.key(at))
            if row is not None and (row.status in PROBLEMS or "orphan" in row.flags):
                self._screen.list.select(row.id)
                return
            at += step
        self._screen.say("no problem further " + ("down" if step > 0 else "up"))

    def beside(self, exchange: int, count: int) -> int | None:
        """The exchange ``count`` rows further in the list; None beyond its ends."""
        rows = self._listing.rows
        at = rows.position(exchange) + count
        return rows.key(at) if 0 <= at < len(rows) else None

    def marked(self, exchange: int) -> int | None:
        """The marked exchange to compare this one with: the last marked one that is another."""
        return next((key for key in reversed(list(self._listing.rows.marked)) if key != exchange), None)

    def go_to_time(self, text: str) -> bool:
        """Put the cursor on the first exchange at or after a time of day; False where it is none."""
        found = self._screen.filtering.first_at(text)
        if found is None:
            return False
        rows = self._listing.rows
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            row = rows.row(rows.key(middle))
            if row is not None and row.opened_at < found:
                low = middle + 1
            else:
                high = middle
        if len(rows):
            self._screen.list.select(rows.key(min(low, len(rows) - 1)))
        return True
