"""The three layouts of Traffic: which parts there are, where they stand, and which has the focus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcpscope.tui.screens.base import NARROW, WIDE, Act
from mcpscope.tui.screens.listing import Listing
from mcpscope.tui.widgets.painted import Pane

if TYPE_CHECKING:
    from mcpscope.tui.screens.traffic import TrafficScreen


class Arranging:
    """The list alone, over its detail or beside it, as the width gives room and the person wants it."""

    def __init__(self, screen: TrafficScreen, listing: Listing) -> None:
        self._screen = screen
        self._listing = listing
        self.detail_hidden = False
        self.zoomed = False

    def __repr__(self) -> str:
        return f"<Arranging hidden={self.detail_hidden} zoomed={self.zoomed}>"

    def acts(self) -> dict[str, Act]:
        """What the person can do about it, by the id of the action."""
        return {
            "layout": Act(self._layout, self._too_narrow),
            "zoom": Act(self._zoom, self._too_narrow),
            "pane.next": Act(partial(self._pane, 1), self._one_pane),
            "pane.previous": Act(partial(self._pane, -1), self._one_pane),
        }

    def _too_narrow(self) -> str:
        return "" if self._screen.size.width >= NARROW else f"needs {NARROW} columns"

    def _one_pane(self) -> str:
        return "" if self._screen.view.display else "there is one pane"

    def arrange(self) -> None:
        """Give every part its place for the width that there is."""
        screen, view = self._screen, self._screen.view
        width = screen.size.width
        shown = width >= NARROW and not self.detail_hidden
        view.display = shown or self.zoomed
        screen.query_one("#list-part").display = not self.zoomed
        screen.query_one("#preview").display = width < NARROW
        self._listing.rows.waterfall = width >= WIDE
        wide = "stack" if width >= WIDE and not self.zoomed else "side"
        view.arranged(wide if width >= NARROW else "single")
        screen.call_after_refresh(screen.settled)

    def whole(self) -> None:
        """All parts again."""
        self.zoomed = False
        self.arrange()

    def _layout(self) -> None:
        self.detail_hidden = not self.detail_hidden
        self.arrange()

    def _zoom(self) -> None:
        inside = self._screen.view.has_focus_within
        self.zoomed = not self.zoomed and inside
        if not self.zoomed and not inside:
            self.detail_hidden = not self.detail_hidden
        self.arrange()

    def _pane(self, step: int) -> None:
        screen, view = self._screen, self._screen.view
        all_panes: tuple[Pane, ...] = (screen.list, view.request, view.answer)
        panes = [pane for pane in all_panes if pane.region.area > 0]
        at = panes.index(screen.focused) if screen.focused in panes else 0
        panes[(at + step) % len(panes)].focus()
        view.titles()
