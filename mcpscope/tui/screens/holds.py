"""Holds: everything that is held, the most urgent first, and the message under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.errors import ScopeError
from mcpscope.tui.clock import Clock
from mcpscope.tui.jsontext import laid_out, part_of
from mcpscope.tui.links import Link
from mcpscope.tui.present import chrome, hints, holds
from mcpscope.tui.present.document import document
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.always import Always, body_of
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.breaking import Breaking, filter_for
from mcpscope.tui.screens.holding import Holding
from mcpscope.tui.steer import Held, Steer
from mcpscope.tui.undoing import Undo
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.widgets.viewer import Viewer
from mcpscope.tui.working import begin

TICK_SECONDS = 0.5
MAX_ROWS = 8


class HoldRows:
    """``Rows`` over holds."""

    def __init__(self, found: Sequence[Held], screen: HoldsScreen) -> None:
        self.holds = found
        self._screen = screen

    def __len__(self) -> int:
        return len(self.holds)

    def key(self, position: int) -> int:
        return self.holds[position].key

    def position(self, key: int) -> int:
        return next((at for at, held in enumerate(self.holds) if held.key == key), 0)

    def line(self, position: int, width: int, *, here: bool) -> Line:
        now, glyphs = self._screen.clock.now_ns(), glyphs_of(self._screen)
        return holds.hold_line(self.holds[position], width, now, glyphs, here=here)


class HoldsScreen(ScopeScreen):
    """The queue. Nothing is decided by Enter or Esc."""

    place = "holds"
    BINDINGS: ClassVar[list[BindingType]] = bindings("holds")

    def __init__(self, steer: Steer, clock: Clock, undo: Undo) -> None:
        super().__init__()
        self._steer = steer
        self.clock = clock
        self._shown: tuple[int, str] = (0, "")
        self._got: dict[str, Any] = {}
        self._holding = Holding(self, steer, clock, self.selected)
        self._breaking = Breaking(self, steer, undo, self._target)
        self._always = Always(self, steer, undo, self._request, any_here=lambda: self.selected() is not None)

    def body(self) -> ComposeResult:
        yield Bar(id="heading")
        yield RowList(id="list")
        yield Bar(id="hold-title")
        yield Viewer(id="hold-message", revealed=True)  # what is decided on is seen whole
        yield Bar(id="hold-facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self._tick)
        self.query_one("#hold-message").can_focus = False
        self.steered()

    def steered(self) -> None:
        """What is held has changed."""
        found = self._steer.holds()
        self.rows.show(HoldRows(found, self))
        self.rows.styles.height = max(1, min(len(found), MAX_ROWS, max(1, self.size.height // 3)))
        self._look()

    def selected(self) -> Held | None:
        """The hold under the cursor."""
        return None if self.rows.selected is None else self._steer.find(self.rows.selected)

    def select(self, key: int) -> None:
        """Put the cursor on a hold."""
        self.rows.select(key)

    def on_row_list_moved(self) -> None:
        self._look()

    def on_resize(self) -> None:
        super().on_resize()
        self._paint()

    def _tick(self) -> None:
        if self.is_current:
            self.rows.refresh()
            self._paint()

    def _look(self) -> None:
        """Get the message under the cursor where it is another one."""
        held = self.selected()
        wanted = (held.key, str(held.data["digest"])) if held is not None else (0, "")
        if wanted != self._shown:
            self._shown, self._got = wanted, {}
            self.query_one("#hold-message", Viewer).show([])
            if held is not None:
                begin(self, self._get, held, wanted, group="hold", exclusive=True)
        self._paint()

    async def _get(self, held: Held, wanted: tuple[int, str]) -> None:
        try:
            got = await self._steer.ask(held.link, "scope/holds/get", id=held.id)
        except ScopeError:
            return  # decided in this moment: the event that says so is on its way
        if wanted == self._shown:
            self._got = got
            self.query_one("#hold-message", Viewer).show(document(_part(held, got).encode()))
            self._paint()

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        width, glyphs, held = self.size.width, glyphs_of(self), self.selected()
        title, facts = self.query_one("#hold-title", Bar), self.query_one("#hold-facts", Bar)
        empty = "   nothing is held" + ("" if self._steer.links else ": no proxy runs")
        head: Line = holds.holds_heading(width) if held else [(empty, "muted")]
        self.query_one("#heading", Bar).show([head])
        lines: list[Line] = []
        if held is not None:
            title.show([chrome.rule(width, glyphs, holds.title(held))])
            hint = hints.hint_line(self._got.get("schema"), width - 4)
            lines = [chrome.rule(width, glyphs, hint)]
            if hint and not held.data["warnings"] and not held.answers:
                lines.append([(f"   {glyphs.ok}arguments fit the inputSchema", "success")])
            lines += holds.facts(held, width, self.clock.now_ns(), glyphs)
            lines += holds.written(
                held,
                width,
                glyphs,
                draft=held.key in self._steer.drafts,
                answer=held.key in self._steer.answers,
            )
        else:
            how = glyphs.keyed(
                "{break} on a row of Traffic breaks on its tool, {intercept} sets an intercept filter"
            )
            title.show([[]])
            lines = [[(f"   {how}", "muted")]]
        facts.styles.height = len(lines)
        facts.show(lines)
        self.refresh_chrome()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        found = self._steer.holds()
        names = sorted({name for link in self._steer.links for name in link.attached} - {self._steer.name})
        return holds.counted(found), f"also here: {', '.join(names)}" if names else ""

    def acts(self) -> dict[str, Act]:
        return {**self._holding.acts(), **self._breaking.acts(), **self._always.acts()}

    async def _request(self) -> tuple[dict[str, Any] | None, Link | None]:
        """The request that is held, or whose answer is."""
        held = self.selected()
        if held is None:
            return None, None
        got = await self._steer.ask(held.link, "scope/holds/get", id=held.id)
        return body_of((got["request"] or got["received"]).get("text", "").encode()), held.link

    def _target(self) -> tuple[str, Sequence[Link]]:
        held = self.selected()
        if held is None:
            return "", ()
        return filter_for(str(held.data["tool"]), str(held.data["method"])), (held.link,)


def _part(held: Held, got: dict[str, Any]) -> str:
    """What a person looks at: the arguments, the result, or the whole message."""
    text = str(got["message"].get("text", ""))
    if held.data["method"] == "tools/call":
        names = ("/result", "/error") if held.answers else ("/params/arguments",)
        for name in names:
            if (part := part_of(text.encode(), name)) is not None:
                return part
    return laid_out(text)
