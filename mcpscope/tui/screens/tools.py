"""Tools: what servers offer, who may see it, how it was used, and what changed in it, live or recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from mcpscope.store.listed import SessionRow
from mcpscope.tui.clock import Clock
from mcpscope.tui.feed import Change
from mcpscope.tui.links import Link
from mcpscope.tui.messages import FilterBy
from mcpscope.tui.offering import Offering
from mcpscope.tui.offers import Thing
from mcpscope.tui.present import tools
from mcpscope.tui.present.chrome import rule
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.present.toolfacts import facts
from mcpscope.tui.screens.base import NARROW, Act, ScopeScreen, bindings
from mcpscope.tui.screens.breaking import Breaking, breaking_words
from mcpscope.tui.screens.composing import Composing, of_thing
from mcpscope.tui.screens.faulting import Faulting
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.screens.shelf import Shelf
from mcpscope.tui.screens.thingrows import SORTS, ThingRows
from mcpscope.tui.screens.toggling import Toggling, chosen
from mcpscope.tui.screens.tool import ToolScreen
from mcpscope.tui.sending import Sender
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer
from mcpscope.tui.undoing import Undo
from mcpscope.tui.widgets.painted import Bar, MadeBar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.widgets.viewer import Viewer
from mcpscope.tui.working import begin

TICK_SECONDS = 0.5
SHOWN_BYTES = 64 << 10
"""A larger definition is not laid out below the list with every move of the cursor: Enter shows it."""
REST = 10
"""Reading the store again waits so many times as long as the last read took."""


class ToolsScreen(ScopeScreen):
    """What the sessions in view offer. ``sessions`` gives them; ``things`` are its rows of every kind."""

    place = "tools"
    BINDINGS: ClassVar[list[BindingType]] = bindings("tools")

    def __init__(
        self,
        source: Source,
        steer: Steer,
        clock: Clock,
        undo: Undo,
        sender: Sender,
        sessions: Callable[[], Sequence[SessionRow]],
    ) -> None:
        super().__init__()
        self.clock, self.source = clock, source
        self.offering = Offering(source, steer, sessions)
        self.shelf = Shelf()
        self._stale, self._reading, self._rest_until = True, False, 0.0
        self.toggling = Toggling(self, source, steer, undo, self.targets, self._read)
        self._faulting = Faulting(self, steer, undo, self.targets, self._read)
        self._composing = Composing(self, sender, steer)
        self._breaking = Breaking(self, steer, undo, self._target)

    def body(self) -> ComposeResult:
        yield Bar(id="tabs")
        with Container(id="main"):
            with Vertical(id="list-part"):
                yield MadeBar(self._titles, id="heading")
                yield RowList(id="list")
            with Vertical(id="thing-part"):
                yield Bar(id="thing-rule")
                yield Viewer(id="thing")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(TICK_SECONDS, self._tick)
        self.rows.focus()

    # what arrives

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """Other sessions are in view."""
        self._stale, self._rest_until = True, 0.0
        self._tick()

    async def take(self, change: Change) -> None:
        """Something changed in the store: it is read again, not too often, while it is looked at."""
        self._stale = True

    def steered(self) -> None:
        """Something changed at a proxy."""
        self._stale = True

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._tick()

    def _tick(self) -> None:
        ready = time.monotonic() >= self._rest_until and not self._reading
        if self._stale and self.is_attached and self._looked_at() and ready:
            self._reading = True
            begin(self, self._read, group="tools")

    def _looked_at(self) -> bool:
        return self.is_current or any(isinstance(screen, ToolScreen) for screen in self.app.screen_stack[1:])

    async def _read(self) -> None:
        self._stale, began = False, time.monotonic()
        try:
            await self.offering.read()
        finally:
            self._reading = False
        self._rest_until = time.monotonic() + REST * (time.monotonic() - began)
        self.show_rows()
        for screen in self.app.screen_stack:
            if isinstance(screen, ToolScreen):
                screen.show(self.offering.find(screen.thing.key) or screen.thing)

    def show_rows(self) -> None:
        """Fill the list from what is known."""
        if not self.is_mounted:
            return
        self.rows.show(ThingRows(self.shelf.pick(self.things), self))
        self._paint()

    @property
    def things(self) -> list[Thing]:
        """The rows of every kind."""
        return self.offering.things

    # what is shown

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        width = self.size.width
        self.query_one("#tabs", Bar).show([tools.tabs_line(self.things, self.shelf.kind, width)])
        self.query_one("#heading").refresh()
        self._paint_thing()
        self.refresh_chrome()

    def _titles(self, width: int) -> Line:
        servers = len({thing.label for thing in self.shelf.of_kind(self.things)})
        return tools.tools_heading(width, glyphs_of(self), servers=servers)

    def _paint_thing(self) -> None:
        viewer, glyphs, thing = self.query_one("#thing", Viewer), glyphs_of(self), self.selected()
        width = viewer.size.width or self.size.width
        self.query_one("#thing-rule", Bar).show([rule(width, glyphs)])
        if thing is None:
            needle, kind = self.shelf.needle, self.shelf.kind
            empty = f"nothing matches {needle!r}" if needle else f"no {kind}s were listed yet"
            viewer.show([[(f"  {empty}", "muted")]])
            return
        notes, seen = self.offering.notes(thing.label), self.offering.seen(thing)
        lines = facts(thing, notes, width - 2, glyphs, self.clock, seen=seen)
        if self.size.width >= NARROW and thing.size <= SHOWN_BYTES:
            lines += [[], *[[("  ", ""), *line] for line in tools.schema_lines(thing)]]
        viewer.show(lines, keep=True)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.show_rows)

    def on_row_list_moved(self) -> None:
        self._paint_thing()
        self.refresh_chrome()

    def on_row_list_opened(self) -> None:
        self.action_act("tool.open")

    def status_parts(self) -> tuple[Sequence[Span], str]:
        return self.shelf.words(self.things), ""

    # what is done

    def selected(self) -> Thing | None:
        """The row under the cursor."""
        rows = self.rows.rows if self.is_mounted else None
        if not isinstance(rows, ThingRows) or not len(rows) or self.rows.selected is None:
            return None
        return rows.things[rows.position(self.rows.selected)]

    def targets(self) -> list[Thing]:
        """What a key acts on."""
        return self.shelf.targets(self.things, self.selected())

    def _target(self) -> tuple[str, Sequence[Link]]:
        thing = self.selected()
        return ("", ()) if thing is None else (thing.filter, thing.links)

    def acts(self) -> dict[str, Act]:
        return {
            **self._breaking.acts(),
            "break": Act(self._break, self.toggling.why_not),
            **self.toggling.acts(),
            "compose.new": Act(self._new_call, lambda: self._composing.why_not() or self._nothing()),
            "tool.fault": Act(self._faulting.menu, self.toggling.why_not),
            "tool.open": Act(lambda: self._open("Schema"), self._nothing),
            "tool.diff": Act(lambda: self._open("Diff"), self._nothing),
            "tool.calls": Act(self._calls, self._nothing),
            "tool.mark": Act(self._mark, self._nothing),
            "filter": Act(self._filter),
            "sort": Act(self._sorted),
            "sort.reverse": Act(self._turn),
            "tab.next": Act(lambda: self._tab(1)),
            "tab.previous": Act(lambda: self._tab(-1)),
        }

    async def _break(self) -> None:
        await self.break_on(self.targets())

    async def break_on(self, things: Sequence[Thing]) -> None:
        """Hold the calls of these, or of none of them any more where all are held."""
        await self._breaking.toggle([(thing.filter, thing.links) for thing in things if thing.links])
        await self._read()

    def _nothing(self) -> str:
        return "" if self.selected() is not None else "nothing is listed"

    def _open(self, tab: str) -> None:
        thing = self.selected()
        if thing is not None:
            self.app.push_screen(ToolScreen(self, thing, tab))

    def _new_call(self) -> None:
        thing = self.selected()
        if thing is not None:
            self._composing.open(of_thing(thing), self.offering.sessions(thing.label))

    def _calls(self) -> None:
        thing = self.selected()
        if thing is not None:
            self.post_message(FilterBy(thing.filter, add=False))

    def _mark(self) -> None:
        thing = self.selected()
        if thing is not None:
            self.shelf.mark(thing)
            self.rows.move("down")
            self.rows.refresh()

    def _tab(self, step: int) -> None:
        self.shelf.turn(step)
        self.show_rows()

    async def _filter(self) -> None:
        hint = "part of a name, globs, or read write destroys open ?; empty shows all"
        dialog = Ask("Rows that match", self.shelf.needle, hint)
        text = await self.app.push_screen_wait(dialog)
        if dialog.submitted:
            self.filter(text)

    async def command(self, verb: str, words: Sequence[str]) -> None:
        """``hide``, ``show``, ``only``, ``break`` or ``accept`` what the words name."""
        await self._read()
        if verb != "break":
            await self.toggling.command(verb, words, self.things)
            return
        names, how = breaking_words(words)
        found = chosen(self.things, names, "tool")
        if why := self.toggling.why_not_these(found, verb, names):
            self.say(why)
        elif how:
            await self._breaking.add([(thing.filter, thing.links) for thing in found], how)
            await self._read()
        else:
            await self.break_on(found)

    def filter(self, text: str) -> None:
        """Show only what matches."""
        self.shelf.needle = text
        self.show_rows()

    async def _sorted(self) -> None:
        entries = [Entry(word[0], word, word) for word in SORTS]
        found = await self.app.push_screen_wait(Menu("Sort by", entries))
        if found:
            self.shelf.sort, self.shelf.reverse = found, False
            self.show_rows()

    def _turn(self) -> None:
        self.shelf.reverse = not self.shelf.reverse
        self.show_rows()
