"""One direction of a byte stream in the gate: lines become messages, and a line may be too long to be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.framing import Frame, LineFramer

if TYPE_CHECKING:
    from mcpscope.protocol.message import Direction
    from mcpscope.session.gate import Gate
    from mcpscope.session.gate_door import Door
    from mcpscope.session.road import Road

KEPT_OF_OVERSIZED_BYTES = 64 << 10


class GateLane:
    """Hands whole messages to ``gate``; what comes before ``door`` is ready waits, and the source too.

    ``dir`` is the journal's direction byte.
    """

    def __init__(
        self, gate: Gate, door: Door, road: Road, direction: Direction, dir: int, max_message: int
    ) -> None:
        self.direction = direction
        self.dir = dir
        self.road = road
        self.over = False
        self._gate = gate
        self._door = door
        self._limit = max_message
        self._framer = LineFramer()
        self._backlog: list[Frame] = []
        self._paused = False
        self._head = b""
        self._tail = b""
        self._skipped = 0

    def __repr__(self) -> str:
        return f"<GateLane {self.direction} backlog={len(self._backlog)} skipped={self._skipped}>"

    @property
    def at_boundary(self) -> bool:
        return not (self._framer.pending or self._skipped)

    @property
    def in_force(self) -> bool:
        """Whether the road's bytes come here now, and not to a lane that ends its last message."""
        return self.road.lane is self

    def received(self, chunk: memoryview) -> None:
        data = bytes(chunk)
        # The usual chunk is one message; the usual message is a call, or an answer, that nothing concerns.
        alone = data.find(b"\n") == len(data) - 1 and not self._framer.pending and not self._skipped
        if alone and self._gate.passes(self, data):
            return
        if self._skipped:
            data = self._skip(data)
        frames = self._framer.feed(data)
        if self._framer.pending > self._limit:
            self._begin_to_skip()
        if self._door.ready:
            self._gate.messages(self, frames)
            return
        self._backlog += frames
        if not self._paused:
            self._paused = True
            self.road.pause()
        self._door.crossed()

    def forget(self) -> None:
        """What has begun to arrive will not end."""
        if self._framer.pending:
            self._framer.take()
        self._skipped = 0

    def ended(self) -> None:
        tail = self._framer.finish()
        if tail is not None:
            self._backlog.append(tail)
        if self._skipped:
            self._end_of_skipped()
        self.over = True
        if self._door.ready:
            self.proceed()
        else:
            self._door.crossed()

    def proceed(self) -> None:
        """The gate is ready: what waited goes on."""
        frames, self._backlog = self._backlog, []
        if frames:
            self._gate.messages(self, frames)
        if self._paused:
            self._paused = False
            self.road.resume()
        if self.over:
            self._gate.ended(self)

    def _begin_to_skip(self) -> None:
        """The line that has begun is longer than the gate takes: keep its two ends, forget the rest."""
        line = self._framer.take()
        self._skipped = len(line)
        self._head = line[:KEPT_OF_OVERSIZED_BYTES]
        self._tail = line[-KEPT_OF_OVERSIZED_BYTES:]

    def _skip(self, data: bytes) -> bytes:
        end = data.find(b"\n")
        part = data if end < 0 else data[:end]
        self._skipped += len(part)
        self._tail = (self._tail + part)[-KEPT_OF_OVERSIZED_BYTES:]
        if end < 0:
            return b""
        self._end_of_skipped()
        return data[end + 1 :]

    def _end_of_skipped(self) -> None:
        size, self._skipped = self._skipped, 0
        self._gate.oversized(self, self._head, self._tail, size)
        self._head = self._tail = b""
