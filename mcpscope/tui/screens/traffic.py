"""Traffic: the list of exchanges, live, and the detail of the one under the cursor beside or below it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from mcpscope.store.listed import ExchangeRow
from mcpscope.tui.action import Action
from mcpscope.tui.clock import Clock
from mcpscope.tui.feed import Change
from mcpscope.tui.loaded import load
from mcpscope.tui.memory import Memory
from mcpscope.tui.messages import OpenExchange, ShowExchange, Wants
from mcpscope.tui.present import traffic
from mcpscope.tui.present.spans import Span
from mcpscope.tui.screens.arranging import Arranging
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen, bindings, possible
from mcpscope.tui.screens.composing import ComposeExchange
from mcpscope.tui.screens.copying import Copying
from mcpscope.tui.screens.exporting import Exporting
from mcpscope.tui.screens.filtering import Filtering
from mcpscope.tui.screens.flowing import Flowing
from mcpscope.tui.screens.listing import Listing
from mcpscope.tui.screens.outlook import Outlook
from mcpscope.tui.screens.remarking import Remarking
from mcpscope.tui.screens.replays import ReplayOne
from mcpscope.tui.screens.seeking import Seeking
from mcpscope.tui.screens.sorting import Sorting
from mcpscope.tui.screens.steering import Steering
from mcpscope.tui.screens.undercursor import UnderCursor
from mcpscope.tui.screens.viewing import Viewing
from mcpscope.tui.sending import Sender
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer
from mcpscope.tui.undoing import Undo
from mcpscope.tui.widgets.exchange import ExchangeView
from mcpscope.tui.widgets.filterbar import FilterBar
from mcpscope.tui.widgets.painted import Bar, MadeBar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

TICK_SECONDS = 1.0


class TrafficScreen(ScopeScreen):
    """The list. What is selected is an exchange's id, whatever happens to its position."""

    place = "traffic"
    BINDINGS: ClassVar[list[BindingType]] = bindings("traffic")

    def __init__(
        self, source: Source, clock: Clock, memory: Memory, undo: Undo, steer: Steer, sender: Sender
    ) -> None:
        super().__init__()
        self._source = source
        self._clock = clock
        self.outlook = Outlook(self, clock)
        self.listing = Listing(source, self.outlook.look, self.rows_changed)
        self.viewing = Viewing(self, source, lambda: self.query_one(ExchangeView))
        self.filtering = Filtering(self, source, clock, memory, self.listing, undo)
        self.remarking = Remarking(self, source, self.listing, undo)
        self.sorting = Sorting(self, self.listing)
        self.copying = Copying(self, source, clock, lambda: self.view)
        self.exporting = Exporting(self, source.path, self._session, lambda: self.listing.selection.filter)
        self.under = UnderCursor(self, source, self.viewing, self.selected)
        self._steering = Steering(self, steer, clock, undo, source, self.selected)
        self.breaking = self._steering.breaking
        self.composing = ComposeExchange(self, source, sender, steer, lambda: self.list.selected)
        self.seeking = Seeking(self, self.listing)
        self.arranging = Arranging(self, self.listing)
        self._flowing = Flowing(self)
        self.note = ""

    def body(self) -> ComposeResult:
        yield FilterBar(id="filter")
        with Container(id="main"):
            with Vertical(id="list-part"):
                yield MadeBar(self.outlook.titles, id="heading")
                yield RowList(follows=True, id="list")
                yield Bar(id="preview")
            yield ExchangeView(self._clock, id="detail")

    @property
    def list(self) -> RowList:
        return self.query_one("#list", RowList)

    @property
    def view(self) -> ExchangeView:
        return self.query_one(ExchangeView)

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self._tick)
        self.view.held = self._steering.panel
        self.list.focus()

    def marks(self) -> Mapping[int, str]:
        """What is wrong with which exchange."""
        found: Mapping[int, str] = self._app.linting.marks
        return found

    def linted(self) -> None:
        """More was found in what is listed."""
        if self.is_mounted and self.is_current and not self.listing.paused:
            self.query_one("#heading").refresh()
            self.list.refresh()

    # what arrives

    async def take(self, change: Change) -> None:
        """Take in what changed in the store."""
        await self.listing.take(change, follow=self.list.follow)
        if self.view.loaded is not None and self.view.loaded.row.id in change.exchanges:
            self.under.soon()

    def rows_changed(self) -> None:
        """Paint the list again: other rows, or the same with other contents."""
        if not self.is_mounted:
            return
        rows = self.listing.frames or self.listing.rows
        if self.list.rows is not rows:
            self.list.show(rows)
        else:
            self.list.changed()
        self.settle_chrome()

    def _tick(self) -> None:
        """Once a second: clocks count up, rates are taken."""
        self.outlook.tick()
        if not self.listing.paused:
            self.list.refresh()
            self.view.tick()
        self.refresh_chrome()

    def settled(self) -> None:
        """The parts have their places: the list and what stands around it are painted for them."""
        self.list.changed()
        self.settle_chrome()
        if self.view.display:
            self.under.soon()

    def settle_chrome(self) -> None:
        """Titles, counts, status and keys as the list stands now."""
        self.query_one("#heading").refresh()
        known = self.listing.complete and not len(self.listing.rows)
        self.list.empty = traffic.empty_lines(self.outlook.shown(), self.note) if known else ()
        self.filtering.show_facts(traffic.counts(self.outlook.shown(), self.listing.counters))
        self.refresh_chrome()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        parts = traffic.status_parts(self.outlook.shown(), self.listing.counters, glyphs_of(self))
        if self.note:
            parts.insert(0, (self.note, "accent"))
        right = self.app.theme if self.size.width >= NARROW else ""
        return parts, right

    # the filter

    def on_filter_bar_typed(self, event: FilterBar.Typed) -> None:
        self.filtering.typed(event.text, event.cursor)

    def on_filter_bar_kept(self, event: FilterBar.Kept) -> None:
        self.filtering.kept(event.text)

    def on_filter_bar_left(self) -> None:
        self.filtering.left()

    def on_filter_bar_save(self, event: FilterBar.Save) -> None:
        begin(self, self.filtering.save, event.text)

    # the cursor

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if self.list.follow:
            self.listing.unseen = 0
        self.under.soon()
        self.settle_chrome()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        self.action_act("open")

    def selected(self) -> ExchangeRow | None:
        """The exchange under the cursor; of a frame, the exchange it belongs to."""
        key = self.list.selected
        if key is None:
            return None
        if self.listing.frames is not None:
            frame = self.listing.frames.frame(key)
            key = getattr(frame, "exchange_id", None) or key
        return self.listing.rows.row(key)

    def on_exchange_view_tab_chosen(self, event: ExchangeView.TabChosen) -> None:
        begin(self, partial(self.viewing.fill, keep=event.keep), group="detail", exclusive=True)

    # layouts

    def on_resize(self) -> None:
        super().on_resize()
        self.arranging.arrange()

    # actions

    def label(self, action: Action) -> str:
        return "Resume" if action.id == "pause" and self.listing.paused else action.label

    def acts(self) -> dict[str, Act]:
        return {
            "open": Act(self._open, self._nothing_selected),
            **self._flowing.acts(),
            **self.seeking.acts(self._in_frames),
            **self.sorting.acts(self._in_frames),
            **self.exporting.acts(self._nothing_selected),
            "diff": Act(self._diff, self._nothing_selected),
            "back": Act(self._back),
            **self.arranging.acts(),
            **self.filtering.acts(self._nothing_selected, self.selected),
            **self.copying.acts(self._nothing_selected),
            **ReplayOne(self, self._source, lambda: self.list.selected).acts(self._nothing_selected),
            **self.remarking.acts(self._nothing_selected, self.selected),
            **self._steering.acts(),
            **self.composing.acts(self._nothing_selected),
            **self.viewing.acts(lambda: "" if self.view.display else "Enter opens the exchange first"),
            **self._where_focus_is(),
        }

    def _where_focus_is(self) -> dict[str, Act]:
        """What means the row in the list, and the value under the cursor in the detail."""
        of_row = self.filtering.acts(self._nothing_selected, self.selected)["filter-value"]
        of_value = self.viewing.acts(possible)["filter-value"]

        def now() -> Act:
            return of_value if self.view.has_focus_within else of_row

        return {"filter-value": Act(lambda: now().do(), lambda: now().why_not())}

    def _nothing_selected(self) -> str:
        return "" if self.list.selected is not None else "the list is empty"

    def _in_frames(self) -> str:
        return self.keyed("{frames} shows exchanges first") if self.listing.frames is not None else ""

    def _open(self) -> None:
        row = self.selected()
        if self.view.has_focus_within:
            self.viewing.open_value()
        elif row is not None:
            self.post_message(OpenExchange(row.id))

    def _session(self) -> int | None:
        row = self.selected()
        return row.session_id if row is not None else None

    async def _diff(self) -> None:
        """The marked exchange and this one, else what was received and what was sent."""
        row = self.selected()
        if row is None:
            return
        if not self.view.display:
            self.post_message(OpenExchange(row.id, "Diff"))
            return
        other = self.seeking.marked(row.id)
        self.view.other = None if other is None else await self._source.ask(lambda pages: load(pages, other))
        self.view.tab = "Diff"
        await self.viewing.fill()

    def _back(self) -> None:
        """From the detail to the list; a filter that still searches is given up; else as everywhere."""
        if self.view.has_focus_within:
            self.arranging.whole()
            self.list.focus()
        elif self.outlook.shown().searching:
            self._source.interrupt()
        else:
            self.post_message(Wants("back"))

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """Show the exchanges of these sessions, followed from their end."""
        self.list.follow = True
        self.listing.unseen = 0
        await self.listing.load(dataclasses.replace(self.listing.selection, sessions=sessions))

    def on_show_exchange(self, event: ShowExchange) -> None:
        event.stop()
        self.list.select(event.exchange)
