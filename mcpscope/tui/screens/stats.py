"""Stats: how often, how fast and how large, by tool, client, server, session or time, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.engine.filter.language import parse
from mcpscope.errors import ScopeError
from mcpscope.store.offered import offered, that_listed
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from mcpscope.store.stats import Stat, stats
from mcpscope.tui.feed import Change
from mcpscope.tui.messages import FilterBy
from mcpscope.tui.present import figures
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.present.stats import TABS, Row, stats_heading, stats_line, tabs_line, totals
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.source import Source
from mcpscope.tui.steer import reason
from mcpscope.tui.widgets.painted import Bar, MadeBar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

TICK_SECONDS = 0.5
REST = 10
"""Reading the store again waits so many times as long as the last read took."""
SORTS: dict[str, Callable[[Row], Any]] = {
    "calls": lambda row: (-row.stat.calls, row.name),
    "errors": lambda row: (-row.stat.errors, row.name),
    "p95": lambda row: (-(row.stat.percentile(0.95) or 0), row.name),
    "bytes": lambda row: (-row.stat.asked_bytes - row.stat.answer_bytes, row.name),
    "name": lambda row: row.name,
}
SORTED_BY = [Entry(name[0], name, name) for name in SORTS]
_FIELDS = {"tool": "tool", "method": "method", "client": "client", "server": "server", "session": "session"}


class GroupRows:
    """``Rows`` over groups; their keys are given out once for each name."""

    def __init__(
        self, rows: Sequence[Row], numbers: dict[str, int], span: tuple[int, int], screen: ScopeScreen
    ) -> None:
        self.rows = rows
        self.span = span
        self._screen = screen
        self._keys = [numbers.setdefault(row.name, len(numbers)) for row in rows]
        self._at = {key: at for at, key in enumerate(self._keys)}

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, position: int) -> int:
        return self._keys[position]

    def position(self, key: int) -> int:
        return self._at.get(key, 0)

    def line(self, position: int, width: int, *, here: bool) -> Line:
        return stats_line(self.rows[position], width, self.span, glyphs_of(self._screen), here=here)


class StatsScreen(ScopeScreen):
    """Counts what the sessions in view did; read again, not too often, while it is looked at."""

    place = "stats"
    BINDINGS: ClassVar[list[BindingType]] = bindings("stats")

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._sessions: tuple[int, ...] | None = ()
        self._groups: list[Row] = []
        self._numbers: dict[str, int] = {}
        self._by, self._sort, self._reverse, self._needle = "tool", "calls", False, ""
        self._stale, self._reading, self._rest_until = True, False, 0.0

    def body(self) -> ComposeResult:
        yield Bar(id="tabs")
        yield MadeBar(lambda width: stats_heading(width, self._by), id="heading")
        yield RowList(id="list")
        yield Bar(id="facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(TICK_SECONDS, self._tick)
        self.rows.focus()

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """Other sessions are in view."""
        self._sessions, self._stale, self._rest_until = sessions, True, 0.0
        self._tick()

    async def take(self, change: Change) -> None:
        """Something changed in the store."""
        self._stale = True

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._tick()

    def _tick(self) -> None:
        ready = self._stale and not self._reading and time.monotonic() >= self._rest_until
        if ready and self.is_mounted and self.is_current:
            self._reading = True
            begin(self, self._read, group="stats")

    async def _read(self) -> None:
        self._stale, began, wanted = False, time.monotonic(), (self._by, self._sessions)
        try:
            groups = await self._source.beside(lambda: self._count(*wanted))
        except ScopeError as error:
            self.say(reason(error), severity="error")
            return
        finally:
            self._reading = False
        self._rest_until = time.monotonic() + REST * (time.monotonic() - began)
        if wanted == (self._by, self._sessions):
            self._groups = groups
            self._fill()
        else:
            self._stale, self._rest_until = True, 0.0
            self._tick()

    def _count(self, by: str, sessions: tuple[int, ...] | None) -> list[Row]:
        """Read and count, on the thread beside the UI's."""
        with reading(self._source.path) as connection:
            found = stats(Query(connection, parse(""), sessions=sessions).oldest(), by)
            if by != "tool":
                return [Row(stat) for stat in found]
            listed = offered(connection, that_listed(connection) if sessions is None else sessions)
        sizes = {one.name: one.size for one in listed if one.kind == "tool" and one.listed}
        called = {stat.key for stat in found}
        return [
            *(Row(stat, sizes.get(stat.key)) for stat in found),
            *(Row(Stat(name), size) for name, size in sizes.items() if name not in called),
        ]

    def _fill(self) -> None:
        if not self.is_mounted:
            return
        needle = self._needle.lower()
        shown = [row for row in self._groups if needle in row.name.lower()]
        shown.sort(key=SORTS[self._sort], reverse=self._reverse)
        begun = [row.stat.first for row in self._groups if row.stat.calls]
        span = (min(begun), max(row.stat.last for row in self._groups)) if begun else (0, 1)
        empty = f"nothing holds {self._needle!r}" if needle else "nothing was called yet"
        self.rows.empty = [[], [("  " + empty, "muted")]]
        self.rows.show(GroupRows(shown, self._numbers, span, self))
        self.query_one("#tabs", Bar).show([tabs_line(self._by)])
        self.query_one("#heading").refresh()
        facts = totals(shown, self._by, self.size.width, span, glyphs_of(self))
        self.query_one("#facts", Bar).show(facts)
        self.refresh_chrome()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._fill)

    def on_row_list_moved(self) -> None:
        self.refresh_chrome()

    def on_row_list_opened(self) -> None:
        self.action_act("stats.show")

    def selected(self) -> Row | None:
        """The group under the cursor."""
        rows = self.rows.rows
        return rows.rows[self.rows.cursor] if isinstance(rows, GroupRows) and len(rows) else None

    def status_parts(self) -> tuple[Sequence[Span], str]:
        parts: list[Span] = [(figures.plural(len(self.rows.rows), self._by), "")]
        if self._needle:
            parts.append((f"filter: {self._needle}", "accent"))
        return parts, f"sorted by {self._sort}"

    def acts(self) -> dict[str, Act]:
        return {
            "stats.show": Act(self._show, self._why_not),
            "filter": Act(self._filter),
            "sort": Act(self._choose_sort),
            "sort.reverse": Act(self._turn),
            "tab.next": Act(lambda: self._tab(1)),
            "tab.previous": Act(lambda: self._tab(-1)),
        }

    def _why_not(self) -> str:
        row = self.selected()
        if row is None or row.never or not row.name:
            return "there is nothing to show"
        return "" if self._by in _FIELDS else "Traffic has no filter for it; G and : goto go by time"

    def _show(self) -> None:
        row = self.selected()
        if row is not None:
            quoted = row.name.replace("\\", "\\\\").replace('"', '\\"')
            self.post_message(FilterBy(f'{_FIELDS[self._by]}:"{quoted}"', add=False))

    async def _filter(self) -> None:
        self._needle = await self.app.push_screen_wait(Ask("Names that hold", self._needle))
        self._fill()

    async def _choose_sort(self) -> None:
        chosen = await self.app.push_screen_wait(Menu("Sort by", SORTED_BY))
        if chosen:
            self._sort = chosen
            self._fill()

    def _turn(self) -> None:
        self._reverse = not self._reverse
        self._fill()

    def _tab(self, step: int) -> None:
        names = [name for name, _ in TABS]
        self._by = names[(names.index(self._by) + step) % len(names)]
        self._groups, self._numbers = [], {}
        self._stale, self._rest_until = True, 0.0
        self._fill()
        self._tick()
