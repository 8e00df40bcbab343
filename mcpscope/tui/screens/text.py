"""One long value, whole and wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.tui.present import figures
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.searching import Searching
from mcpscope.tui.widgets.viewer import Viewer


class TextScreen(ScopeScreen):
    """Shows the text of one value; control characters stay visible signs."""

    place = "text"
    BINDINGS: ClassVar[list[BindingType]] = bindings("text")

    def __init__(self, path: str, text: str, heading: Heading) -> None:
        super().__init__()
        self._path = path
        self._text = text
        self.heading = replace(heading, title=path)

    def body(self) -> ComposeResult:
        yield Viewer(id="text")

    def on_mount(self) -> None:
        viewer = self.query_one(Viewer)
        lines: list[Line] = [[(line, "")] for line in self._text.split("\n")]
        viewer.wrap = len(lines) < 5000
        viewer.show(lines)
        viewer.focus()

    def acts(self) -> dict[str, Act]:
        return Searching(self, lambda: self.query_one(Viewer)).acts()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        viewer = self.query_one(Viewer)
        wrap = "wrap on" if viewer.wrap else "wrap off"
        return [
            (figures.plural(len(self._text), "character"), "muted"),
            (wrap, "muted"),
        ], viewer.position_text()
