"""``L``: a rule begun from the row under the cursor, or from the decision just made on a hold."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from mcpscope.errors import ScopeError
from mcpscope.tui import later
from mcpscope.tui.links import Link
from mcpscope.tui.present.fresh_rule import for_decision, for_row
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.steer import Decided, Steer, reason
from mcpscope.tui.undoing import Undo

Request = dict[str, Any]


class Always:
    """``here`` gives the request under the cursor (None: nothing) and its proxy."""

    def __init__(
        self,
        screen: ScopeScreen,
        steer: Steer,
        undo: Undo,
        here: Callable[[], Awaitable[tuple[Request | None, Link | None]]],
        *,
        any_here: Callable[[], bool],
    ) -> None:
        self._screen = screen
        self._steer = steer
        self._here = here
        self._any_here = any_here
        self._undo = undo

    def acts(self) -> dict[str, Act]:
        """By the id of the action."""
        return {"rule.always": Act(self._always, self._why_not)}

    def _why_not(self) -> str:
        if self._steer.read_only:
            return "this UI is read-only"
        if not self._steer.links:
            return "no proxy runs"
        return (
            ""
            if self._steer.decided is not None or self._any_here()
            else "there is nothing to make a rule of"
        )

    async def _always(self) -> None:
        try:
            request, link = await self._here()
        except ScopeError as error:
            self._screen.say(reason(error), severity="error")
            return
        decided = self._steer.decided
        if decided is not None and decided.link.alive:
            chosen = "decided" if request is None else await self._asked(decided, request)
            if chosen == "decided":
                rule = for_decision(decided.verb, decided.wish, decided.request, answers=decided.answers)
                self._begin(decided.link, rule)
            if chosen != "row":
                return
        if request is not None:
            rule = for_row(str(request.get("method", "")), request.get("params"))
            self._begin(link or self._steer.links[0], rule)

    def _begin(self, link: Link, rule: dict[str, Any]) -> None:
        ruling = later.ruling.Ruling(self._screen, self._steer, self._undo, lambda: None, lambda: None)
        ruling.begin(link, rule, first=True)

    async def _asked(self, decided: Decided, request: Request) -> str:
        entries = [
            Entry("d", "decided", f"always do this: {decided.shown}"),
            Entry("r", "row", f"a rule for {_name(request)} under the cursor"),
        ]
        return await self._screen.app.push_screen_wait(Menu("Make a rule of", entries))


def _name(request: Request) -> str:
    params = request.get("params")
    tool = params.get("name") if request.get("method") == "tools/call" and isinstance(params, dict) else None
    return str(tool or request.get("method") or "what stands")


def body_of(raw: bytes) -> Request | None:
    """A message's JSON; None for what is no object."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
