"""One tool, prompt or resource, whole: schemas, definition, what changed, its uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.tui.jsontext import part_of
from mcpscope.tui.loaded import load
from mcpscope.tui.messages import FilterBy, OpenExchange
from mcpscope.tui.offers import Thing
from mcpscope.tui.present import tools
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.searching import Searching
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer
from mcpscope.tui.working import begin

if TYPE_CHECKING:
    from mcpscope.tui.screens.tools import ToolsScreen

TABS = ("Schema", "JSON", "Diff", "Calls")


class ToolScreen(ScopeScreen):
    """What the Tools screen says of one row, with room; that screen tells it when something changed."""

    place = "tool"
    BINDINGS: ClassVar[list[BindingType]] = bindings("tool")

    def __init__(self, under: ToolsScreen, thing: Thing, tab: str) -> None:
        super().__init__()
        self._under = under
        self.thing = thing
        self._tab = tab
        self._example = b""
        self._searching = Searching(self, lambda: self.viewer)
        self.heading = replace(under.heading, title=thing.name)

    def body(self) -> ComposeResult:
        yield Bar(id="tabs")
        yield Viewer(id="thing")

    @property
    def viewer(self) -> Viewer:
        return self.query_one(Viewer)

    def on_mount(self) -> None:
        super().on_mount()
        self.show(self.thing)
        begin(self, self._read_example, group="example")

    async def _read_example(self) -> None:
        """What the last good call said."""
        good = [call.exchange for call in self.thing.offered.last if call.status == "ok"]
        loaded = await self._under.source.ask(lambda pages: load(pages, good[-1])) if good else None
        if loaded is not None and loaded.request is not None:
            self._example = (part_of(loaded.request.source, "/params/arguments") or "").encode()
            self.show(self.thing)

    def show_heading(self, heading: Heading) -> None:
        super().show_heading(replace(heading, title=self.thing.name))

    def show(self, thing: Thing, *, keep: bool = True) -> None:
        """Show it as it is now."""
        self.thing = thing
        if not self.is_attached or not self.query("#tabs"):  # is_mounted comes only behind on_mount
            return
        line: Line = [(" ", "")]
        for tab in TABS:
            line += [(" ", ""), (f"[{tab}]", "tab") if tab == self._tab else (f" {tab} ", "muted"), (" ", "")]
        state = "hidden" if thing.hidden_by else "visible" if thing.links else ""
        self.query_one("#tabs", Bar).show(
            [[*line, (f"   {state}", "warning" if thing.hidden_by else "muted")]]
        )
        self.viewer.show(self._lines(), keep=keep)
        self.refresh_chrome()

    def _lines(self) -> list[Line]:
        thing, clock, glyphs = self.thing, self._under.clock, glyphs_of(self)
        if self._tab == "JSON":
            return tools.json_lines(thing.offered.body)
        if self._tab == "Diff":
            return tools.drift_lines(thing, clock)
        if self._tab == "Calls":
            return tools.call_lines(thing, glyphs, clock)
        return tools.schema_lines(thing, self._example)

    def status_parts(self) -> tuple[Sequence[Span], str]:
        return [(self.viewer.position_text(), "muted")], ""

    def acts(self) -> dict[str, Act]:
        mine = ("tool.visible", "tool.accept", "tool.fault")
        acts = {name: act for name, act in self._under.acts().items() if name in mine}
        return {
            **acts,
            **self._searching.acts(),
            "open": Act(self._open, self._no_call),
            "tool.diff": Act(lambda: self._turn("Diff")),
            "tool.calls": Act(self._calls),
            "tab.next": Act(lambda: self._step(1)),
            "tab.previous": Act(lambda: self._step(-1)),
        }

    def _call(self) -> int:
        """The exchange under the cursor; 0 for none."""
        at = self.viewer.row - tools.CALLS_BEGIN
        found = list(reversed(self.thing.offered.last))
        return found[at].exchange if self._tab == "Calls" and 0 <= at < len(found) else 0

    def _no_call(self) -> str:
        return "" if self._call() else "] to Calls, and the cursor on one of them"

    def _open(self) -> None:
        self.post_message(OpenExchange(self._call()))

    def _calls(self) -> None:
        self.post_message(FilterBy(self.thing.filter, add=False))

    def _step(self, step: int) -> None:
        self._turn(TABS[(TABS.index(self._tab) + step) % len(TABS)])

    def _turn(self, tab: str) -> None:
        self._tab = tab
        self.show(self.thing, keep=False)
