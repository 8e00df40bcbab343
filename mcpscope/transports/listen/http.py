"""The server's end of one HTTP/1.1 connection: requests in, in order, and their answers out.

Callback style on an asyncio protocol, parsed by httptools. One request is served at a time: what a client
pipelines waits, bounded, until the answer before it is complete. Nothing here knows MCP.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

import httptools

from mcpscope.transports.http_head import Headers, RequestHead, encode_response, response
from mcpscope.transports.known_heads import KnownHeads
from mcpscope.transports.listen.http_incoming import Incoming, Sink
from mcpscope.transports.listen.http_limits import Limits, problem, too_large_body, too_large_head

_FAR = float("inf")
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
LINGER_SECONDS = 2.0


class Handler(Protocol):
    """Who takes requests; refusing one means to answer it and to return IGNORED."""

    def on_request(self, incoming: Incoming) -> Sink: ...


class Listener(Protocol):
    """What a connection needs of its listener."""

    limits: Limits
    handler: Handler
    known: KnownHeads[RequestHead]

    def now(self) -> float: ...
    def opened(self, connection: ServerConnection) -> bool:
        """False where there are too many already."""

    def closed(self, connection: ServerConnection) -> None: ...


class ServerConnection(asyncio.Protocol):
    """One accepted connection. At ``deadline`` the listener calls ``expired``; ``_why``: what it awaits."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._known = listener.known
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._out: list[bytes] = []
        self._current: Incoming | None = None
        self._parsing: Incoming | None = None
        self._waiting: deque[tuple[Incoming, list[bytes]]] = deque()
        self._waiting_bytes = 0
        self._url: list[bytes] = []
        self._headers: Headers = []
        self._index: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._body_bytes = 0
        self._read_bytes = 0
        self._in_head = False
        self._dead = False
        self._held = False
        self._stalled = False
        self._why = "head"
        self.peer = ""
        self.deadline = _FAR

    def __repr__(self) -> str:
        return (
            f"<ServerConnection {self.peer} {self._why} current={self._current} waiting={len(self._waiting)}>"
        )

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream server makes stream transports
        name = transport.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "local"
        self._wait_for("head", self._limits.head_seconds)
        if not self._listener.opened(self):
            self._refuse((503, b"too many connections\n"))

    def data_received(self, data: bytes) -> None:
        if self._dead:
            return
        fresh = self._current is None and self._parsing is None and not self._in_head and not self._waiting
        if fresh and (found := self._known.find(data)) is not None:
            self._whole(*found)
        else:
            self._parse(data, fresh=fresh)
        current = self._current
        if current is not None and not current.ended:
            current.sink.on_turn()
        self.flush()
        if self._waiting:
            self._regulate()

    def eof_received(self) -> bool:
        return False  # a client that ends its side has left: close, and tell the upstream at once

    def connection_lost(self, exc: Exception | None) -> None:
        self._dead = True
        self._listener.closed(self)
        self._drop()

    def pause_writing(self) -> None:
        self._stalled = True
        self._wait_for("stalled", self._limits.stalled_seconds)
        if self._current is not None:
            self._current.sink.on_stall(stalled=True)

    def resume_writing(self) -> None:
        self._stalled = False
        self._rest()
        if self._current is not None:
            self._current.sink.on_stall(stalled=False)

    # what Incoming and the listener call

    def write(self, data: bytes) -> None:
        self._out.append(data)

    def flush(self) -> None:
        """One write for all that this turn produced."""
        out = self._out
        if out and self._transport is not None:
            self._out = []
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def abort(self) -> None:
        """Close without waiting for what is still unsent."""
        self.flush()
        self._dead = True
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Send what is written, then close.

        A client that is still sending is read past for a moment: closing on unread bytes resets the
        connection, and the reset may overtake the answer.
        """
        self.flush()
        self._dead = True
        if self._transport is None:
            return
        if self._parsing is None and not self._in_head:
            self._transport.close()
            return
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._why, self.deadline = "linger", self._listener.now() + LINGER_SECONDS

    def hold_reading(self, *, paused: bool) -> None:
        self._held = paused
        if self._current is not None and not self._current.complete:
            self._body_clock()
        self._regulate()

    def finished(self, incoming: Incoming) -> None:
        """``incoming`` has its answer: close, or serve the next."""
        self.flush()
        if incoming is not self._current:
            return
        self._current = None
        if incoming.closing or not incoming.complete:
            self.close()
            return
        self._held = False
        self._rest()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)

    def expired(self) -> None:
        """The deadline passed: say so where the client can still hear it, and close."""
        if self._why in ("head", "body") and not self._dead:
            self._refuse((408, b"the request was too slow\n"))
        elif self._why in ("stalled", "linger"):
            self.abort()
        else:
            self.close()

    # what the parser calls

    def on_message_begin(self) -> None:
        self._in_head = True
        self._url.clear()
        self._headers = []
        self._index = {}
        self._head_bytes = 0
        if self._current is None:
            self._wait_for("head", self._limits.head_seconds)

    def on_url(self, url: bytes) -> None:
        self._url.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: read past, never taken for a header
        value = value.strip(b" \t")
        self._headers.append((name, value))
        self._index.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._dead:
            return
        version = self._parser.get_http_version()
        url = self._url[0] if len(self._url) == 1 else b"".join(self._url)
        head = RequestHead(self._parser.get_method(), url, self._headers, self._index, version == "1.0")
        refused = problem(head, version, self._limits)
        small = self._read_bytes <= self._limits.head_bytes
        if refused is None and not small and _size(head.headers) > self._limits.head_bytes:
            refused = too_large_head(self._limits)
        if refused is not None:
            self._refuse(refused)
            return
        incoming = Incoming(self, head, closing=not self._parser.should_keep_alive())
        self._parsing = incoming
        self._body_bytes = 0
        if self._current is not None or self._waiting:
            self._waiting.append((incoming, []))
        else:
            self._begin(incoming)

    def on_body(self, data: bytes) -> None:
        incoming = self._parsing
        if incoming is None or self._dead:
            return
        self._body_bytes += len(data)
        limit = self._limits.body_bytes
        if limit is not None and self._body_bytes > limit:
            self._refuse(too_large_body(limit))
        elif incoming is not self._current:
            self._waiting[-1][1].append(data)
            self._waiting_bytes += len(data)
        else:
            self._body_clock()
            if not incoming.ended:
                incoming.sink.on_body(data)

    def on_message_complete(self) -> None:
        incoming, self._parsing = self._parsing, None
        if incoming is None or self._dead:
            return
        incoming.complete = True
        if incoming is self._current:
            self._rest()
            if not incoming.ended:
                incoming.sink.on_end()

    # helpers

    def _whole(self, head: RequestHead, body: bytes) -> None:
        """A whole request came that differs from one before in its body only."""
        incoming = self._current = Incoming(self, head, closing=False)
        incoming.complete = True
        self._body_bytes = len(body)
        incoming.sink = self._listener.handler.on_request(incoming)
        if incoming.ended:
            return
        self._rest()
        if body:
            incoming.sink.on_body(body)
        incoming.sink.on_end()

    def _parse(self, data: bytes, *, fresh: bool) -> None:
        # What this read and those before it brought of a head: no less than the head's own size.
        self._read_bytes = len(data) if fresh else self._read_bytes + len(data)
        if self._in_head:
            self._head_bytes += len(data)
        self._feed(data)
        if self._in_head and self._head_bytes > self._limits.head_bytes:
            self._refuse(too_large_head(self._limits))
        current = self._current
        if not fresh or current is None or not current.complete or current.closing or self._waiting:
            return
        index = current.head.index
        if b"content-length" in index and not current.head.http10 and not _SPECIAL & index.keys():
            self._known.learn(data, current.head, self._body_bytes)

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # An offer to switch protocols is not taken up: this request and the rest are served as HTTP/1.1.
            rest = data[upgrade.args[0] :]
            self._parser = httptools.HttpRequestParser(self)
            if rest and not self._dead:
                self._feed(rest)
        except httptools.HttpParserInvalidMethodError:
            self._refuse((501, b"no such method\n"))
        except httptools.HttpParserError as error:
            self._refuse((400, b"not a valid HTTP/1.1 request: %b\n" % str(error).encode("ascii", "replace")))

    def _begin(self, incoming: Incoming) -> None:
        self._current = incoming
        if not incoming.complete:
            self._body_clock()
        incoming.sink = self._listener.handler.on_request(incoming)

    def _next(self) -> None:
        """Serve the first of those that waited behind an answer."""
        if self._dead or self._current is not None or not self._waiting:
            return
        incoming, parts = self._waiting.popleft()
        self._waiting_bytes -= sum(map(len, parts))
        self._begin(incoming)
        for part in parts:
            if not incoming.ended:
                incoming.sink.on_body(part)
        if incoming.complete and not incoming.ended:
            self._rest()
            incoming.sink.on_end()
        if not incoming.ended:
            incoming.sink.on_turn()
        self.flush()
        self._regulate()

    def _regulate(self) -> None:
        """Read on unless the one served asks not to, or too much waits behind it."""
        if self._transport is None or self._dead:
            return
        limits = self._limits
        crowded = (
            self._waiting_bytes > limits.pipelined_bytes or len(self._waiting) > limits.pipelined_requests
        )
        if self._held or crowded:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _drop(self) -> None:
        current, self._current = self._current, None
        self._waiting.clear()
        if current is not None and not current.ended:
            current.ended = True
            current.sink.on_gone()

    def _refuse(self, problem: tuple[int, bytes]) -> None:
        """Answer by status and text, and close; a request being served loses its connection."""
        if self._dead:
            return
        status, text = problem
        answering = self._current is not None and self._current.answered
        self._drop()
        if not answering:
            headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Connection", b"close")]
            headers.append((b"Content-Length", b"%d" % len(text)))
            self.write(encode_response(status, response(status, []).reason, headers) + text)
        self.close()

    def _body_clock(self) -> None:
        """A body must go on arriving, unless it is we who do not take it."""
        if self._held:
            self._why, self.deadline = "held", _FAR
        else:
            self._wait_for("body", self._limits.body_seconds)

    def _wait_for(self, why: str, seconds: float) -> None:
        self._why = why
        self.deadline = self._listener.now() + seconds

    def _rest(self) -> None:
        """No request is being read: idle between two, or waiting for an answer as long as it takes."""
        if self._stalled:
            return
        if self._current is not None:
            self._why, self.deadline = "answer", _FAR
        elif self._in_head:
            self._wait_for("head", self._limits.head_seconds)
        else:
            self._wait_for("idle", self._limits.idle_seconds)


def _size(headers: Headers) -> int:
    return sum(len(name) + len(value) for name, value in headers)
