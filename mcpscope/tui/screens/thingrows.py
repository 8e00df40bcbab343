"""The rows of the Tools screen, and the orders they can stand in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcpscope.tui.offers import Thing
from mcpscope.tui.present import tools
from mcpscope.tui.present.spans import Line
from mcpscope.tui.widgets.painted import glyphs_of

if TYPE_CHECKING:
    from mcpscope.tui.screens.tools import ToolsScreen

SORTS: dict[str, Callable[[Thing], Any]] = {
    "listed": lambda thing: 0,
    "name": lambda thing: thing.name.lower(),
    "calls": lambda thing: -thing.offered.calls,
    "errors": lambda thing: -thing.offered.errors,
    "p95": lambda thing: -(thing.offered.percentile(0.95) or 0),
    "definition": lambda thing: -thing.size,
}


class ThingRows:
    """``Rows`` over tools, prompts or resources; keys are given out once for each."""

    def __init__(self, things: Sequence[Thing], screen: ToolsScreen) -> None:
        self.things = things
        self._screen = screen
        self._at = {screen.shelf.number(thing): at for at, thing in enumerate(things)}
        self._servers = len({thing.label for thing in things})

    def __len__(self) -> int:
        return len(self.things)

    def key(self, position: int) -> int:
        return self._screen.shelf.number(self.things[position])

    def position(self, key: int) -> int:
        return self._at.get(key, 0)

    def line(self, position: int, width: int, *, here: bool) -> Line:
        thing, screen = self.things[position], self._screen
        return tools.thing_line(
            thing,
            width,
            glyphs_of(screen),
            screen.clock,
            here=here,
            marked=thing.key in screen.shelf.marked,
            servers=self._servers,
        )
