"""What a policy asks: the whole call, who wants it, what differs from the last approved; yes or no."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.errors import ScopeError
from mcpscope.tui.clock import Clock
from mcpscope.tui.present import approvals, figures, holds
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.steer import Held, Steer, reason
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.viewer import Viewer

SETTLE_SECONDS = 0.5
"""Keys that were typed before the call could be seen decide nothing."""
TICK_SECONDS = 0.5


class ApproveScreen(ScopeScreen):
    """Approving is possible once its end has been on the screen; Esc leaves it held and undecided."""

    place = "approval"
    BINDINGS: ClassVar[list[BindingType]] = bindings("approval")

    def __init__(self, steer: Steer, clock: Clock, held: Held, got: dict[str, Any]) -> None:
        super().__init__()
        self._steer, self._clock, self._held, self._got = steer, clock, held, got
        self.heading = replace(self.heading, title="Approval")
        self._since = time.monotonic()
        self._read = False

    def body(self) -> ComposeResult:
        yield Bar(id="approve-facts")
        yield Viewer(id="approve-text", revealed=True)  # what is decided on is seen whole

    def on_mount(self) -> None:
        viewer = self.query_one(Viewer)
        viewer.wrap = True
        viewer.show(approvals.text(self._got))
        viewer.focus()
        self.set_interval(TICK_SECONDS, self._look)
        self.call_after_refresh(self._look)

    def on_resize(self) -> None:
        super().on_resize()
        self._look()

    def refresh_chrome(self) -> None:
        if self.is_mounted and self.query(Viewer):
            settled = time.monotonic() - self._since >= SETTLE_SECONDS
            self._read = self._read or (settled and _at_end(self.query_one(Viewer)))
        super().refresh_chrome()

    def _look(self) -> None:
        width, glyphs, now = self.size.width, glyphs_of(self), self._clock.now_ns()
        held = self._steer.find(self._held.key)
        lines: list[Line] = [
            [(" the call is decided already", "error")] if held is None else [],
            *approvals.facts(self._got, width, glyphs),
        ]
        if held is not None:
            left = figures.clock(max(0.0, (held.data["deadline"] - now) / 1e9))
            lines[0] = [
                (f" denied in {left} if nobody approves  ", "warning"),
                ("the client gave up" if held.gave_up else holds.clock_words(held), "muted"),
            ]
        bar = self.query_one("#approve-facts", Bar)
        bar.styles.height = len(lines)
        bar.show(lines)
        self.refresh_chrome()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        viewer = self.query_one(Viewer)
        hint = (
            "read to its end"
            if self._read
            else self.keyed("{move.bottom} shows its end; then it can be approved")
        )
        return [
            ("Esc leaves it held", "muted"),
            (hint, "muted" if self._read else "warning"),
        ], viewer.position_text()

    def acts(self) -> dict[str, Act]:
        return {
            "approve.once": Act(partial(self._approve, again=False), self._why_not),
            "approve.again": Act(partial(self._approve, again=True), self._why_not),
            "approve.deny": Act(self._deny, self._why_none),
        }

    def _why_none(self) -> str:
        return "" if self._steer.find(self._held.key) is not None else "it is decided already"

    def _why_not(self) -> str:
        if why := self._why_none():
            return why
        return "" if self._read else "look at all of it first (G)"

    async def _approve(self, *, again: bool) -> None:
        what = "approve these arguments for this session" if again else "approve exactly this call"
        why = await self._told("Why? For the record, or nothing", Entry("y", "yes", what))
        if why is not None:
            digest = self._got["digest"]
            await self._decide("approve", "approved, sent", digest=digest, why=why, again=again)

    async def _deny(self) -> None:
        why = await self._told("Why? Told to the client, or nothing", Entry("x", "yes", "deny this call"))
        if why is not None:
            await self._decide("deny", "denied", text=why)

    async def _told(self, title: str, sure: Entry) -> str | None:
        """What the person says of it, and then a key that is not Enter; None where either was left."""
        ask = Ask(title)
        why = await self.app.push_screen_wait(ask)
        if not ask.submitted:
            return None
        name = f"{self._held.name}  sha256 {self._got['digest'][:16]}"
        return why if await self.app.push_screen_wait(Menu(name, [sure], "Esc leaves it held")) else None

    async def _decide(self, verb: str, said: str, **wish: Any) -> None:
        try:
            await self._steer.decide(self._held, verb, **wish)
        except ScopeError as error:
            self.say(reason(error), severity="error")
            return
        self._steer.forget_drafts(self._held)
        self.leave_saying(f"{self._held.name}: {said}")


def _at_end(viewer: Viewer) -> bool:
    """Whether its last line is on the screen; not while it is not laid out for this size yet."""
    width, height = viewer.size
    laid_out = height > 0 and viewer.virtual_size.width == width and viewer.line_count() > 0
    return laid_out and viewer.scroll_offset.y + height >= viewer.line_count()
