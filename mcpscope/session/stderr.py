"""The server's standard error: recorded, passed on, and never a reason for the server to wait."""

from __future__ import annotations

import os

from mcpscope.store.layout import NO_DIR, STDERR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.store.journal import Journal
    from mcpscope.transports.ends import Drain
    from mcpscope.transports.loop import Loop
    from mcpscope.transports.secret_mask import MaskedFlow

READ_BYTES = 64 << 10
PENDING_BYTES = 256 << 10
LINGER_SECONDS = 1.0


class Stderr:
    """``fd`` (the server's) to ``drain`` (ours).

    What a stalled drain cannot take beyond PENDING_BYTES is dropped and counted in a line of its own; the
    journal has it. ``say`` adds a line of ours. What ``flow`` masks is neither recorded nor passed on.
    """

    def __init__(
        self,
        loop: Loop,
        fd: int,
        drain: Drain,
        journal: Journal | None,
        session: int,
        on_finished: Callable[[], None],
    ) -> None:
        self._ended = False
        self._loop = loop
        self._fd = fd
        self._drain = drain
        self._journal = journal
        self._session = session
        self._on_finished = on_finished
        self._pending = bytearray()
        self._dropped = 0
        self._writing = False
        self._broken = False
        self.flow: MaskedFlow | None = None

    def __repr__(self) -> str:
        return f"<Stderr fd={self._fd} pending={len(self._pending)} dropped={self._dropped}>"

    @property
    def finished(self) -> bool:
        """Whether the server's end has ended and nothing waits for ours."""
        return self._ended and not self._pending

    def start(self) -> None:
        self._loop.add_reader(self._fd, self._readable)

    def say(self, line: str) -> None:
        """One line of our own."""
        self.relay(f"mcpscope: {line}\n".encode(errors="backslashreplace"))

    def relay(self, data: bytes) -> None:
        """Pass on what is not the server's: nothing of it is recorded."""
        self._pass_on(data)

    def part(self) -> None:
        """The server goes away and another is to follow (``join``): take what it has left."""
        while not self._ended and self._readable():
            pass
        if not self._ended:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
        self._ended = True

    def join(self, fd: int) -> None:
        self._fd, self._ended = fd, False
        self._loop.add_reader(fd, self._readable)

    def last_call(self) -> None:
        """The server has gone: read what is left, and end."""
        while not self._ended and self._readable():
            pass
        self._end()
        if self._pending:
            self._loop.call_later(LINGER_SECONDS, self._stop_writing)

    def _readable(self) -> bool:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            if self.flow is not None:
                self._take(self.flow.feed(b"", last=True)[1])
            self._end()
            return False
        self._take(data if self.flow is None else self.flow.feed(data, last=False)[1])
        return True

    def _take(self, data: bytes) -> None:
        if data:
            if self._journal is not None:
                self._journal.append(STDERR, NO_DIR, self._session, 0, data)
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self._broken:
            return
        if self._dropped or len(self._pending) + len(data) > PENDING_BYTES:
            self._dropped += len(data)
            return
        self._pending += data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._pending:
                count = self._drain.write(bytes(self._pending))
                del self._pending[:count]
                if not self._pending and self._dropped:
                    self._pending += (
                        f"\nmcpscope: {self._dropped} bytes of standard error dropped here\n".encode()
                    )
                    self._dropped = 0
        except BlockingIOError:
            pass
        except OSError:
            self._broken = True
            self._pending.clear()
        self._watch(wanted=bool(self._pending))
        if self.finished:
            self._on_finished()

    def _stop_writing(self) -> None:
        self._broken = True
        self._pending.clear()
        self._watch(wanted=False)
        self._on_finished()

    def _watch(self, *, wanted: bool) -> None:
        if wanted and not self._writing:
            self._loop.add_writer(self._drain.fd, self._flush)
        elif not wanted and self._writing:
            self._loop.remove_writer(self._drain.fd)
        self._writing = wanted

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        if not self._pending:
            self._on_finished()
