"""What the list is sorted by, chosen from a menu."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.listing import Listing
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.selection import SORTS
from mcpscope.tui.widgets.rowlist import RowList

_KEYS = ("t", "d", "r", "a", "s", "n", "m")
_FOOT = "O turns it around; anything but time stops following"


class Sorting:
    """``o`` and ``O`` of a list of exchanges."""

    def __init__(self, screen: ScopeScreen, listing: Listing) -> None:
        self._screen = screen
        self._listing = listing

    def acts(self, hidden: Callable[[], str]) -> dict[str, Act]:
        return {"sort": Act(self._menu, hidden), "sort.reverse": Act(self._reverse, hidden)}

    async def _menu(self) -> None:
        now = self._listing.selection.sort
        entries = [
            Entry(key, word, word + ("  (now)" if word == now else ""))
            for key, word in zip(_KEYS, SORTS, strict=True)
        ]
        chosen = await self._screen.app.push_screen_wait(Menu("Sort by", entries, _FOOT))
        if chosen:
            await self._order(chosen, reverse=self._listing.selection.reverse)

    async def _reverse(self) -> None:
        await self._order(self._listing.selection.sort, reverse=not self._listing.selection.reverse)

    async def _order(self, sort: str, *, reverse: bool) -> None:
        selection = dataclasses.replace(self._listing.selection, sort=sort, reverse=reverse)
        self._screen.query_one("#list", RowList).follow = selection.by_time
        await self._listing.load(selection)
