"""One server process of a bridge: lines in, lines out, bounded, and the ladder that ends it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Protocol

from mcpscope.protocol.framing import LineFramer
from mcpscope.protocol.message import Message
from mcpscope.transports.connect import process
from mcpscope.transports.loop import Handle, Loop

READ_BYTES = 256 * 1024
QUEUE_BYTES = 1024 * 1024
GRACE_SECONDS = 2.0
_SIGKILL = 9


class ChildSink(Protocol):
    """Who listens to a server process."""

    def on_line(self, raw: bytes) -> None: ...
    def on_stderr(self, data: bytes) -> None: ...
    def on_exit(self, code: int) -> None:
        """It has gone, and all it wrote has been told. Called once."""

    def on_stall(self, *, stalled: bool) -> None:
        """It does not read what it is sent (or does again)."""


class LineServer(Protocol):
    """What speaks in lines for one session: a process, or what stands for one."""

    def write(self, line: bytes, said: Message | None = None) -> None:
        """One line; ``said`` is what it says, where that has been read already."""

    def hold_reading(self, *, paused: bool) -> None: ...
    def close(self) -> None: ...
    def terminate(self) -> None: ...


class ServerProcess:
    """``write`` sends one line, ``close`` begins the end: stdin, 2 s, SIGTERM, 2 s, SIGKILL (the guard's)."""

    def __init__(
        self, loop: Loop, command: list[str], env: dict[str, str], cwd: str | None, sink: ChildSink
    ) -> None:
        """Starts it. Raises process.StartFailed."""
        self._loop = loop
        self._sink = sink
        self._framer = LineFramer()
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._writing = False
        self._stalled = False
        self._closing = False
        self._reading = False
        self._paused = False
        self._status: int | None = None
        self._gone = False
        self._ladder: Handle | None = None
        self._child = process.start(command, env, cwd)
        self._stdin: int | None = self._child.stdin
        self._stdout: int | None = self._child.stdout
        self._stderr: int | None = self._child.stderr
        try:
            self._child.confirm()
        except process.StartFailed:
            for fd in (self._stdin, self._stdout, self._stderr):
                os.close(fd)
            raise
        self.pid = self._child.pid
        self._watch()
        loop.add_reader(self._child.stderr, self._read_stderr)
        loop.add_reader(self._child.report, self._heard)

    def __repr__(self) -> str:
        return f"<ServerProcess pid={self.pid} queued={self._queued} closing={self._closing}>"

    def write(self, line: bytes, said: Message | None = None) -> None:
        """Send ``line`` (no line end in it) and a line end."""
        if self._stdin is None or self._closing:
            return
        data = memoryview(line + b"\n")
        self._queue.append(data)
        self._queued += len(data)
        if not self._writing:
            self._flush()
        if self._queued > QUEUE_BYTES and not self._stalled:
            self._stalled = True
            self._sink.on_stall(stalled=True)

    def hold_reading(self, *, paused: bool) -> None:
        """Whoever takes its lines does not keep up (or does again)."""
        self._paused = paused
        self._watch()

    def close(self) -> None:
        """Close its stdin when it has what was written, and climb the ladder if that does not end it."""
        if self._closing:
            return
        self._closing = True
        if not self._queue:
            self._close_stdin()
        self._ladder = self._loop.call_later(GRACE_SECONDS, self.terminate)

    def terminate(self) -> None:
        """SIGTERM now, SIGKILL 2 s later."""
        self._closing = True
        self._close_stdin()
        if not self._gone:
            self._child.terminate()

    def _flush(self) -> None:
        if self._stdin is None:
            return
        try:
            while self._queue:
                data = self._queue[0]
                count = os.write(self._stdin, data)
                self._queued -= count
                if count < len(data):
                    self._queue[0] = data[count:]
                    break
                self._queue.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._close_stdin()  # it has closed its end: what we send goes nowhere, as without us
            return
        wanted = bool(self._queue)
        if wanted and not self._writing:
            self._loop.add_writer(self._stdin, self._flush)
        elif not wanted and self._writing:
            self._loop.remove_writer(self._stdin)
        self._writing = wanted
        if self._stalled and self._queued < QUEUE_BYTES // 2:
            self._stalled = False
            self._sink.on_stall(stalled=False)
        if not wanted and self._closing:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._stdin is None:
            return
        if self._writing:
            self._loop.remove_writer(self._stdin)
            self._writing = False
        os.close(self._stdin)
        self._stdin = None
        self._queue.clear()
        self._queued = 0

    def _watch(self) -> None:
        if self._stdout is None:
            return
        wanted = not self._paused
        if wanted and not self._reading:
            self._loop.add_reader(self._stdout, self._read)
        elif not wanted and self._reading:
            self._loop.remove_reader(self._stdout)
        self._reading = wanted

    def _read(self) -> bool:
        if self._stdout is None:
            return False
        try:
            data = os.read(self._stdout, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            for frame in self._framer.feed(data):
                self._sink.on_line(frame.raw)
            return True
        last = self._framer.finish()
        if self._reading:
            self._loop.remove_reader(self._stdout)
            self._reading = False
        os.close(self._stdout)
        self._stdout = None
        if last is not None:
            self._sink.on_line(last.raw)
        return False

    def _read_stderr(self) -> bool:
        if self._stderr is None:
            return False
        try:
            data = os.read(self._stderr, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self._sink.on_stderr(data)
            return True
        self._loop.remove_reader(self._stderr)
        os.close(self._stderr)
        self._stderr = None
        return False

    def _heard(self) -> None:
        for what, status in self._child.news():
            if what == "exit":
                self._status = status
            elif not self._gone:
                self._end()

    def _end(self) -> None:
        """Everything it started has gone: take what is left in the pipes, then say so."""
        self._gone = True
        if self._ladder is not None:
            self._ladder.cancel()
        self._loop.remove_reader(self._child.report)
        self._child.release()
        self._close_stdin()
        _drained(self._read)
        _drained(self._read_stderr)
        for fd in (self._stdout, self._stderr):
            if fd is not None:
                self._loop.remove_reader(fd)
                os.close(fd)
        self._stdout = self._stderr = None
        self._sink.on_exit(process.exit_code(_SIGKILL if self._status is None else self._status))


def _drained(read: Callable[[], bool]) -> None:
    while read():
        pass
