"""The terminal's title: how much is held, also while another window is looked at; put back at the end."""

from __future__ import annotations

import os
from typing import Any

from textual.app import App

_MUTE_TERMINALS = ("dumb", "linux", "")
_PUSH, _POP = "\x1b[22;2t", "\x1b[23;2t"


class Title:
    """Writes nothing before the first hold, nor to a terminal that would print it."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._title = ""

    def __repr__(self) -> str:
        return f"<Title {self._title!r}>"

    def show(self, count: int) -> None:
        """Tell that so many are held."""
        title = f"\N{DOUBLE VERTICAL LINE}{count} mcpscope" if count else "mcpscope" if self._title else ""
        if title == self._title or os.environ.get("TERM", "") in _MUTE_TERMINALS:
            return
        start = "" if self._title else _PUSH
        self._title = title
        self._write(f"{start}\x1b]2;{title}\x07")

    def end(self) -> None:
        """Put the title back that was there before."""
        if self._title:
            self._title = ""
            self._write(_POP)

    def _write(self, text: str) -> None:
        driver = self._app._driver
        if driver is not None and not driver.is_headless:
            driver.write(text)
