"""The export menu: which form, then which file; secrets are masked, and how many is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mcpscope.engine.filter.language import Filter
from mcpscope.tui import later
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask, Entry, Menu

KEYS = {
    "jsonl": "l",
    "json": "j",
    "md": "m",
    "csv": "c",
    "html": "h",
    "har": "a",
    "otlp": "o",
    "pytest": "p",
    "sqlite": "s",
}
_SAYS = {
    "jsonl": "JSON Lines, the form that mcpscope import reads",
    "json": "one JSON document",
    "md": "Markdown",
    "html": "one HTML page with search and timeline, no network",
    "har": "HAR, for the tools of browsers",
    "csv": "CSV, one row an exchange",
    "sqlite": "a database of its own",
    "otlp": "OpenTelemetry traces, as a collector takes them",
    "pytest": "a folder with a test and the recording that it plays",
}
_ENDINGS = {"jsonl": "mcpscope.jsonl", "sqlite": "db", "otlp": "otlp.json", "pytest": "tests"}


class Exporting:
    """``x`` of a list; ``session`` is what is exported, ``asked`` the filter on it."""

    def __init__(
        self,
        screen: ScopeScreen,
        db: Path,
        session: Callable[[], int | None],
        asked: Callable[[], Filter | None],
    ) -> None:
        self._screen = screen
        self._db = db
        self._session = session
        self._asked = asked

    def acts(self, nothing: Callable[[], str]) -> dict[str, Act]:
        return {"export": Act(self._menu, nothing)}

    async def _menu(self) -> None:
        session = self._session()
        if session is None:
            return
        entries = [Entry(KEYS[form], form, _SAYS[form]) for form in later.exporting.FORMS]
        form = await self._screen.app.push_screen_wait(
            Menu(
                "Export this session",
                entries,
                "secrets are masked; mcpscope export --with-secrets keeps them",
            )
        )
        if form:
            path = await self._screen.app.push_screen_wait(Ask("Write to", _suggested(session, form)))
            if path:
                await self.write(form, path)

    async def write(self, form: str, path: str) -> None:
        """Write what is listed in this form; without a path, to a name in the current folder."""
        session = self._session()
        if session is None:
            self._screen.say("there is nothing to export here")
            return
        path = path or _suggested(session, form)
        export, asked = later.exporting.export, self._asked()
        self._screen.say(await asyncio.to_thread(export, self._db, session, asked, form, path))


def _suggested(session: int, form: str) -> str:
    return f"session-{session}.{_ENDINGS.get(form, form)}"
