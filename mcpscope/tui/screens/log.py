"""Log: what happened besides messages (decisions, beginnings and ends, gaps, notes), read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.store.listed import OutcomeRow
from mcpscope.store.pages import Pages
from mcpscope.tui.clock import Clock
from mcpscope.tui.feed import Change
from mcpscope.tui.messages import OpenExchange
from mcpscope.tui.present import figures
from mcpscope.tui.present.logline import Event, edit_words, event_line, events
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.menu import Ask
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.painted import glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

MAX_EDITS, MAX_EDITED_BYTES = 500, 64 << 10
"""So many edits, the newest, of messages so large, are told with what they changed."""


class EventRows:
    """``Rows`` over events; they only ever grow, so a position is a key."""

    def __init__(self, found: Sequence[Event], screen: LogScreen) -> None:
        self.events = found
        self._screen = screen

    def __len__(self) -> int:
        return len(self.events)

    def key(self, position: int) -> int:
        return position

    def position(self, key: int) -> int:
        return min(key, max(0, len(self.events) - 1))

    def line(self, position: int, width: int, *, here: bool) -> Line:
        cursor = glyphs_of(self._screen).cursor if here else ""
        return event_line(self.events[position], width, self._screen.clock.zone, cursor=cursor)


class LogScreen(ScopeScreen):
    """Follows the end as Traffic does. ``said`` are the lines that the UI itself said."""

    place = "log"
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")

    def __init__(self, source: Source, clock: Clock, said: Sequence[tuple[int, str]]) -> None:
        super().__init__()
        self._source = source
        self.clock = clock
        self._ui_said = said
        self._needle = ""
        self._all: list[Event] = []
        self._edits: dict[tuple[int, int], str] = {}

    def body(self) -> ComposeResult:
        yield RowList(follows=True, id="list")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """The log is of everything, whatever Traffic shows."""
        await self._reload()

    async def take(self, change: Change) -> None:
        """Something changed; the log is read again only while it is looked at."""
        if self.is_current:
            await self._reload()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        begin(self, self._reload, group="log", exclusive=True)

    async def _reload(self) -> None:
        said, arrow = list(self._ui_said), glyphs_of(self).arrow

        def read(pages: Pages) -> list[Event]:
            notes, decisions = pages.notes(None, leave_out="stderr"), pages.decisions(None)
            self._tell_edits(pages, [outcome for _, _, outcome in decisions], arrow)
            return events(pages.sessions()[:500], notes, decisions, said, self._edits)

        self._all = await self._source.watch(read)
        self._fill()

    def _tell_edits(self, pages: Pages, outcomes: Sequence[OutcomeRow], arrow: str) -> None:
        """Find out what the newest edits changed; of each once."""
        edited = [one for one in outcomes if one.outcome == "edited" and one.sent is not None]
        for one in edited[-MAX_EDITS:]:
            key = (one.message_id, one.at)
            if key not in self._edits and one.sent is not None and len(one.sent) <= MAX_EDITED_BYTES:
                self._edits[key] = edit_words(pages.body(one.message_id), one.sent, arrow)

    def _fill(self) -> None:
        needle = self._needle.lower()
        found = [event for event in self._all if needle in f"{event.who} {event.text}".lower()]
        self.rows.show(EventRows(found, self))
        self.refresh_chrome()

    def selected(self) -> Event | None:
        rows = self.rows.rows
        found = isinstance(rows, EventRows) and len(rows)
        return rows.events[self.rows.cursor] if found and isinstance(rows, EventRows) else None

    def status_parts(self) -> tuple[Sequence[Span], str]:
        parts: list[Span] = [(figures.plural(len(self.rows.rows), "event"), "")]
        if self._needle:
            parts.append((f"filter: {self._needle}", "accent"))
        if not self.rows.follow:
            parts.append((self.keyed("not following ({move.bottom} follow)"), "muted"))
        return parts, ""

    def acts(self) -> dict[str, Act]:
        return {
            "open": Act(self._open, self._no_exchange),
            "filter": Act(self._filter),
            "follow": Act(self._follow),
        }

    def _no_exchange(self) -> str:
        event = self.selected()
        return "" if event is not None and event.exchange else "this line belongs to no exchange"

    def _open(self) -> None:
        event = self.selected()
        if event is not None and event.exchange:
            self.post_message(OpenExchange(event.exchange))

    def _follow(self) -> None:
        self.rows.follow = not self.rows.follow
        self.rows.changed()

    async def _filter(self) -> None:
        self._needle = await self.app.push_screen_wait(Ask("Lines that hold", self._needle))
        self._fill()
