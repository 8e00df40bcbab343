"""The process that stands in for a server on stdio: plays a reel to the client on its standard streams.

Started by ``mcpscope serve`` behind a proxy of ours, which gives it rules, faults, recording and HTTP.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mcpscope.protocol.framing import LineFramer
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.replay.beyond import Beyond
from mcpscope.replay.player import Player
from mcpscope.replay.reel import read_reel
from mcpscope.text import safe

READ_BYTES = 1 << 18
MAX_WAITING = 1_000
"""Lines of the client that may wait: when so many do, it is not read, and its pipe fills."""
IDLE_SECONDS = 3600.0
DRAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Spec:
    """How to play: the one argument of the process, as JSON.

    ``target`` is the server behind (``["--", CMD, ...]`` or ``[URL]``), [] for none; ``passing`` a filter of
    what goes to it though it is recorded. Without ``fills`` nothing else does.
    """

    reel: str
    speed: float | None = None
    repeats: bool = True
    target: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    passing: str = ""
    fills: bool = False

    def argv(self) -> list[str]:
        """The command line of the process."""
        return [sys.executable, "-P", "-m", "mcpscope.replay.stand_in", json.dumps(asdict(self))]


Line = tuple[bool, Message | None]
"""Whether it comes from the server behind, and what was said; None at the end of that side."""


class StandIn:
    """One client's server."""

    def __init__(self, spec: Spec, *, stdin: int = 0, stdout: int = 1) -> None:
        self._spec = spec
        self._stdin, self._stdout = stdin, stdout
        self._player = Player(read_reel(Path(spec.reel)), self._write, speed=spec.speed, repeats=spec.repeats)
        # Filters are a long import that most stand-ins do without.
        passing = importlib.import_module("mcpscope.replay.passing") if spec.passing else None
        self._passing = passing and passing.Passing(spec.passing)
        self._lines: queue.Queue[Line] = queue.Queue(MAX_WAITING)
        self._beyond: Beyond | None = None
        if spec.target:
            self._beyond = Beyond(
                spec.target, spec.options, self._from_server, self._write, self._player.take_id
            )

    def __repr__(self) -> str:
        return f"<StandIn {self._player!r} {self._beyond!r}>"

    def run(self) -> int:
        """Until the client has ended its side."""
        threading.Thread(target=self._read, daemon=True).start()
        try:
            while True:
                at = self._player.next_at()
                wait = IDLE_SECONDS if at is None else max(0.0, (at - time.monotonic_ns()) / 1e9)
                try:
                    behind, message = self._lines.get(timeout=wait)
                except queue.Empty:
                    self._player.wake(time.monotonic_ns())
                    continue
                if behind and self._beyond is not None:
                    self._beyond.said(message)
                elif message is None:
                    break
                else:
                    self._take(message)
            self._drain()
        except BrokenPipeError:
            return 0  # the client has gone
        finally:
            if self._beyond is not None:
                self._beyond.close()
        return 0

    def _drain(self) -> None:
        """What is due at once is still said, as a server does that answers before it looks for its end."""
        until = time.monotonic() + DRAIN_SECONDS
        while (at := self._player.next_at()) is not None and at / 1e9 < until:
            time.sleep(max(0.0, (at - time.monotonic_ns()) / 1e9))
            self._player.wake(time.monotonic_ns())

    def _take(self, message: Message) -> None:
        now = time.monotonic_ns()
        beyond = self._beyond
        if message.kind is Kind.MALFORMED:
            self._tell("the client wrote a line that is no message")
            self._write(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}')
            return
        for item in message.items:  # a batch (2025-03-26) is answered one by one
            self._take(item)
        if message.items:
            return
        if beyond is not None:
            if beyond.is_for(message) or self._passes(message):
                beyond.ask(message)
                return
            beyond.heard(message)
        missed = self._player.hear(message, now)
        if missed is None:
            return
        if beyond is not None and self._spec.fills:
            self._tell(f"{message.method} goes to the server: {missed.text}")
            beyond.ask(message)
            return
        self._tell(f"{message.method}: {missed.text}")
        self._player.refuse(message, missed)

    def _passes(self, message: Message) -> bool:
        return (
            self._passing is not None and message.kind is Kind.REQUEST and bool(self._passing.takes(message))
        )

    def _from_server(self, message: Message | None) -> None:
        self._lines.put((True, message))

    def _tell(self, text: str) -> None:
        sys.stderr.write(f"mcpscope: {safe(text)}\n")
        sys.stderr.flush()

    def _write(self, line: bytes) -> None:
        view = memoryview(line.replace(b"\n", b" ") + b"\n")
        while view:
            view = view[os.write(self._stdout, view) :]

    def _read(self) -> None:
        framer = LineFramer()
        try:
            while chunk := os.read(self._stdin, READ_BYTES):
                for frame in framer.feed(chunk):
                    if frame.raw.strip():
                        self._lines.put((False, parse(frame.raw)))
        except OSError:
            pass  # the client has gone
        self._lines.put((False, None))


if __name__ == "__main__":
    sys.exit(StandIn(Spec(**json.loads(sys.argv[1]))).run())
