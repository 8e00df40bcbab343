"""The hand on what is held of an exchange, in Traffic and its detail: from the row to its hold and proxy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcpscope.store.listed import ExchangeRow
from mcpscope.tui import actions
from mcpscope.tui.clock import Clock
from mcpscope.tui.links import Link
from mcpscope.tui.present import holds
from mcpscope.tui.present.spans import Line
from mcpscope.tui.screens.always import Always, body_of
from mcpscope.tui.screens.base import Act
from mcpscope.tui.screens.breaking import Breaking, filter_for
from mcpscope.tui.screens.holding import Holding
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Held, Steer
from mcpscope.tui.undoing import Undo
from mcpscope.tui.widgets.painted import glyphs_of

if TYPE_CHECKING:
    from mcpscope.tui.screens.detail import DetailScreen
    from mcpscope.tui.screens.traffic import TrafficScreen


class Steering:
    """The verbs of holds and breakpoints for rows of exchanges."""

    def __init__(
        self,
        screen: TrafficScreen | DetailScreen,
        steer: Steer,
        clock: Clock,
        undo: Undo,
        source: Source,
        selected: Callable[[], ExchangeRow | None],
    ) -> None:
        self._screen = screen
        self._steer = steer
        self._selected = selected
        self._clock = clock
        self._holding = Holding(screen, steer, clock, self._held)
        self.breaking = Breaking(screen, steer, undo, self._target)
        self._source = source
        self._always = Always(screen, steer, undo, self._request, any_here=lambda: selected() is not None)

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        known = {action.id for action in actions.at(self._screen.place)}
        mine = {name: act for name, act in self._holding.acts().items() if name in known}
        return {**mine, **self.breaking.acts(), **self._always.acts()}

    async def _request(self) -> tuple[dict[str, Any] | None, Link | None]:
        """The request of the row under the cursor, and the proxy it went through where that still runs."""
        row = self._selected()
        if row is None or row.request_id is None:
            return None, None
        message = row.request_id
        raw = await self._source.ask(lambda pages: pages.body(message))
        links = self._target()[1]
        return body_of(raw), links[0] if links else None

    def _uid(self, row: ExchangeRow) -> str:
        sessions = self._screen.app.sessions()  # type: ignore[attr-defined]  # ScopeApp
        return next((session.proxy for session in sessions if session.id == row.session_id), "")

    def _held(self) -> Held | None:
        """The hold of the row under the cursor; ids may be the same in two sessions, times are not."""
        row = self._selected()
        return None if row is None else self.held_of(row)

    def held_of(self, row: ExchangeRow) -> Held | None:
        """The hold of an exchange; None where nothing of it is held."""
        over = row.ended_at is not None and row.status != "held"  # an answer that is held has come
        if over and row.status != "cancelled":
            return None
        uid = self._uid(row)
        found = [
            held
            for held in self._steer.holds()
            if held.link.entry.uid == uid and held.data["rpc_id"] == row.rpc_id and held.gave_up >= over
        ]
        return min(found, key=lambda held: abs(held.data["at"] - row.opened_at), default=None)

    def panel(self, row: ExchangeRow, width: int) -> list[Line]:
        """What is told of a held exchange where its answer would stand."""
        held = self.held_of(row)
        if held is None:
            return []
        editor = actions.find("hold.editor", self._screen.place) is not None
        return holds.panel(held, width, self._clock.now_ns(), glyphs_of(self._screen), editor=editor)

    def _target(self) -> tuple[str, Sequence[Link]]:
        row = self._selected()
        if row is None:
            return "", ()
        uid = self._uid(row)
        links = [link for link in self._steer.links if link.entry.uid == uid]
        return filter_for(row.tool or "", row.method or ""), links or self._steer.links
