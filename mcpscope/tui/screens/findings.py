"""Findings: what client and server do that the specification forbids or others choke on, as it happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.lint.finding import Finding
from mcpscope.lint.rules import Severity
from mcpscope.store.listed import SessionRow
from mcpscope.tui.linting import Linting
from mcpscope.tui.messages import OpenExchange, ShowExchange
from mcpscope.tui.present import figures
from mcpscope.tui.present.findings import (
    finding_facts,
    finding_line,
    findings_counts,
    findings_heading,
    no_findings,
)
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.widgets.painted import Bar, MadeBar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

Found = tuple[SessionRow, Finding]
_GRAVITY = list(Severity)
SORTS: dict[str, Callable[[Found], Any]] = {
    "gravest": lambda one: (_GRAVITY.index(one[1].severity), one[1].message),
    "time": lambda one: one[1].message,
    "kind": lambda one: (one[1].code, one[1].message),
    "about": lambda one: (one[1].about, one[1].message),
}
SORTED_BY = (
    Entry("g", "gravest", "the gravest first"),
    Entry("t", "time", "time"),
    Entry("k", "kind", "kind of finding"),
    Entry("a", "about", "tool or method"),
)


class FindingRows:
    """``Rows`` over findings; ``numbers`` gives each its key, the same for as long as the screen lives."""

    def __init__(self, found: Sequence[Found], numbers: dict[Finding, int], screen: ScopeScreen) -> None:
        self.found = found
        self._screen = screen
        self._keys = [numbers.setdefault(one[1], len(numbers)) for one in found]
        self._at = {key: at for at, key in enumerate(self._keys)}

    def __len__(self) -> int:
        return len(self.found)

    def key(self, position: int) -> int:
        return self._keys[position]

    def position(self, key: int) -> int:
        return self._at.get(key, 0)

    def line(self, position: int, width: int, *, here: bool) -> Line:
        return finding_line(self.found[position][1], width, glyphs_of(self._screen), here=here)


class FindingsScreen(ScopeScreen):
    """What ``linting`` has found in the sessions in view."""

    place = "findings"
    BINDINGS: ClassVar[list[BindingType]] = bindings("findings")

    def __init__(self, linting: Linting) -> None:
        super().__init__()
        self._linting = linting
        self._numbers: dict[Finding, int] = {}
        self._needle, self._sort, self._reverse = "", "gravest", False

    def body(self) -> ComposeResult:
        yield MadeBar(findings_heading, id="heading")
        yield RowList(id="list")
        yield Bar(id="facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        super().on_mount()
        self._linting.want()
        begin(self, partial(self._linting.run, watch=self._app.options.watch), group="linting")
        self.rows.focus()

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """Other sessions are in view."""
        self.linted()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.linted()

    def linted(self) -> None:
        """More was found."""
        if not self.is_mounted or not self.is_current:
            return
        needle = self._needle.lower()
        found = [one for one in self._linting.found if needle in _words(one[1])]
        found.sort(key=SORTS[self._sort], reverse=self._reverse)
        self.rows.empty = no_findings(*self._linting.progress, self._needle)
        self.rows.show(FindingRows(found, self._numbers, self))
        self._paint()

    def _paint(self) -> None:
        one = self.selected()
        facts = [] if one is None else finding_facts(one[1], one[0].title, self.size.width, glyphs_of(self))
        self.query_one("#facts", Bar).show(facts)
        self.refresh_chrome()

    def on_row_list_moved(self) -> None:
        self._paint()

    def on_row_list_opened(self) -> None:
        self.action_act("finding.open")

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.linted)

    def selected(self) -> Found | None:
        """The finding under the cursor, with its session."""
        rows = self.rows.rows
        return rows.found[self.rows.cursor] if isinstance(rows, FindingRows) and len(rows) else None

    def status_parts(self) -> tuple[Sequence[Span], str]:
        rows = self.rows.rows
        shown = [one[1] for one in rows.found] if isinstance(rows, FindingRows) else []
        parts: list[Span] = findings_counts(shown)
        if self._needle:
            parts.append((f"filter: {self._needle}", "accent"))
        taken, total = self._linting.progress
        if taken < total:
            parts.append((f"looked through {figures.count(taken)} of {figures.count(total)}", "info"))
        return parts, f"sorted by {self._sort}"

    def acts(self) -> dict[str, Act]:
        return {
            "finding.open": Act(self._open, self._no_exchange),
            "finding.show": Act(self._show, self._no_exchange),
            "filter": Act(self._filter),
            "sort": Act(self._choose_sort),
            "sort.reverse": Act(self._turn),
        }

    def _no_exchange(self) -> str:
        one = self.selected()
        return "" if one is not None and one[1].exchange else "this finding belongs to no exchange"

    def _open(self) -> None:
        one = self.selected()
        if one is not None:
            self.post_message(OpenExchange(one[1].exchange))

    def _show(self) -> None:
        one = self.selected()
        if one is not None:
            self.post_message(ShowExchange(one[1].exchange))

    async def _filter(self) -> None:
        self._needle = await self.app.push_screen_wait(Ask("Findings that hold", self._needle))
        self.linted()

    async def _choose_sort(self) -> None:
        chosen = await self.app.push_screen_wait(Menu("Sort findings by", SORTED_BY))
        if chosen:
            self._sort = chosen
            self.linted()

    def _turn(self) -> None:
        self._reverse = not self._reverse
        self.linted()


def _words(found: Finding) -> str:
    return f"{found.severity} {found.code} {found.side} {found.about} {found.text}".lower()
