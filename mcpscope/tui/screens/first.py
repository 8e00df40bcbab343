"""The first screen: nothing is connected and nothing is recorded; three ways to start."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.tui.messages import GoTo, StartDemo
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.first import File, first_lines
from mcpscope.tui.present.spans import cut
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.working import begin


class FirstScreen(ScopeScreen):
    """Left by itself as soon as there is a session."""

    place = "first"
    BINDINGS: ClassVar[list[BindingType]] = bindings("first")

    def __init__(self, db: Path) -> None:
        super().__init__()
        self._db = db
        self._files: list[File] = []
        self.heading = Heading("no proxy running")

    def body(self) -> ComposeResult:
        yield Bar(id="first")

    def on_resize(self) -> None:
        super().on_resize()
        self._paint()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        begin(self, self._find, group="clients", exclusive=True)

    def _paint(self) -> None:
        lines = first_lines(str(self._db), Path.home(), glyphs_of(self), self._files)
        self.query_one("#first", Bar).show([cut(line, self.size.width) for line in lines])

    async def _find(self) -> None:
        """Look for the configurations of clients on a thread, where the readers of formats are imported."""
        self._files = await asyncio.to_thread(_found)
        if self.is_mounted:
            self._paint()

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


def _found() -> list[File]:
    """The files with their servers, those that have any first."""
    from mcpscope.clients.found import found_servers
    from mcpscope.clients.masking import short

    files: dict[tuple[str, str], list[str]] = {}
    for one in found_servers():
        files.setdefault((one.client.title, short(one.path)), []).extend([one.name] if one.name else [])
    found = [(client, path, tuple(names)) for (client, path), names in files.items()]
    return sorted(found, key=lambda file: not file[2])
