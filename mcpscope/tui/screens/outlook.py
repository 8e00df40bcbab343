"""How the list of Traffic looks: signs and clock of a paint, the window of the waterfall, titles, facts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcpscope.tui.clock import Clock
from mcpscope.tui.present import traffic
from mcpscope.tui.present.framerow import frames_heading
from mcpscope.tui.present.rows import Look, columns, heading
from mcpscope.tui.present.spans import Line
from mcpscope.tui.widgets.painted import glyphs_of

if TYPE_CHECKING:
    from mcpscope.tui.screens.traffic import TrafficScreen


class Outlook:
    """Reads the screen and its listing; changes neither."""

    def __init__(self, screen: TrafficScreen, clock: Clock) -> None:
        self._screen = screen
        self._clock = clock
        self._span: tuple[tuple[int, ...], tuple[int, int]] = ((), (0, 0))
        self._counted = (0.0, 0)
        self._rate = 0

    def tick(self) -> None:
        """Take the rate of what arrives, once a second."""
        now, arrived = time.monotonic(), self._screen.listing.arrived
        at, before = self._counted
        self._rate = round((arrived - before) / (now - at)) if at else 0
        self._counted = (now, arrived)

    def look(self) -> Look:
        """The signs, zone and clock of this paint, and the window of the waterfall."""
        now, screen = self._clock.now_ns(), self._screen
        window = self._window(now) if screen.listing.rows.waterfall else (0, 0)
        return Look(glyphs_of(screen), self._clock.zone, now, window, screen.marks())

    def _window(self, now: int) -> tuple[int, int]:
        rows, pane = self._screen.listing.rows, self._screen.list
        top, high = pane.scroll_offset.y, pane.size.height
        key = (top, high, len(rows), now // 500_000_000)
        if key != self._span[0]:
            seen = rows.around(top, max(high, 1))
            ends = [
                row.ended_at or (now if row.status in ("waiting", "held") else row.opened_at) for row in seen
            ]
            first = min((row.opened_at for row in seen), default=0)
            self._span = (key, (first, max(ends, default=0) + 1))
        return self._span[1]

    def titles(self, width: int) -> Line:
        """The titles of the columns."""
        listing = self._screen.listing
        if listing.frames is not None:
            return frames_heading(width)
        look = self.look()
        shape = columns(width, waterfall=listing.rows.waterfall, findings=bool(look.marks))
        return heading(shape, width, look)

    def shown(self) -> traffic.Display:
        """How the list stands."""
        listing, follow = self._screen.listing, self._screen.list.follow
        filtered = listing.selection.filter is not None and not listing.selection.filter.is_empty
        return traffic.Display(
            shown=len(listing.frames or listing.rows),
            filtered=filtered,
            follow=follow,
            unseen=listing.unseen,
            paused=listing.paused,
            sort=listing.selection.sort,
            rate=self._rate,
            searching=filtered and not listing.complete,
            frames=listing.frames is not None,
        )
