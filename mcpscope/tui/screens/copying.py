"""The copy menu of an exchange: one key each, a preview line, and the truth about where it went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpscope.store.listed import SessionRow
from mcpscope.tui import later
from mcpscope.tui.clipboard import to_clipboard
from mcpscope.tui.clock import Clock
from mcpscope.tui.present import masking
from mcpscope.tui.present.document import Document
from mcpscope.tui.present.spans import clip
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.exchange import ExchangeView

if TYPE_CHECKING:
    from mcpscope.tui.present.copying import Copyable


SAID_CHARACTERS = 2000


class Copying:
    """``y`` on whatever screen shows an exchange."""

    def __init__(
        self, screen: ScopeScreen, source: Source, clock: Clock, view: Callable[[], ExchangeView]
    ) -> None:
        self._screen = screen
        self._source = source
        self._clock = clock
        self._view = view

    def acts(self, nothing: Callable[[], str]) -> dict[str, Act]:
        return {"copy": Act(self.menu, nothing)}

    async def choices(self) -> list[Copyable]:
        """What can be copied of the exchange that is shown, with the reasons of what cannot."""
        view = self._view()
        loaded = view.loaded
        if loaded is None:
            return []
        session_id = loaded.row.session_id

        def find(sessions: list[SessionRow]) -> SessionRow | None:
            return next((session for session in sessions if session.id == session_id), None)

        session = await self._source.ask(lambda pages: find(pages.sessions()))
        viewer = view.viewer()
        path = ""
        if isinstance(viewer.content, Document) and len(viewer.content) and viewer.content.index.valid:
            path = viewer.content.index.path(viewer.content.line(viewer.row))
        shown = view.body(viewer)
        masks = await asyncio.to_thread(later.replays.masks_of, self._source.path, session_id)
        source = shown.source if shown else b""
        return await asyncio.to_thread(later.copying.copies, loaded, session, source, path, masks)

    async def menu(self) -> None:
        """Ask what to copy, and copy it."""
        found = await self.choices()
        if not found:
            self._screen.say("nothing is loaded yet")
            return
        entries = [Entry(one.key, one.name, one.title, one.why_not) for one in found]
        chosen = await self._screen.app.push_screen_wait(Menu("Copy", entries))
        if chosen:
            await self.copy(chosen, found)

    async def copy(self, name: str, found: list[Copyable] | None = None) -> None:
        """Copy one thing by its name (``:copy python``)."""
        known = {one.name: one for one in found or await self.choices()}
        one = known.get(name)
        if one is None or one.why_not:
            self._screen.say(f"{name}: {one.why_not}" if one else f"there is no copy called {name}")
            return
        where = await to_clipboard(one.text, self._screen.app)
        said = masking.text(" ".join(one.text[:SAID_CHARACTERS].split()))
        self._screen.say(f"{one.title} {where}: {clip(said, 50)}")
