"""The filter line: what is filtered; while it is typed whether it is valid, what is wrong, what fits."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from mcpscope.engine.filter.completion import Completion
from mcpscope.engine.filter.errors import FilterError
from mcpscope.text import safe
from mcpscope.tui.present.filterline import completion_line, error_lines, idle_line
from mcpscope.tui.widgets.field import Field
from mcpscope.tui.widgets.painted import Bar


class FilterBar(Widget):
    """One line, and up to three below it while somebody types.

    The screen parses: it answers ``Typed`` with ``judge`` and ``offer``.
    """

    class Typed(Message):
        """The text is another one; the list may preview it."""

        def __init__(self, text: str, cursor: int) -> None:
            super().__init__()
            self.text = text
            self.cursor = cursor

    class Kept(Message):
        """Enter: this filter stays."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Esc: back to the filter from before."""

    class Save(Message):
        """^s: keep this filter under a name."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.kept = ""
        self._error: FilterError | None = None
        self._offers: Sequence[Completion] = ()
        self._chosen = -1
        self._completing = False
        self._base = ("", 0)
        self._history: list[str] = []
        self._back = 0
        self._facts = ("", "")

    def compose(self) -> ComposeResult:
        yield Bar(id="filter-line")
        with Horizontal(id="filter-edit"):
            yield Bar(id="filter-slash")
            yield Field(id="filter-input")
            yield Bar(id="filter-verdict")
        yield Bar(id="filter-hint")

    def on_mount(self) -> None:
        self.query_one("#filter-slash", Bar).show([[("/", "accent")]])
        self._idle()

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    @property
    def active(self) -> bool:
        return self.has_class("-active")

    def begin(self, history: Sequence[str]) -> None:
        """Start typing, with the filter that is kept; ``history`` is oldest first."""
        self._history = [*history, ""]
        self._back = len(self._history) - 1
        self.add_class("-active")
        self.input.value = self.kept
        self.input.cursor_position = len(self.kept)
        self.input.focus()
        self._hint()

    def end(self) -> None:
        """Stop typing."""
        self.remove_class("-active")
        self._offers, self._error = (), None
        self._hint()
        self._idle()

    def facts(self, counts: str, saved: str) -> None:
        """What stands at the right of the idle line."""
        self._facts = (counts, saved)
        self._idle()

    def judge(self, error: FilterError | None) -> None:
        """Show whether what is typed is a filter."""
        self._error = error
        self._hint()

    def offer(self, offers: Sequence[Completion]) -> None:
        """Show what fits at the cursor."""
        if not self._completing:
            self._offers, self._chosen = offers, -1
            self._hint()

    def _idle(self) -> None:
        line = idle_line(self.size.width or self.app.size.width, self.kept, *self._facts)
        self.query_one("#filter-line", Bar).show([line])

    def _hint(self) -> None:
        hint, verdict = self.query_one("#filter-hint", Bar), self.query_one("#filter-verdict", Bar)
        lines = []
        if self._error is not None:
            verdict.show([[(self._error.summary, "error")]])
            lines = error_lines(self._error)
        else:
            verdict.show([[("ok", "success")]] if self.input.value.strip() else [[]])
        if self._offers:
            lines = [completion_line(self._offers, self._chosen, self.app.size.width), *lines]
        hint.styles.height = len(lines)
        hint.display = bool(lines) and self.active
        hint.show(lines)

    def on_resize(self) -> None:
        self._idle()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._completing:
            self._completing = False
        else:
            self._offers, self._chosen = (), -1
        if self.active:
            self.post_message(self.Typed(event.value, self.input.cursor_position))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Kept(self.input.value.strip()))

    def on_key(self, event: events.Key) -> None:
        if not self.active:
            return
        if event.key == "escape":
            self.post_message(self.Left())
        elif event.key in ("tab", "shift+tab"):
            self._complete(1 if event.key == "tab" else -1)
        elif event.key in ("up", "down"):
            self._recall(-1 if event.key == "up" else 1)
        elif event.key == "ctrl+s":
            self.post_message(self.Save(self.input.value.strip()))
        else:
            return
        event.stop()
        event.prevent_default()

    def _complete(self, step: int) -> None:
        if not self._offers:
            return
        if self._chosen < 0:
            self._base = (self.input.value, self.input.cursor_position)
        self._chosen = (self._chosen + step) % len(self._offers) if self._chosen >= 0 or step > 0 else -1
        offer = self._offers[self._chosen]
        text, _ = self._base
        insert = safe(offer.insert)
        self._completing = True
        self.input.value = text[: offer.start] + insert + text[offer.end :]
        self.input.cursor_position = offer.start + len(insert)
        self._hint()

    def _recall(self, step: int) -> None:
        if not self._history:
            return
        self._back = max(0, min(self._back + step, len(self._history) - 1))
        self.input.value = self._history[self._back]
        self.input.cursor_position = len(self.input.value)
