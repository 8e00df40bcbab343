"""One direction of a byte stream: source, lane in force, drain; bounded.

While anything waits for the drain the source is not read, so what a stalled peer can make us hold is one
buffer, and back-pressure reaches the other side through its own pipe.
"""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from mcpscope.transports.ends import Drain, Source
    from mcpscope.transports.loop import Loop

    class Lane(Protocol):
        """What decides over the bytes of a road while it is in force."""

        @property
        def at_boundary(self) -> bool:
            """Whether all that was received so far ends with a whole message."""

        def received(self, chunk: memoryview) -> None:
            """Bytes just read. They stay valid after the call only as far as they were given to ``send``."""

        def ended(self) -> None:
            """The source has ended; the lane calls ``Road.finish`` when it has nothing more to send."""


FIRST_BUFFER_BYTES = 64 << 10
BUFFER_BYTES = 1 << 20
PIPE_BYTES = 512 << 10  # more would soon use up what the system grants a user's pipes in all
HANGUP_CHECK_SECONDS = 0.5
_HANGUP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Road:
    """``source`` to ``drain`` through ``lane`` (to be set before ``start``).

    ``on_ended`` is called once when the source ends or its far end hangs up while we cannot read,
    ``on_finished`` once when everything was sent and the drain is closed, or the drain broke.
    ``undelivered`` counts the bytes that were to be sent and could not be; ``moved`` all that were.
    """

    def __init__(
        self,
        loop: Loop,
        source: Source,
        drain: Drain,
        on_ended: Callable[[], None],
        on_finished: Callable[[], None],
    ) -> None:
        self.lane: Lane
        self.undelivered = 0
        self.moved = 0
        self.finished = False
        self._loop = loop
        self._source: Source | None = source
        self._drain: Drain | None = drain
        self._read_into = source.read_into
        self._write = drain.write
        self._on_ended = on_ended
        self._on_finished = on_finished
        self._view = memoryview(bytearray(FIRST_BUFFER_BYTES))
        self._queue: list[memoryview] = []
        self._pauses = 0
        self._reading = False
        self._ended = False
        self._last_call = False
        self._finishing = False
        self._checking = False

    def __repr__(self) -> str:
        state = "finished" if self.finished else "ended" if self._ended else "open"
        return f"<Road {self._source}->{self._drain} {state} pending={self.pending}>"

    @property
    def pending(self) -> int:
        """Bytes that wait for the drain."""
        return sum(map(len, self._queue))

    def start(self) -> None:
        self._update()

    def enter(self, lane: Lane) -> None:
        """Put ``lane`` in force from the next message boundary on, which may be now."""
        if isinstance(self.lane, Crossing):
            self.lane.lead_to(lane)
        else:
            self.lane = lane if self.lane.at_boundary else Crossing(self, self.lane, lane)

    def send(self, data: bytes | memoryview) -> None:
        """Write ``data`` as soon as the drain takes it; the source waits until it has."""
        if self._queue:
            self._queue.append(memoryview(data))
            return
        try:
            count = self._write(data)
        except BlockingIOError:
            count = 0
        except OSError:
            self._broken(len(data))
            return
        self.moved += count
        if count < len(data):
            self._queue.append(memoryview(data)[count:])
            if self._drain is not None:
                self._loop.add_writer(self._drain.fd, self._writable)
            self._update()

    def part_source(self) -> None:
        """Close the source without taking that for its end; another is to follow (``join_source``)."""
        self._close_source()

    def join_source(self, source: Source) -> None:
        self._source = source
        self._read_into = source.read_into
        self._update()

    def part_drain(self) -> None:
        """Close the drain and drop what it has not taken; another is to follow (``join_drain``)."""
        if self._drain is not None:
            if self._queue:
                self._loop.remove_writer(self._drain.fd)
            self._drain.close()
        self._queue.clear()
        self._drain = None
        self._write = _wait
        self._update()

    def join_drain(self, drain: Drain) -> None:
        self._drain = drain
        self._write = drain.write
        if self._queue:
            self._loop.add_writer(drain.fd, self._writable)

    def pause(self) -> None:
        """Read no more until ``resume`` was called as often."""
        self._pauses += 1
        self._update()

    def resume(self) -> None:
        self._pauses -= 1
        self._update()

    def finish(self) -> None:
        """Nothing more will be sent: close the drain when it has taken what waits."""
        self._finishing = True
        if not self._queue:
            self._close_drain()

    def stop_reading(self) -> None:
        """Take no more from the source, as if it had ended here."""
        if self._source is not None:
            self._source_ended()

    def abandon(self) -> None:
        """Stop at once: what waits is undelivered, both ends are closed."""
        self._close_source()
        if not self.finished:
            self._broken(0)

    def last_call(self) -> None:
        """Nobody is left to write to the source: what is there now is all there will be."""
        self._last_call = True
        self._read_rest()

    def hung_up(self) -> bool:
        """Whether the reader behind the drain has gone, as far as the system tells without writing."""
        return self._drain is not None and _hangs_up(self._drain.fd)

    def _readable(self) -> None:
        try:
            count = self._read_into(self._view)
        except BlockingIOError:
            if self._last_call:
                self._source_ended()
            return
        except OSError:
            count = 0  # a reset, or a terminal that has gone: the end, for a wire
        if not count:
            self._source_ended()
            return
        view = self._view
        self.lane.received(view[:count])
        if count == len(view) < BUFFER_BYTES:
            self._grow()

    def _grow(self) -> None:
        """Large messages pass: take twice as much at a time, and let the pipes of our making hold it."""
        size = 2 * len(self._view)
        self._view = memoryview(bytearray(size))  # what still waits keeps the old buffer
        if self._source is not None:
            self._source.grow(PIPE_BYTES)
        if self._drain is not None:
            self._drain.grow(PIPE_BYTES)

    def _read_rest(self) -> None:
        while self._reading:
            self._readable()

    def _writable(self) -> None:
        queue = self._queue
        while queue:
            try:
                count = self._write(queue[0])
            except BlockingIOError:
                return
            except OSError:
                self._broken(0)
                return
            self.moved += count
            if count < len(queue[0]):
                queue[0] = queue[0][count:]
                return
            del queue[0]
        assert self._drain is not None
        self._loop.remove_writer(self._drain.fd)
        if self._finishing:
            self._close_drain()
            return
        self._update()
        if self._last_call:
            self._read_rest()

    def _update(self) -> None:
        """Watch the source exactly while it is to be read; look for a hang-up while it is not."""
        if self._source is None:
            return
        wanted = not self._queue and not self._pauses and not self._ended
        if wanted and not self._reading:
            self._loop.add_reader(self._source.fd, self._readable)
        elif not wanted and self._reading:
            self._loop.remove_reader(self._source.fd)
            if not self._ended and not self._checking:
                self._checking = True
                self._loop.call_later(HANGUP_CHECK_SECONDS, self._check_hangup)
        self._reading = wanted

    def _check_hangup(self) -> None:
        self._checking = False
        if self._reading or self._source is None or self._ended:
            return
        if _hangs_up(self._source.fd):
            self._on_ended()
            return
        self._checking = True
        self._loop.call_later(HANGUP_CHECK_SECONDS, self._check_hangup)

    def _source_ended(self) -> None:
        self._ended = True
        self._close_source()
        self.lane.ended()
        self._on_ended()

    def _close_source(self) -> None:
        if self._source is None:
            return
        if self._reading:
            self._loop.remove_reader(self._source.fd)
            self._reading = False
        self._source.close()
        self._source = None

    def _broken(self, lost: int) -> None:
        """The reader has gone: the writer learns it from the closed source, as it would without us."""
        self.undelivered += lost + self.pending
        self._close_source()
        self._close_drain()

    def _close_drain(self) -> None:
        if self._drain is None:
            return
        if self._queue:
            self._loop.remove_writer(self._drain.fd)
            self._queue.clear()
        self._drain.close()
        self._drain = None
        self._write = _refuse
        self.finished = True
        self._on_finished()


class Crossing:
    """The lane between two lanes: the old one gets the rest of its message, the new one what follows."""

    def __init__(self, road: Road, old: Lane, new: Lane) -> None:
        self._road = road
        self._old = old
        self._new = new

    def __repr__(self) -> str:
        return f"<Crossing {self._old} -> {self._new}>"

    @property
    def at_boundary(self) -> bool:
        return False

    def lead_to(self, lane: Lane) -> None:
        """Another lane than was said takes over."""
        self._new = lane

    def received(self, chunk: memoryview) -> None:
        cut = bytes(chunk).find(b"\n") + 1
        if not cut:
            self._old.received(chunk)
            return
        self._road.lane = self._new
        self._old.received(chunk[:cut])
        if cut < len(chunk):
            self._new.received(chunk[cut:])

    def ended(self) -> None:
        self._old.ended()


def _wait(data: bytes | memoryview) -> int:
    raise BlockingIOError


def _refuse(data: bytes | memoryview) -> int:
    raise BrokenPipeError


def _hangs_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, _HANGUP)
    return bool(poll.poll(0))
