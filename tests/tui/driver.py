"""The UI as tests speak of it: ``await scope.traffic.shows("search_docs").select(2).press("b")``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from mcpscope.tui.app import Options, ScopeApp
from mcpscope.tui.clock import Clock
from mcpscope.tui.memory import Memory
from mcpscope.tui.picture import text_of
from mcpscope.tui.start import make_app
from mcpscope.tui.widgets.rowlist import RowList
from tests.tui.tape import CLOCK

SECONDS = 40.0


class Chain:
    """Steps that run one after another when the chain is awaited."""

    def __init__(self, scope: Scope, place: str) -> None:
        self._scope = scope
        self._place = place
        self._steps: list[Callable[[], Awaitable[None]]] = [lambda: scope.goes_to(place)]

    def __await__(self) -> Generator[Any, None, None]:
        return self._run().__await__()

    async def _run(self) -> None:
        for step in self._steps:
            await step()

    def _then(self, step: Callable[[], Awaitable[None]]) -> Chain:
        self._steps.append(step)
        return self

    def shows(self, *texts: str) -> Chain:
        """Wait until every text is on the screen; what was said since the last key counts, however short."""
        return self._then(lambda: self._scope.until(lambda: all(map(self._scope.has_shown, texts)), texts))

    def hides(self, *texts: str) -> Chain:
        """Wait until none of the texts is on the screen."""
        return self._then(
            lambda: self._scope.until(
                lambda: not any(text in self._scope.text for text in texts), ("no", *texts)
            )
        )

    def select(self, row: int) -> Chain:
        """Put the cursor on the row with this number, counted from 1 at the top of the list."""

        async def go() -> None:
            rows = self._scope.rows
            rows.follow = False
            rows.go(row - 1)
            await self._scope.settled()

        return self._then(go)

    def press(self, *keys: str) -> Chain:
        """Press keys."""
        return self._then(lambda: self._scope.press(*keys))

    def type(self, text: str) -> Chain:
        """Type a text, character by character."""
        return self._then(lambda: self._scope.press(*(_KEYS.get(char, char) for char in text)))

    def selected_is(self, text: str) -> Chain:
        """Wait until the row under the cursor holds ``text``."""
        return self._then(
            lambda: self._scope.until(lambda: text in self._scope.selected_line, ("selected", text))
        )


_KEYS = {
    " ": "space",
    ":": "colon",
    "/": "slash",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "_": "underscore",
}


class Scope:
    """One running UI. Its screens are attributes: ``traffic``, ``detail``, ``recordings`` …"""

    def __init__(self, app: ScopeApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot
        self._said_before: tuple[int, str] | None = None

    def __getattr__(self, place: str) -> Chain:
        return Chain(self, place)

    @property
    def text(self) -> str:
        """The whole screen."""
        return text_of(self.app)

    def has_shown(self, text: str) -> bool:
        """Whether a text is on the screen, or was said since the last key and given up for another one."""
        said = list(self.app.said)
        before = said.index(self._said_before) + 1 if self._said_before in said else 0
        return text in self.text or any(text in line for _, line in said[before:])

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def rows(self) -> RowList:
        """The list of the screen."""
        return self.app.screen.query_one(RowList)

    @property
    def selected_line(self) -> str:
        rows = self.rows
        if not rows.line_count():
            return ""
        return "".join(text for text, _ in rows.rows.line(rows.cursor, rows.size.width, here=True))

    async def goes_to(self, place: str) -> None:
        """Wait for a screen; the driver never switches by itself."""
        await self.until(
            lambda: getattr(self.app.screen, "place", "dialog") == place or place == "any", (place,)
        )

    async def press(self, *keys: str) -> None:
        self._said_before = self.app.said[-1] if self.app.said else None
        await self.pilot.press(*keys)
        await self.settled()

    async def settled(self) -> None:
        """Let what was started come to its end."""
        await self.pilot.pause()
        await asyncio.sleep(0.02)
        await self.pilot.pause()

    async def until(self, check: Callable[[], bool], wanted: object) -> None:
        """Wait until ``check`` holds; what is on the screen is in the failure."""
        end = time.monotonic() + SECONDS
        while not check():
            if time.monotonic() > end:
                raise AssertionError(f"waited for {wanted} on\n{self.text}")
            await asyncio.sleep(0.02)
            await self.pilot.pause()


@asynccontextmanager
async def opened(
    db: Path,
    size: tuple[int, int] = (80, 24),
    *,
    options: Options | None = None,
    clock: Clock = CLOCK,
    memory: Memory | None = None,
) -> AsyncIterator[Scope]:
    """The UI over a database, without a terminal."""
    app = make_app(db, options=options or Options(theme="mcpscope-dark"), clock=clock, memory=memory)
    async with app.run_test(size=size) as pilot:
        yield Scope(app, pilot)
