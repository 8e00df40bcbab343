"""The stage as a real process has it: lines over two descriptors, timers of a poll loop."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType

from mcpscope.protocol.framing import LineFramer
from mcpscope.transports.loop import PollLoop

READ_BYTES = 1 << 16


class StdioStage:
    """Lines in from ``read``, lines out to ``write``; writes block, as a small server's do."""

    def __init__(self, read: int, write: int) -> None:
        self.read = read
        self.write = write
        self.loop = PollLoop()

    def __repr__(self) -> str:
        return f"<StdioStage read={self.read} write={self.write}>"

    def __enter__(self) -> StdioStage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.remove_reader(self.read)

    def send(self, line: bytes) -> None:
        """Write the whole line now; a peer that has gone ends the loop."""
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self.write, view) :]
        except BrokenPipeError:
            self.loop.stop()

    def complain(self, text: str) -> None:
        """A line on standard error."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after so many seconds."""
        self.loop.call_later(seconds, callback)

    def run(self, receive: Callable[[bytes], None]) -> None:
        """Hand every line to ``receive`` until the other side ends or ``stop`` is called."""
        framer = LineFramer()

        def readable() -> None:
            data = os.read(self.read, READ_BYTES)
            if not data:
                self.loop.stop()
            for line in framer.feed(data):
                receive(line.raw)

        self.loop.add_reader(self.read, readable)
        self.loop.run_forever()

    def stop(self) -> None:
        """Leave ``run``."""
        self.loop.stop()
