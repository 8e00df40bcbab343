"""Small dialogs: a menu of named keys, a line to type, a question; Esc leaves each without doing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from mcpscope.tui.action import key_name
from mcpscope.tui.present.spans import Line, wrap
from mcpscope.tui.screens.base import Dialog
from mcpscope.tui.widgets.field import Field
from mcpscope.tui.widgets.painted import Bar

WIDTH = 66
"""Of a menu, in cells; the style sheet has it, too."""
MANY = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a menu: the key that chooses it, what it says, and why it cannot be chosen."""

    key: str
    name: str
    text: str
    why_not: str = ""


class Menu(Dialog):
    """Choose by a key; dismisses with the entry's name, or empty."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, title: str, entries: Sequence[Entry], foot: str = "Esc leaves") -> None:
        super().__init__()
        self._title = title
        self._entries = entries
        self._foot = foot
        self._rows: dict[int, Entry] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(id="menu")

    def stands(self) -> None:
        lines: list[Line] = [[("  " + line, "strong")] for line in wrap(self._title, WIDTH - 3)]
        few: list[Line] = [[]] if len(self._entries) < MANY else []
        lines += few
        for entry in self._entries:
            key, text = f"   {key_name(entry.key):<6}", entry.text
            role, why = ("muted", f"  ({entry.why_not})") if entry.why_not else ("", "")
            for line in wrap(text + why, WIDTH - len(key) - 1):
                self._rows[len(lines)] = entry
                lines.append([(key, role or "accent"), (line, role)])
                key = " " * len(key)
        lines += few
        lines.extend([("  " + line, "muted")] for line in self._foot.split("\n"))
        bar = self.query_one("#menu", Bar)
        bar.styles.height = len(lines)
        bar.show(lines)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        for entry in self._entries:
            if event.key == entry.key or event.character == entry.key:
                if entry.why_not:
                    self.app.bell()
                    return
                self.leave(entry.name)
                return
        if event.key in ("escape", "q"):
            self.leave("")

    def on_click(self, event: events.Click) -> None:
        bar = self.query_one("#menu", Bar)
        entry = self._rows.get(event.screen_y - bar.region.y)
        here = bar.region.contains(event.screen_x, event.screen_y)
        if here and entry is not None and entry.name and not entry.why_not:
            self.leave(entry.name)


class Ask(Dialog):
    """Type one line; dismisses with it, or with empty text; ``submitted`` tells an empty line from Esc."""

    def __init__(self, title: str, value: str = "", hint: str = "Enter keeps it, Esc leaves") -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self.submitted = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(id="ask-title")
            yield Field(self._value, id="ask")
            yield Bar(id="ask-hint")

    def stands(self) -> None:
        self.query_one("#ask-title", Bar).show([[(self._title, "strong")]])
        self.query_one("#ask-hint", Bar).show([[(self._hint, "muted")]])
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.submitted = True
        self.leave(event.value.strip())
