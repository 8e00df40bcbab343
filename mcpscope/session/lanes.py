"""The fast lane: a chunk is journalled and forwarded as it was read; nothing looks inside."""

from __future__ import annotations

from mcpscope.store.layout import CHUNK, EOF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.session.road import Road
    from mcpscope.store.journal import Journal
    from mcpscope.transports.secret_mask import MaskedFlow

_NEWLINE = 10


class FastLane:
    """Journal, then send. ``refuse`` is called instead of sending when a required record was not made."""

    def __init__(
        self,
        road: Road,
        journal: Journal,
        dir: int,
        session: int,
        refuse: Callable[[], None],
        stream: int = 0,
    ) -> None:
        self._send = road.send
        self._finish = road.finish
        self._append = journal.append
        self._required = journal.required
        self._dir = dir
        self._session = session
        self._stream = stream
        self._refuse = refuse
        self._tail = _NEWLINE

    def __repr__(self) -> str:
        return f"<FastLane dir={self._dir} session={self._session}>"

    @property
    def at_boundary(self) -> bool:
        return self._tail == _NEWLINE

    def received(self, chunk: memoryview) -> None:
        if self._append(CHUNK, self._dir, self._session, self._stream, chunk) or not self._required:
            self._tail = chunk[-1]
            self._send(chunk)
        else:
            self._refuse()

    def ended(self) -> None:
        self._append(EOF, self._dir, self._session, self._stream, b"{}")
        self._finish()


class MaskedLane(FastLane):
    """A fast lane of a proxy that gives its server secrets: they are in no byte of what is journalled.

    Bytes that may begin a secret wait for the next chunk, on both roads.
    """

    def __init__(
        self,
        road: Road,
        journal: Journal,
        dir: int,
        session: int,
        refuse: Callable[[], None],
        flow: MaskedFlow,
    ) -> None:
        super().__init__(road, journal, dir, session, refuse)
        self._flow = flow

    @property
    def at_boundary(self) -> bool:
        return self._tail == _NEWLINE and not self._flow.waits

    def received(self, chunk: memoryview) -> None:
        self._take(bytes(chunk), last=False)

    def ended(self) -> None:
        self._take(b"", last=True)
        super().ended()

    def _take(self, chunk: bytes, *, last: bool) -> None:
        data, written = self._flow.feed(chunk, last=last)
        if not data:
            return
        if self._append(CHUNK, self._dir, self._session, self._stream, written) or not self._required:
            self._tail = data[-1]
            self._send(data)
        else:
            self._refuse()


class BareLane:
    """The lane of ``--no-record``: send."""

    def __init__(self, road: Road) -> None:
        self._send = road.send
        self._finish = road.finish
        self._tail = _NEWLINE

    def __repr__(self) -> str:
        return "<BareLane>"

    @property
    def at_boundary(self) -> bool:
        return self._tail == _NEWLINE

    def received(self, chunk: memoryview) -> None:
        self._tail = chunk[-1]
        self._send(chunk)

    def ended(self) -> None:
        self._finish()
