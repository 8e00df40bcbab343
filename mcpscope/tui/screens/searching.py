"""Search, wrapping and offsets in one viewer, on whatever screen it is."""

from __future__ import annotations

from collections.abc import Callable

from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask
from mcpscope.tui.widgets.viewer import Viewer


class Searching:
    """``viewer`` gives the viewer of ``screen``."""

    def __init__(self, screen: ScopeScreen, viewer: Callable[[], Viewer]) -> None:
        self._screen = screen
        self._viewer = viewer

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        return {
            "search": Act(self._search),
            "search.next": Act(lambda: self._viewer().next_hit(), self._no_search),
            "search.previous": Act(lambda: self._viewer().next_hit(back=True), self._no_search),
            "wrap": Act(self._wrap),
            "offsets": Act(lambda: self._viewer().toggle_offsets()),
        }

    def _no_search(self) -> str:
        return "" if self._viewer().pattern is not None else "nothing is searched for"

    async def _search(self) -> None:
        text = await self._screen.app.push_screen_wait(Ask("Search"))
        if text and not self._viewer().search(text):
            self._screen.say("not found")

    def _wrap(self) -> None:
        if reason := self._viewer().toggle_wrap():
            self._screen.say(reason)
