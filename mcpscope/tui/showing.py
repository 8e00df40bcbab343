"""What the screens show: the sessions in view, their header, and what arrives of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.css.query import NoMatches

from mcpscope.tui import later, recording
from mcpscope.tui.feed import Change
from mcpscope.tui.present.chrome import Heading
from mcpscope.tui.present.heading import heading
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.working import begin, gone

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp


FIRST_ROWS_SECONDS = 2.0


class Showing:
    """Hands to the screens of an app what the feed, the recorders and the rules of the specification tell."""

    def __init__(self, app: ScopeApp) -> None:
        self._app = app
        self._troubles: dict[str, tuple[str, bool]] = {}
        self._filtered = False
        self.first = asyncio.Event()
        """Set once the first screen shows what the database had at the start."""

    def opened(self, screen: Any) -> None:
        """A screen was opened: it gets its header and, where it lists exchanges, what to list."""
        if self._app.options.filter and not self._filtered and self._app.is_mode("traffic"):
            self._filtered = True
            self._app.traffic().filtering.use(self._app.options.filter)
        self.headings()
        show = getattr(screen, "show_sessions", None)
        if self._app.scope.shown is not None and show is not None:
            begin(self._app, self._show_on, screen)  # no other screen: its cursor stays where it is
        elif show is None:
            self.first.set()

    def linted(self) -> None:
        """More was found: whoever shows findings paints anew."""
        for screen in self.live_screens():
            linted = getattr(screen, "linted", None)
            if linted is not None:
                linted()

    def recorded(self, troubles: dict[str, tuple[str, bool]]) -> None:
        """Recording goes otherwise than before; see ``recording.troubles``."""
        new = troubles.keys() - self._troubles.keys()
        self._troubles = troubles
        self.headings()
        screen = self._app.base_screen()
        if recording.DELETED in new and isinstance(screen, ScopeScreen):
            screen.say(
                f"{self._app.source.path} was deleted; start the UI again to see what comes", severity="error"
            )

    async def afterwards(self) -> None:
        """What may come behind the first rows, or after so long where there is none."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.first.wait(), FIRST_ROWS_SECONDS)
        begin(self._app, partial(self._app.linting.run, watch=True), group="linting")
        await later.read_all(self._app.source.beside, lambda: self._app.typeahead.idle_seconds)

    async def first_look(self) -> None:
        """One look at the database without following it, for pictures."""
        sessions = await self._app.source.watch(lambda pages: tuple(pages.sessions()))
        await self.changed(Change(sessions=sessions))

    def fed(self, change: Change) -> None:
        """The feed found a change."""
        begin(self._app, self.changed, change, group="changes")

    async def changed(self, change: Change) -> None:
        """Take in a change, and let every screen take it in."""
        if change.sessions is not None:
            before = self._app.scope.asked if self._app.scope.shown is not None else ()
            self._app.scope.take(change.sessions, wanted=self._app.options.session)
            self._app.linting.follow(self._app.scope.rows)
            self.first_or_not()
            self.headings()
            if self._app.scope.asked != before:
                await self.show_scope()
        for screen in self.live_screens():
            take = getattr(screen, "take", None)
            if take is None:
                continue
            try:
                await take(change)
            except NoMatches:
                if not gone(screen):
                    raise

    def first_or_not(self) -> None:
        """The first screen is for an empty database without a proxy; it goes when either changes."""
        something = bool(self._app.scope.all or self._app.steer.links or self._app.options.note)
        if not something and self._app.current_mode == "traffic" and self._app.is_mode("first"):
            self._app.go_to("first")
        elif something and self._app.current_mode == "first":
            self._app.go_to("traffic")

    async def show_scope(self) -> None:
        """Every screen that lists gets the sessions in view."""
        for screen in self.live_screens():
            if hasattr(screen, "show_sessions"):
                await self._show_on(screen)

    async def _show_on(self, screen: ScopeScreen) -> None:
        try:
            await screen.show_sessions(self._app.scope.asked)  # type: ignore[attr-defined]  # asked for before
        except NoMatches:
            if not gone(screen):
                raise
        self.first.set()

    def live_screens(self) -> list[ScopeScreen]:
        """The screens that stand, also those that nobody looks at."""
        stacks = self._app._screen_stacks.values()
        return [
            screen
            for stack in stacks
            for screen in stack
            if isinstance(screen, ScopeScreen) and screen.is_mounted
        ]

    def headings(self) -> None:
        """Every screen gets the header of what is shown now."""
        for screen in self.live_screens():
            screen.show_heading(self.heading_for(screen.heading.title))

    def heading_for(self, title: str) -> Heading:
        """The header of a screen called ``title`` over what is shown now."""
        rows, labels = self._app.scope.rows, [link.entry.label for link in self._app.steer.links]
        found = heading(title, rows, read_only=self._app.options.read_only, troubles=self._troubles)
        return found if rows or not labels else replace(found, where=", ".join(labels), state="waiting")
