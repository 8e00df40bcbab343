"""Keys in the order of their pressing: each waits until the one ahead of it has shown what it does."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.events import Key
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, TextArea

MOST_KEYS = 1000
"""That wait; what is pressed beyond them is forgotten."""
PASS_SECONDS = 0.3
"""After which a key counts as taken, whatever became of the widget that it went to."""
OPEN_SECONDS = 0.5
"""How long keys wait for a field or menu that is about to open."""
LOOK_SECONDS = 0.01
MOVES = frozenset({"j", "k", "down", "up", "ctrl+d", "ctrl+u", "ctrl+f", "ctrl+b", "pagedown", "pageup"})
"""Held down they come fast, and the second does what the first did."""


class Passed(Message):
    """Goes the way of a key, right behind it."""


class TypeAhead:
    """Textual hands on keys before those ahead were looked at: all of a fast ``/is:error`` went to the list.

    ``forward`` gives a key to what has the focus by then; ``last_key`` is the one it was given last.
    """

    def __init__(self, app: App[int], forward: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._forward = forward
        self._keys: deque[Key] = deque()
        self._busy = False
        self._open_by = 0.0
        self._timer: Timer | None = None
        self._pressed_at = 0.0
        self.last_key = ""

    def __repr__(self) -> str:
        return f"<TypeAhead {len(self._keys)} waiting>"

    async def press(self, key: Key) -> None:
        """Forward a key, now or when those ahead of it are through."""
        self._pressed_at = time.monotonic()
        if len(self._keys) < MOST_KEYS:
            self._keys.append(key)
        if not self._busy:
            await self._next()

    @property
    def idle_seconds(self) -> float:
        """How long no key was pressed."""
        return time.monotonic() - self._pressed_at

    def opening(self) -> None:
        """A field or menu is about to open: what is pressed next is meant for it."""
        self._open_by = time.monotonic() + OPEN_SECONDS

    def opened(self) -> None:
        """It is open, or nothing opens."""
        self._open_by = 0.0

    def passed(self) -> None:
        """The key that was forwarded is through."""
        self._wait(None)
        if time.monotonic() < self._open_by:
            self._wait(LOOK_SECONDS)
        else:
            self._app.call_later(self._free)  # behind what the key has set going, a change of the focus

    async def _next(self) -> None:
        while self._keys:
            key, target = self._keys.popleft(), self._app.focused or self._app.screen
            again, self.last_key = key.key == self.last_key and key.key in MOVES, key.key
            await self._forward(key)
            if again or (key.is_printable and isinstance(target, (Input, TextArea))):
                continue  # it moves no focus
            self._busy = True
            self._wait(PASS_SECONDS)
            target.post_message(Passed())
            return

    async def _free(self) -> None:
        self._busy = False
        await self._next()

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None if seconds is None else self._app.set_timer(seconds, self.passed)
