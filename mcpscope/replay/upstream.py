"""The live side of a replay: a proxy process of ours in front of the upstream, spoken to over its pipes.

A replay passes the gate like any client and is recorded like any session, for it *is* a client of a proxy;
that also gives it every transport, since the proxy bridges.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from mcpscope.protocol.framing import LineFramer
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse

CLOSE_SECONDS = 8.0
MAX_WAITING_MESSAGES = 10_000
MAX_LINE_BYTES = 256 << 20
STDERR_LINES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message of the live server and when it came (monotonic ns)."""

    at: int
    message: Message


class Upstream:
    """A running upstream; ``receive`` gives its messages in order. Use as a context manager."""

    def __init__(self, target: Sequence[str], options: Sequence[str] = ()) -> None:
        """``target`` is ``["--", CMD, ...]`` or ``[URL]``; ``options`` are proxy options (--db, --record)."""
        bridge = [] if target[0] == "--" else ["--stdio"]
        argv = [sys.executable, "-P", "-m", "mcpscope", "proxy", *options, *bridge, *target]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        # Full: the reader waits, the pipe fills and the server feels it; nothing is dropped.
        self._arrived: queue.Queue[Arrived | None] = queue.Queue(MAX_WAITING_MESSAGES)
        self.said: deque[str] = deque(maxlen=STDERR_LINES_KEPT)
        self.ended = False
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"<Upstream pid={self._process.pid} {'ended' if self.ended else 'running'}>"

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def send(self, line: bytes) -> bool:
        """Write one message (no line end); False where the upstream is gone."""
        assert self._process.stdin is not None
        view = memoryview(line + b"\n")
        try:
            while view:
                view = view[os.write(self._process.stdin.fileno(), view) :]
        except OSError:
            self.ended = True
            return False
        return True

    def receive(self, seconds: float) -> Arrived | None:
        """The next message, or None after ``seconds`` or at the end (then ``ended`` is set)."""
        try:
            found = self._arrived.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None
        if found is None:
            self.ended = True
        return found

    def close(self) -> int:
        """End the conversation as a client does, by end-of-file; returns the upstream's exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        drain = threading.Thread(target=self._drain, daemon=True)
        drain.start()
        try:
            return self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _drain(self) -> None:
        while self._arrived.get() is not None:
            pass

    def _read(self) -> None:
        assert self._process.stdout is not None
        framer = LineFramer()
        with self._process.stdout as pipe:
            while (chunk := os.read(pipe.fileno(), 1 << 18)) and framer.pending < MAX_LINE_BYTES:
                at = time.monotonic_ns()
                for frame in framer.feed(chunk):
                    self._arrived.put(Arrived(at, parse(frame.raw)))
        self._arrived.put(None)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as pipe:
            for line in pipe:
                self.said.append(line.decode("utf-8", "replace").rstrip())
