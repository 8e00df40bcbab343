"""One request to an upstream: its bytes out, its answer in, sent again only where that is safe."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcpscope.transports.connect.http_coding import Decoder, decoder
from mcpscope.transports.http_head import ResponseHead, indexed

if TYPE_CHECKING:
    from mcpscope.transports.connect.http import ClientConnection
    from mcpscope.transports.connect.http_pool import Pool

REPLAY_BYTES = 1024 * 1024
QUEUE_BYTES = 256 * 1024
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"TRACE"})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an upstream gave no (whole) answer. ``kind``: connect, tls, timeout, reset or protocol."""

    kind: str
    text: str

    @property
    def unreached(self) -> bool:
        """Whether nothing of the request can have been done."""
        return self.kind in ("connect", "tls")


class AnswerSink(Protocol):
    """Who takes an answer. After ``on_end`` or ``on_failed`` nothing more is called but ``on_turn``."""

    def on_continue(self) -> None: ...
    def on_head(self, head: ResponseHead) -> None: ...
    def on_body(self, data: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_turn(self) -> None:
        """All that this read brought has been told: the moment to write."""

    def on_failed(self, failure: Failure) -> None: ...
    def on_stall(self, *, stalled: bool) -> None:
        """The upstream does not take the request's body (or does again)."""


class Outgoing:
    """``write`` and ``end`` give the body; ``flush`` sends; ``close`` drops the answer and its connection.

    Bytes written before a connection is there are kept (``on_stall`` bounds them), and up to REPLAY_BYTES are
    kept until the answer's first byte, for the one case in which a request is sent again: a kept connection
    turned out to be closed, nothing of an answer came, the whole request is at hand, and it may be done twice
    or has certainly not been done.
    """

    # How each begins.
    sent = False
    _chunked = False
    _connection: ClientConnection | None = None
    _decoder: Decoder | None = None
    _paused = False
    _stepping = False
    _stalled = False
    _ending = False
    _over = False

    def __init__(self, pool: Pool, key: bytes, method: bytes, head: bytes, sink: AnswerSink) -> None:
        self._pool = pool
        self.key = key
        self.sink = sink
        self.is_head = method == b"HEAD"
        self._idempotent = method in _IDEMPOTENT
        self._kept: list[bytes] | None = [head]
        self._unsent: list[bytes] = [head]
        self._kept_bytes = self._unsent_bytes = len(head)

    def __repr__(self) -> str:
        return f"<Outgoing sent={self.sent} over={self._over} on={self._connection is not None}>"

    def body_is_chunked(self) -> None:
        """The head says ``Transfer-Encoding: chunked``."""
        self._chunked = True

    def write(self, data: bytes) -> None:
        """Bytes of the body; a later ``flush`` sends them."""
        if data:
            self._put(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """The request is complete."""
        if self._chunked:
            self._put(b"0\r\n\r\n")
        self.sent = True

    def flush(self) -> None:
        """Send what was written, or keep it until there is a connection."""
        connection, unsent = self._connection, self._unsent
        if connection is None or not unsent:
            return
        self._unsent = []
        self._unsent_bytes = 0
        connection.send(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def close(self) -> None:
        """Nobody wants the answer any more: the upstream sees its connection end, at once."""
        if self._over:
            return
        self._over = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        else:
            self._pool.forget(self)

    def hold_reading(self, *, paused: bool) -> None:
        """Stop (or go on) reading the answer."""
        self._paused = paused
        if self._connection is not None:
            self._connection.hold_reading(paused=paused)
        if not paused and self._decoder is not None:
            self._step()
            self.turn()

    # what the pool and the connection call

    def start(self, connection: ClientConnection) -> None:
        """A connection is there for what waits."""
        if self._over:
            connection.close()
            return
        self.take(connection)
        self.flush()
        if self._stalled:
            self.stall(stalled=False)

    def take(self, connection: ClientConnection) -> None:
        """A connection is there from the beginning; ``flush`` sends."""
        self._connection = connection
        connection.carry(self)
        if self._paused:
            connection.hold_reading(paused=True)

    def answered(self, head: ResponseHead) -> None:
        self._kept = None
        if b"content-encoding" in head.index:
            self._decode(head)
        self.sink.on_head(head)

    def body(self, data: bytes) -> None:
        if self._over:
            return
        if self._decoder is None:
            self.sink.on_body(data)
            return
        self._decoder.put(data)
        self._step()

    def finished(self) -> None:
        self._connection = None
        if self._over:
            return
        if self._decoder is not None and self._decoder.pending:
            self._ending = True
            return
        self._finish()

    def turn(self) -> None:
        self.sink.on_turn()

    def stall(self, *, stalled: bool) -> None:
        self._stalled = stalled
        if not self._over:
            self.sink.on_stall(stalled=stalled)

    def failed(self, kind: str, text: str, *, stale: bool = False, untaken: bool = False) -> None:
        """The connection is gone, or never came to be.

        ``stale``: it was a kept one and nothing came on it; ``untaken``: the upstream had ended it before the
        request was there.
        """
        self._connection = None
        if self._over:
            return
        if stale and self.sent and (self._idempotent or untaken) and self._kept is not None:
            self._unsent = list(self._kept)
            self._unsent_bytes = self._kept_bytes
            self._pool.start(self, fresh=True)
            return
        self._over = True
        self.sink.on_failed(Failure(kind, text))

    # helpers

    def _decode(self, head: ResponseHead) -> None:
        """Take the coding off, and off the head, if it is one that we know."""
        codings = [value for name, value in head.headers if name.lower() == b"content-encoding"]
        # Two lines name two codings, one inside the other: such a body passes as it came.
        if len(codings) == 1 and not self.is_head and (found := decoder(codings[0])) is not None:
            self._decoder = found
            head.headers = [
                line
                for line in head.headers
                if line[0].lower() not in (b"content-encoding", b"content-length")
            ]
            head.index = indexed(head.headers)

    def _put(self, data: bytes) -> None:
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self._kept is not None:
            self._kept.append(data)
            self._kept_bytes += len(data)
            if self._kept_bytes > REPLAY_BYTES:
                self._kept = None
        if self._connection is None and self._unsent_bytes > QUEUE_BYTES and not self._stalled:
            self.stall(stalled=True)

    def _step(self) -> None:
        """Decode until there is no more, or nobody takes it."""
        decoding = self._decoder
        if decoding is None or self._stepping:
            return
        self._stepping = True
        try:
            while decoding.pending and not self._paused and not self._over:
                self.sink.on_body(decoding.step())
                self.turn()
        except zlib.error as error:
            self._broken(f"its body is not in the coding it names ({error})")
        finally:
            self._stepping = False
        if self._ending and not decoding.pending and not self._over:
            self._finish()

    def _finish(self) -> None:
        if self._decoder is not None and not self._decoder.finished:
            self._broken("its compressed body ends too early")
            return
        self._over = True
        self.sink.on_end()

    def _broken(self, text: str) -> None:
        self._over = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self.sink.on_failed(Failure("protocol", text))
