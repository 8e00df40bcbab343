"""The client of a bridge on our standard streams: lines in, lines out, bounded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from mcpscope.protocol.framing import LineFramer
from mcpscope.transports.loop import Loop

if TYPE_CHECKING:
    from mcpscope.transports.ends import Drain, Source

READ_BYTES = 64 * 1024
QUEUE_BYTES = 1024 * 1024


class LineSink(Protocol):
    """Who listens to the client."""

    def on_line(self, raw: bytes) -> None: ...
    def on_eof(self) -> None:
        """The client has closed its side, or does not read ours any more. Called once."""

    def on_client_stall(self, *, stalled: bool) -> None:
        """The client does not read what it is sent (or does again)."""


class LineClient:
    """Nothing but ``write`` puts bytes on standard output; nothing is written after the client has gone."""

    def __init__(self, loop: Loop, source: Source, drain: Drain, sink: LineSink) -> None:
        self._loop = loop
        self._source: Source | None = source
        self._drain: Drain | None = drain
        self._sink = sink
        self._framer = LineFramer()
        self._buffer = bytearray(READ_BYTES)
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._writing = False
        self._stalled = False
        self._paused = False
        self._over = False
        loop.add_reader(source.fd, self._read)

    def __repr__(self) -> str:
        return f"<LineClient queued={self._queued} over={self._over}>"

    @property
    def empty(self) -> bool:
        """Everything written has been taken."""
        return not self._queue

    def write(self, line: bytes) -> None:
        if self._drain is None:
            return
        data = memoryview(line + b"\n")
        self._queue.append(data)
        self._queued += len(data)
        if not self._writing:
            self._flush()
        if self._queued > QUEUE_BYTES and not self._stalled:
            self._stalled = True
            self._sink.on_client_stall(stalled=True)

    def hold_reading(self, *, paused: bool) -> None:
        """The upstream does not keep up (or does again)."""
        if self._source is None or paused == self._paused:
            return
        self._paused = paused
        if paused:
            self._loop.remove_reader(self._source.fd)
        else:
            self._loop.add_reader(self._source.fd, self._read)

    def close(self) -> None:
        self._close_source()
        self._close_drain()

    def _read(self) -> None:
        if self._source is None:
            return
        try:
            count = self._source.read_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if count:
            for frame in self._framer.feed(bytes(memoryview(self._buffer)[:count])):
                self._sink.on_line(frame.raw)
            return
        last = self._framer.finish()
        self._close_source()
        if last is not None:
            self._sink.on_line(last.raw)
        self._end()

    def _flush(self) -> None:
        drain = self._drain
        if drain is None:
            return
        try:
            while self._queue:
                data = self._queue[0]
                count = drain.write(data)
                self._queued -= count
                if count < len(data):
                    self._queue[0] = data[count:]
                    break
                self._queue.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._close_drain()
            self._close_source()
            self._end()
            return
        wanted = bool(self._queue)
        if wanted and not self._writing:
            self._loop.add_writer(drain.fd, self._flush)
        elif not wanted and self._writing:
            self._loop.remove_writer(drain.fd)
        self._writing = wanted
        if self._stalled and self._queued < QUEUE_BYTES // 2:
            self._stalled = False
            self._sink.on_client_stall(stalled=False)

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._sink.on_eof()

    def _close_source(self) -> None:
        if self._source is not None:
            if not self._paused:
                self._loop.remove_reader(self._source.fd)
            self._source.close()
            self._source = None

    def _close_drain(self) -> None:
        if self._drain is not None:
            if self._writing:
                self._loop.remove_writer(self._drain.fd)
                self._writing = False
            self._drain.close()
            self._drain = None
            self._queue.clear()
            self._queued = 0
