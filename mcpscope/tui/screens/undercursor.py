"""The exchange under the cursor: loaded a moment after the cursor stands, shown as preview and detail."""

from __future__ import annotations

from collections.abc import Callable

from textual.timer import Timer

from mcpscope.store.listed import ExchangeRow
from mcpscope.tui.loaded import Loaded, load
from mcpscope.tui.present import traffic
from mcpscope.tui.present.spans import Line
from mcpscope.tui.present.tabs import fit_line, problems
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.viewing import Viewing
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.exchange import ExchangeView
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.working import begin

SECONDS = 0.12


class UnderCursor:
    """Loads at most one exchange each ``SECONDS``, however fast the cursor moves."""

    def __init__(
        self,
        screen: ScopeScreen,
        source: Source,
        viewing: Viewing,
        selected: Callable[[], ExchangeRow | None],
    ) -> None:
        self._screen = screen
        self._source = source
        self._viewing = viewing
        self._selected = selected
        self._timer: Timer | None = None

    def soon(self) -> None:
        """Load what the cursor stands on in a moment."""
        if self._timer is None:
            self._timer = self._screen.set_timer(SECONDS, self._now)

    def _now(self) -> None:
        self._timer = None
        begin(self._screen, self._load, group="detail", exclusive=True)

    async def _load(self) -> None:
        row, view = self._selected(), self._screen.query_one(ExchangeView)
        preview = self._screen.query_one("#preview", Bar)
        if row is None:
            view.show(None)
            preview.show([[]])
            return
        key = row.id
        keep = view.loaded is not None and view.loaded.row.id == key
        loaded = await self._source.ask(lambda pages: load(pages, key))
        if loaded is None:
            return
        preview.show([traffic.preview(loaded.row, self._fit(loaded), self._screen.size.width)])
        view.show(loaded)
        if view.display:
            await self._viewing.fill(keep=keep)

    def _fit(self, loaded: Loaded) -> Line:
        if loaded.definition is None or loaded.request is None or not loaded.request.whole:
            return []
        found = problems(loaded.definition, loaded.request.source, answer=False)
        return fit_line(found, glyphs_of(self._screen))
