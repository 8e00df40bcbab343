"""What a gate writes to its two peers: gathered for a turn, bounded, never inside another lane's message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpscope.protocol.message import Direction

if TYPE_CHECKING:
    from mcpscope.session.road import Road
    from mcpscope.transports.loop import Loop

MAX_WAITING_BYTES = 4 << 20
"""How much may wait for a reader before the side that provokes our answers is no longer read."""
CHECK_SECONDS = 0.02


class Outlet:
    """``parts`` of a direction are written at the next ``flush`` where ``free`` says that it may be.

    What is forwarded has its road's own back-pressure; answers of ours come from the other direction, which
    is paused while their reader does not keep up.
    """

    def __init__(self, loop: Loop, roads: dict[Direction, Road], free: Callable[[Direction], bool]) -> None:
        self.parts: dict[Direction, list[bytes]] = {direction: [] for direction in Direction}
        self._loop = loop
        self._roads = roads
        self._free = free
        self._paused: set[Direction] = set()
        self._retrying = False

    def __repr__(self) -> str:
        return f"<Outlet waiting={ {d.value: len(p) for d, p in self.parts.items()} } paused={self._paused}>"

    def flush(self) -> None:
        """Write what can be written now; what cannot is tried again soon."""
        for direction, parts in self.parts.items():
            if not parts:
                continue
            if not self._free(direction):
                self._again()
                continue
            data = b"".join(parts)
            parts.clear()
            road = self._roads[direction]
            road.send(data)
            if road.pending > MAX_WAITING_BYTES:
                self._pause(direction.other)

    def _again(self) -> None:
        if not self._retrying:
            self._retrying = True
            self._loop.call_later(CHECK_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        self.flush()

    def _pause(self, direction: Direction) -> None:
        if direction not in self._paused:
            self._paused.add(direction)
            self._roads[direction].pause()
            self._loop.call_later(CHECK_SECONDS, self._resume, direction)

    def _resume(self, direction: Direction) -> None:
        if self._roads[direction.other].pending > MAX_WAITING_BYTES // 4:
            self._loop.call_later(CHECK_SECONDS, self._resume, direction)
            return
        self._paused.discard(direction)
        self._roads[direction].resume()
