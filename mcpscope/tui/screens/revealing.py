"""``U``: what is masked in a viewer is shown, once the record says who looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mcpscope.errors import ScopeError
from mcpscope.store import remarks
from mcpscope.tui.present.spans import Span
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.source import Source
from mcpscope.tui.widgets.viewer import Viewer

Place = tuple[int, str]
"""The exchange, and what of it."""


class Revealing:
    """``viewer`` is the one in focus on ``screen``, ``place`` what it shows."""

    def __init__(
        self,
        screen: ScopeScreen,
        source: Source,
        viewer: Callable[[], Viewer],
        place: Callable[[], Place | None],
    ) -> None:
        self._screen = screen
        self._source = source
        self._viewer = viewer
        self._place = place

    def acts(self, hidden: Callable[[], str]) -> dict[str, Act]:
        """By the id of the action; ``hidden`` says why there is no viewer."""
        return {"reveal": Act(self._toggle, hidden)}

    def status(self) -> Span:
        """What the status line says of masks in what is seen."""
        viewer = self._viewer()
        if viewer.revealed:
            return self._screen.keyed("secrets shown ({reveal} mask)"), "warning"
        return (
            self._screen.keyed("secrets masked ({reveal} reveal)") if viewer.masks_here() else ""
        ), "muted"

    async def _toggle(self) -> None:
        viewer, place = self._viewer(), self._place()
        if viewer.revealed:
            viewer.reveal(on=False)
            self._screen.refresh_chrome()
            return
        if place is None or not await asyncio.to_thread(viewer.has_secrets):
            self._screen.say("nothing is masked here")
            return
        exchange, what = place
        actor: str = self._screen.app.steer.name  # type: ignore[attr-defined]  # ScopeApp
        try:
            await self._source.write(lambda: remarks.reveal(self._source.path, exchange, what, actor=actor))
        except ScopeError as error:
            self._screen.say(f"nothing is revealed that cannot be logged: {error.message}", severity="error")
            return
        if self._place() == place:
            viewer.reveal(on=True)
            self._screen.say(self._screen.keyed("shown, and logged; {reveal} masks it again"))
