"""The ``:`` prompt at the foot of the screen: completion with Tab, history with the arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from mcpscope.tui.commands import describe
from mcpscope.tui.present.spans import Line, clip, width_of
from mcpscope.tui.screens.base import Dialog
from mcpscope.tui.widgets.field import Field
from mcpscope.tui.widgets.painted import Bar

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp


class Prompt(Dialog):
    """Dismisses with the line, or empty."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, app: ScopeApp) -> None:
        super().__init__()
        self._scope = app
        self._history = [*app.memory.history.get("prompt", []), ""]
        self._back = len(self._history) - 1
        self._found: list[str] = []
        self._chosen = -1
        self._completing = False

    def compose(self) -> ComposeResult:
        with Vertical(id="prompt-box"):
            yield Bar(id="prompt-hint")
            with Horizontal(id="prompt-line"):
                yield Bar(id="prompt-colon")
                yield Field(id="prompt")

    def stands(self) -> None:
        self.query_one("#prompt-colon", Bar).show([[(" :", "accent")]])
        self.query_one(Input).focus()
        self._offer("")

    def _offer(self, line: str) -> None:
        self._found, self._chosen = self._scope.commands.complete(line), -1
        self._paint()

    def _paint(self) -> None:
        hint: Line = [(" ", "")]
        width = self.app.size.width
        one = self._scope.commands.table.get(self.query_one(Input).value.partition(" ")[0])
        if one is not None:
            hint.append((f"{describe(one)}   ", "muted"))
        for at, text in enumerate(self._found[max(0, self._chosen) :], max(0, self._chosen)):
            word = clip(text, 40)
            if width_of(hint) + len(word) + 2 > width:
                break
            hint.append((word, "match" if at == self._chosen else "accent"))
            hint.append(("  ", ""))
        self.query_one("#prompt-hint", Bar).show([hint])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._completing:
            self._completing = False
            self._paint()
        else:
            self._offer(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        if line:
            self._scope.memory.remember("prompt", line)
        self.leave(line)

    def on_key(self, event: events.Key) -> None:
        field = self.query_one(Input)
        if event.key == "escape":
            self.leave("")
        elif event.key in ("tab", "shift+tab"):
            if self._found:
                self._chosen = (self._chosen + (1 if event.key == "tab" else -1)) % len(self._found)
                self._completing = True
                field.value = self._found[self._chosen]
                field.cursor_position = len(field.value)
        elif event.key in ("up", "down"):
            self._back = max(0, min(self._back + (-1 if event.key == "up" else 1), len(self._history) - 1))
            field.value = self._history[self._back]
            field.cursor_position = len(field.value)
        else:
            return
        event.stop()
        event.prevent_default()
