"""The filter of Traffic: parsed while it is typed, previewed, kept, left, saved under a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from textual.app import App
from textual.screen import Screen
from textual.timer import Timer

from mcpscope.engine.filter.ast import Since
from mcpscope.engine.filter.completion import quote
from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.language import Filter
from mcpscope.store.listed import ExchangeRow
from mcpscope.store.opened import Interrupted
from mcpscope.tui.clock import Clock
from mcpscope.tui.memory import Memory
from mcpscope.tui.screens.base import Act
from mcpscope.tui.screens.listing import Listing
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.selection import completions, understood
from mcpscope.tui.source import Source
from mcpscope.tui.undoing import Step, Undo
from mcpscope.tui.widgets.filterbar import FilterBar
from mcpscope.tui.working import begin

PREVIEW_SECONDS = 0.12


class Filtering:
    """What the filter bar's messages do to the list. The list always shows the last filter that was valid."""

    def __init__(
        self,
        screen: Screen[None],
        source: Source,
        clock: Clock,
        memory: Memory,
        listing: Listing,
        undo: Undo,
    ) -> None:
        self._screen = screen
        self._source = source
        self._clock = clock
        self._memory = memory
        self._listing = listing
        self._undo = undo
        self._before: Filter | None = None
        self._timer: Timer | None = None

    @property
    def bar(self) -> FilterBar:
        return self._screen.query_one(FilterBar)

    def acts(self, nothing: Callable[[], str], selected: Callable[[], ExchangeRow | None]) -> dict[str, Act]:
        return {
            "filter": Act(self.begin),
            "filter-value": Act(lambda: self._by_value(selected()), nothing),
        }

    def show_facts(self, counts: str) -> None:
        """What the idle line says at its right."""
        self.bar.facts(counts, "  ".join(self._memory.filters))

    def begin(self) -> None:
        """Start typing."""
        self._before = self._listing.selection.filter
        saved = list(self._memory.filters.values())
        self.bar.begin([*saved, *self._memory.history.get("filter", [])])

    def typed(self, text: str, cursor: int) -> None:
        """Judge what is typed; preview it after a moment."""
        try:
            found: Filter | None = understood(text, self._clock.now_ns())
            self.bar.judge(None)
        except FilterError as error:
            self.bar.judge(error)
            found = None
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._screen.set_timer(PREVIEW_SECONDS, lambda: self._preview(found, text, cursor))

    def _preview(self, found: Filter | None, text: str, cursor: int) -> None:
        self._timer = None
        if not self.bar.active:
            return
        begin(self._screen, self._offer, text, cursor, group="completion", exclusive=True)
        if found is not None:
            begin(self._screen, self.apply, found, group="filter", exclusive=True)

    async def _offer(self, text: str, cursor: int) -> None:
        read = completions(text, cursor, self._listing.selection.sessions)
        try:
            self.bar.offer(await self._source.watch(read))
        except Interrupted:
            return

    async def apply(self, found: Filter | None) -> None:
        """Show what passes a filter."""
        await self._listing.load(replace(self._listing.selection, filter=found))

    def kept(self, text: str) -> None:
        """Enter: keep the filter if it is one, else stay."""
        try:
            found = understood(text, self._clock.now_ns())
        except FilterError as error:
            self.bar.judge(error)
            self._screen.app.bell()
            return
        before = self.bar.kept
        if text != before:
            steps = (partial(self._again, before), partial(self._again, text))
            self._undo.done(Step(f"filter {text or '(none)'}", *steps))
        self.bar.kept = text
        self._end()
        if text:
            self._memory.remember("filter", text)
        begin(self._screen, self.apply, found, group="filter", exclusive=True)

    async def _again(self, text: str) -> None:
        """A filter that was kept before."""
        self.bar.kept = text
        self.bar.end()
        await self.apply(understood(text, self._clock.now_ns()))

    def left(self) -> None:
        """Esc: as it was before."""
        self._end()
        begin(self._screen, self.apply, self._before, group="filter", exclusive=True)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.bar.end()
        self._screen.query_one("#list").focus()

    def use(self, text: str, *, add: bool = False) -> None:
        """Filter by ``text``, behind the filter that is there where ``add``."""
        self.kept(f"{self.bar.kept} {text}".strip() if add else text)

    def first_at(self, text: str) -> int | None:
        """The instant that ``since:TEXT`` means, in unix ns; None where it means none."""
        try:
            tree = understood(f"since:{text}", self._clock.now_ns()).tree
        except FilterError:
            return None
        return tree.at if isinstance(tree, Since) else None

    async def save(self, text: str) -> None:
        """Keep a valid filter under a name."""
        try:
            understood(text, self._clock.now_ns())
        except FilterError as error:
            self.bar.judge(error)
            return
        name = await _ask(self._screen.app, "Save this filter as")
        if name:
            self._memory.save_filter(name, text)
            self.show_facts("")

    async def _by_value(self, row: ExchangeRow | None) -> None:
        if row is None:
            return
        entries = value_filters(row)
        chosen = await self._screen.app.push_screen_wait(Menu("Filter by", entries))
        if chosen:
            self.use(chosen, add=not chosen.startswith("session:"))


def value_filters(row: ExchangeRow) -> list[Entry]:
    """What a row can be filtered by: is, is not, errors like this, only this session."""
    field, value = ("tool", row.tool) if row.tool else ("method", row.method)
    named = bool(value)
    term = f"{field}:{quote(value)}"
    like = f"code:{row.code}" if row.code is not None else f"status:{row.status}"
    return [
        Entry("i", term, f"only {term}", "" if named else "it has no method"),
        Entry("n", f"-{term}", f"not {term}", "" if named else "it has no method"),
        Entry("e", like, f"like this one: {like}"),
        Entry("d", f"dir:{row.dir}", f"only this direction: dir:{row.dir}", "" if row.dir else "it has none"),
        Entry("s", f"session:{row.session_id}", "only this session"),
    ]


async def _ask(app: App[object], title: str) -> str:
    return await app.push_screen_wait(Ask(title))
