"""One long value, whole and wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings, possible
from mcpscope.tui.screens.revealing import Place, Revealing
from mcpscope.tui.screens.searching import Searching
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.viewer import Viewer

WRAPPED_LINES = 5000


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a text stands in the record of ``source``; ``revealed``: it is shown with its secrets."""

    source: Source
    place: Place
    masked: str
    revealed: bool


class TextViewer(Viewer):
    """A text, and the same with its secrets masked."""

    def __init__(self, text: str, masked: str, *, revealed: bool) -> None:
        super().__init__(id="text", revealed=revealed)
        self._text = text
        self._masked = masked
        self._take()
        self.wrap = len(self.content) < WRAPPED_LINES

    def _take(self) -> None:
        text = self._text if self.revealed else self._masked
        self.content = [[(line, "")] for line in text.split("\n")]

    def reveal(self, *, on: bool) -> None:
        self.revealed = on
        self._take()
        self._measure()

    def _spans(self, row: int) -> Line:
        content = self.content
        return content[row] if isinstance(content, list) else []

    def has_secrets(self) -> bool:
        return self._text != self._masked


class TextScreen(ScopeScreen):
    """Shows the text of one value; control characters stay visible signs. Our own texts are not recorded."""

    place = "text"
    BINDINGS: ClassVar[list[BindingType]] = bindings("text")

    def __init__(self, path: str, text: str, heading: Heading, recorded: Recorded | None = None) -> None:
        super().__init__()
        self._path = path
        self._text = text
        self._recorded = recorded
        self.heading = replace(heading, title=path)

    def body(self) -> ComposeResult:
        recorded = self._recorded
        masked = recorded.masked if recorded else masking.value("", self._text)
        yield TextViewer(self._text, masked, revealed=recorded is not None and recorded.revealed)

    @property
    def viewer(self) -> Viewer:
        """The only part."""
        return self.query_one(Viewer)

    def on_mount(self) -> None:
        self.viewer.focus()

    def acts(self) -> dict[str, Act]:
        acts = Searching(self, lambda: self.viewer).acts()
        if self._revealing is None:
            return {**acts, "reveal": Act(possible, lambda: "this is not a recorded value")}
        return {**acts, **self._revealing.acts(possible)}

    @property
    def _revealing(self) -> Revealing | None:
        recorded = self._recorded
        if recorded is None:
            return None
        return Revealing(self, recorded.source, lambda: self.viewer, lambda: recorded.place)

    def status_parts(self) -> tuple[Sequence[Span], str]:
        wrap = "wrap on" if self.viewer.wrap else "wrap off"
        parts: list[Span] = [(figures.plural(len(self._text), "character"), "muted"), (wrap, "muted")]
        if self._revealing is not None:
            parts.append(self._revealing.status())
        return parts, self.viewer.position_text()
