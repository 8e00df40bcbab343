"""One HTTP request as its server sees it: what arrived, who serves it, and the means to answer it."""

from __future__ import annotations

from typing import Protocol

from mcpscope.transports.http_head import (
    Headers,
    RequestHead,
    ResponseHead,
    encode_response,
    encoded,
    known_response,
)

_BODILESS = frozenset({204, 304})


class Sink(Protocol):
    """Who serves one request; every callback returns at once. After ``on_gone`` nothing more is called."""

    def on_body(self, data: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_turn(self) -> None:
        """All that this read brought has been told: the moment to write."""

    def on_gone(self) -> None:
        """The client left, or broke the protocol, before the answer was complete."""

    def on_stall(self, *, stalled: bool) -> None:
        """The client does not keep up (or does again): stop (or go on) sending."""


class Wire(Protocol):
    """What a request needs of its connection."""

    peer: str

    def write(self, data: bytes) -> None: ...
    def flush(self) -> None: ...
    def finished(self, incoming: Incoming) -> None: ...
    def abort(self) -> None: ...
    def hold_reading(self, *, paused: bool) -> None: ...


class Incoming:
    """One request; answer it with ``send_head``, ``send_body`` …, ``end``, or with ``answer``.

    ``complete`` tells that its body has arrived whole, ``answered`` that a head was sent, ``ended`` that
    nothing more may be sent. ``sink`` is who serves it.
    """

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_wire",
        "answered",
        "closing",
        "complete",
        "ended",
        "expects_continue",
        "head",
        "sink",
    )

    def __init__(self, wire: Wire, head: RequestHead, *, closing: bool) -> None:
        self._wire = wire
        self.head = head
        self.sink: Sink = IGNORED
        self.complete = False
        self.answered = False
        self.ended = False
        self.closing = closing
        self.expects_continue = head.index.get(b"expect", b"").lower() == b"100-continue"
        self._chunked = False
        self._bodiless = False

    def __repr__(self) -> str:
        return f"<Incoming {self.head.method!r} {self.head.target!r} ended={self.ended}>"

    @property
    def peer(self) -> str:
        return self._wire.peer

    def send_continue(self) -> None:
        """Tell a client that waits with its body to go on."""
        if self.expects_continue and not self.answered:
            self.expects_continue = False
            self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._wire.flush()

    def send_head(self, head: ResponseHead) -> None:
        """Begin the answer. ``head`` holds end-to-end fields only; the framing is decided here: its
        Content-Length if it has one, else chunks, or the end of the connection for HTTP/1.0.

        Raises BadHeader, and sends nothing, where a value would end its line.
        """
        self._bodiless = head.status in _BODILESS or self.head.method == b"HEAD"
        framed = self._bodiless or b"content-length" in head.index
        if framed and self.complete and not self.closing and not self.head.http10:
            self._wire.write(encoded(head))
            self.answered = True
            return
        headers = list(head.headers)
        if not framed:
            if self.head.http10:
                self.closing = True
            else:
                self._chunked = True
                headers.append((b"Transfer-Encoding", b"chunked"))
        if not self.complete:
            self.closing = True  # what is left of the request would be taken for the next one
        if self.closing:
            headers.append((b"Connection", b"close"))
        elif self.head.http10:
            headers.append((b"Connection", b"keep-alive"))
        self._wire.write(encode_response(head.status, head.reason, headers))
        self.answered = True

    def send_body(self, data: bytes) -> None:
        if not data or self._bodiless or self.ended:
            return
        self._wire.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """The answer is complete."""
        if self.ended:
            return
        self.ended = True
        if self._chunked:
            self._wire.write(b"0\r\n\r\n")
        self._wire.finished(self)
        self.sink = IGNORED  # nobody is told any more, and neither waits for the collector

    def abort(self) -> None:
        """Break off: the client sees its connection end in mid-answer."""
        if not self.ended:
            self.ended = True
            self._wire.abort()

    def answer(self, status: int, headers: Headers, body: bytes, *, close: bool = False) -> None:
        """One whole answer of our own."""
        self.closing = self.closing or close
        self.send_head(known_response(status, (*headers, (b"Content-Length", b"%d" % len(body)))))
        self.send_body(body)
        self.end()

    def answer_whole(self, head: ResponseHead, body: bytes) -> None:
        """The same for a ``head`` that comes again and again, and says no length."""
        plain = self.complete and not self.closing and not self.head.http10 and self.head.method == b"POST"
        if not plain or head.status in _BODILESS:
            self.answer(head.status, head.headers, body)
            return
        self._wire.write(b"%bContent-Length: %d\r\n\r\n%b" % (encoded(head)[:-2], len(body), body))
        self.answered = True
        self.end()

    def flush(self) -> None:
        """Hand what was written to the socket now."""
        self._wire.flush()

    def hold_reading(self, *, paused: bool) -> None:
        """Stop (or go on) taking this request's body."""
        self._wire.hold_reading(paused=paused)


class Ignored:
    """The sink of a request whose rest nobody wants: it was refused."""

    def on_body(self, data: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_turn(self) -> None: ...
    def on_gone(self) -> None: ...
    def on_stall(self, *, stalled: bool) -> None: ...


IGNORED = Ignored()
