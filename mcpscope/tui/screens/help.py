"""Help for the screen it was asked on: a panel of its actions; the same key closes it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from mcpscope.tui.present.helptext import help_blocks
from mcpscope.tui.present.spans import Line
from mcpscope.tui.screens.base import Dialog, ScopeScreen
from mcpscope.tui.widgets.field import Field
from mcpscope.tui.widgets.painted import Bar
from mcpscope.tui.widgets.viewer import Viewer

_MOVES = {
    "j": "down",
    "down": "down",
    "k": "up",
    "up": "up",
    "g": "top",
    "G": "bottom",
    "home": "top",
    "end": "bottom",
    "ctrl+f": "page-down",
    "pagedown": "page-down",
    "space": "page-down",
    "ctrl+b": "page-up",
    "pageup": "page-up",
    "ctrl+d": "half-down",
    "ctrl+u": "half-up",
}


class HelpScreen(Dialog):
    """The panel. ``/`` narrows it to lines that hold a word."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, screen: ScopeScreen) -> None:
        super().__init__()
        self._of = screen

    def compose(self) -> ComposeResult:
        with Vertical(id="help-box"):
            yield Bar(id="help-title")
            yield Viewer(id="help")
            yield Field(id="help-search", placeholder="search the help")
            yield Bar(id="help-foot")

    def stands(self) -> None:
        self.query_one("#help-title", Bar).show([[(f" Help: {self._of.place}", "strong")]])
        self.query_one("#help-foot", Bar).show([[(" j k move   / search   ? or Esc closes", "muted")]])
        self.query_one(Input).display = False
        self.query_one(Viewer).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        viewer, word = self.query_one(Viewer), self.query_one(Input).value.strip().lower()
        shown = self.app.keymap.at(self._of.place)  # type: ignore[attr-defined]  # ScopeApp
        blocks = help_blocks(self._of.place, self._of.why_not, viewer.size.width - 1, shown)
        found: list[Line] = [line for block in blocks if word in _text(block) for line in block]
        viewer.show(found, keep=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill()

    def on_input_submitted(self) -> None:
        self.query_one(Viewer).focus()

    def on_key(self, event: events.Key) -> None:
        typing = self.query_one(Input).has_focus
        if event.key == "escape" or (not typing and event.key in ("q", "question_mark", "f1")):
            event.stop()
            self.leave("")
        elif not typing and event.key == "slash":
            event.stop()
            event.prevent_default()
            self.query_one(Input).display = True
            self.query_one(Input).focus()
        elif not typing and event.key in _MOVES:
            event.stop()
            self.query_one(Viewer).move(_MOVES[event.key])


def _text(block: list[Line]) -> str:
    return " ".join(text for line in block for text, _ in line).lower()
