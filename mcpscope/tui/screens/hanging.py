"""Why it hangs: who owes whom an answer, what stands in the way and what to do, looked at again and again."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from mcpscope.errors import ScopeError
from mcpscope.hanging.causes import Diagnosis, ago, diagnose
from mcpscope.store.listed import SessionRow
from mcpscope.tui.present.figures import duration
from mcpscope.tui.present.spans import Line
from mcpscope.tui.screens.base import Dialog
from mcpscope.tui.source import Source
from mcpscope.tui.steer import reason
from mcpscope.tui.widgets.painted import Bar
from mcpscope.tui.widgets.viewer import Viewer
from mcpscope.tui.working import begin

AGAIN_SECONDS = 2.0
_MOVES = {
    "j": "down",
    "down": "down",
    "k": "up",
    "up": "up",
    "g": "top",
    "G": "bottom",
    "pagedown": "page-down",
    "pageup": "page-up",
}
_CALM = ("idle",)


class HangingScreen(Dialog):
    """A panel over any screen; it says what ``mcpscope why`` says of the session."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, source: Source, session: SessionRow, *, watch: bool) -> None:
        super().__init__()
        self._source = source
        self._session = session
        self._watch = watch

    def compose(self) -> ComposeResult:
        with Vertical(id="help-box"):
            yield Bar(id="help-title")
            yield Viewer(id="hanging")
            yield Bar(id="help-foot")

    def on_mount(self) -> None:
        self.query_one("#help-title", Bar).show([[(f" Why does {self._session.title} hang?", "strong")]])
        foot = " looked at again every 2 s   j k move   Esc closes" if self._watch else " Esc closes"
        self.query_one("#help-foot", Bar).show([[(foot, "muted")]])
        viewer = self.query_one(Viewer)
        viewer.wrap = True
        viewer.show([[(" looking at the session and its processes", "muted")]])
        viewer.focus()
        begin(self, self._look)

    async def _look(self) -> None:
        while True:
            try:
                found = await self._source.beside(
                    lambda: diagnose(self._source.path, str(self._session.id), duration)
                )
                lines = _lines(found)
            except ScopeError as error:
                lines = [[(f" {reason(error)}", "error")]]
            if self.is_mounted:
                self.query_one(Viewer).show(lines, keep=True)
            if not self._watch:
                return
            await asyncio.sleep(AGAIN_SECONDS)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in ("escape", "q", "H"):
            self.dismiss("")
        elif event.key in _MOVES:
            self.query_one(Viewer).move(_MOVES[event.key])


def _lines(found: Diagnosis) -> list[Line]:
    lines: list[Line] = []
    for cause in found.causes:
        lines.append([(f" {cause.text}", "success" if cause.code in _CALM else "strong")])
        if cause.fix:
            lines.append([("   try: ", "muted"), (cause.fix, "accent")])
    if found.last_words is not None:
        at, text = found.last_words
        lines += [
            [],
            [(f" the server's last words on standard error, {ago(at, duration)} ago:", "muted")],
            [(f"   {text.strip()}", "")],
        ]
    return lines
