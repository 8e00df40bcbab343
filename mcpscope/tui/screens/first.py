"""The first screen: nothing is connected and nothing is recorded; three ways to start."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.tui.messages import GoTo, StartDemo
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.first import first_lines
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.widgets.painted import Bar, glyphs_of


class FirstScreen(ScopeScreen):
    """Left by itself as soon as there is a session."""

    place = "first"
    BINDINGS: ClassVar[list[BindingType]] = bindings("first")

    def __init__(self, db: Path) -> None:
        super().__init__()
        self._db = db
        self.heading = Heading("no proxy running")

    def body(self) -> ComposeResult:
        yield Bar(id="first")

    def on_resize(self) -> None:
        super().on_resize()
        self.query_one("#first", Bar).show(first_lines(str(self._db), Path.home(), glyphs_of(self)))

    def acts(self) -> dict[str, Act]:
        return {
            "demo": Act(lambda: self.post_message(StartDemo())),
            "wrap-server": Act(self._wrap),
            "recordings": Act(lambda: self.post_message(GoTo("recordings"))),
        }

    def _wrap(self) -> None:
        # The readers of configurations are imported by whoever wants them: every start would pay for YAML's.
        from mcpscope.tui.screens.wrapping import WrapScreen

        self.app.push_screen(WrapScreen())
