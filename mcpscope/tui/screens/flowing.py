"""Follow, pause and frames: what of the traffic that flows by the list shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.tui.screens.base import Act

if TYPE_CHECKING:
    from mcpscope.tui.screens.traffic import TrafficScreen


class Flowing:
    """The three keys of the Traffic screen that do not touch the traffic."""

    def __init__(self, screen: TrafficScreen) -> None:
        self._screen = screen

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        return {
            "follow": Act(self._follow, self._unfollowable),
            "pause": Act(self._pause),
            "frames": Act(self._frames),
        }

    def _unfollowable(self) -> str:
        return "" if self._screen.listing.selection.by_time else "sorted, not by time"

    def _follow(self) -> None:
        pane = self._screen.list
        pane.follow = not pane.follow
        if pane.follow:
            self._screen.listing.unseen = 0
        pane.changed()

    async def _pause(self) -> None:
        listing = self._screen.listing
        if listing.paused:
            await listing.resume()
            listing.unseen = 0 if self._screen.list.follow else listing.unseen
        else:
            listing.pause()
        self._screen.settle_chrome()

    async def _frames(self) -> None:
        row = self._screen.selected()
        await self._screen.listing.toggle_frames()
        if row is not None and not self._screen.list.follow:
            self._screen.list.select(row.id)
