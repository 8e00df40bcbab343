"""One HTTP/1.1 connection to an upstream: the request it carries now, and the answer's bytes as they come."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import termios
from typing import TYPE_CHECKING, Protocol

import httptools

from mcpscope.transports.http_head import Headers, ResponseHead
from mcpscope.transports.known_heads import KnownHeads

if TYPE_CHECKING:
    from mcpscope.transports.connect.http_outgoing import Outgoing

_SPECIAL = frozenset({b"transfer-encoding", b"content-encoding", b"upgrade"})
_BODILESS = frozenset({204, 304})
HEAD_BYTES = 64 * 1024


class Home(Protocol):
    """Where a connection goes when it has nothing to do."""

    known: KnownHeads[ResponseHead]

    def now(self) -> float: ...
    def idle(self, connection: ClientConnection) -> None: ...
    def gone(self, connection: ClientConnection) -> None: ...


class ClientConnection(asyncio.Protocol):
    """Carries one Outgoing at a time. ``used`` counts requests, ``since`` is when it became idle."""

    def __init__(self, home: Home, key: bytes) -> None:
        self._home = home
        self.key = key
        self.used = 0
        self.since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._outgoing: Outgoing | None = None
        self._reason = b""
        self._headers: Headers = []
        self._index: dict[bytes, bytes] = {}
        self._in_head = False
        self._interim = False
        self._until_end = False
        self._answered = False
        self._heard = False
        self._untaken = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._head: ResponseHead | None = None
        self._broken = ""
        self._paused = False

    def __repr__(self) -> str:
        return f"<ClientConnection used={self.used} carrying={self._outgoing}>"

    @property
    def usable(self) -> bool:
        """Open and idle, as far as the loop has been told."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and self._outgoing is None

    def quiet(self) -> bool:
        """Nothing waits on the socket: no end of file that the loop has yet to tell."""
        raw = None if self._transport is None else self._transport.get_extra_info("socket")
        if raw is None:
            return False
        try:
            with socket.socket(fileno=os.dup(raw.fileno())) as peeked:
                peeked.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def keep_alive(self) -> None:
        """Let the system notice an upstream that vanished without a word."""
        raw = None if self._transport is None else self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def carry(self, outgoing: Outgoing) -> None:
        """Take a request; its bytes come through ``send``."""
        self._outgoing = outgoing
        self.used += 1
        self._answered = self._heard = self._until_end = self._untaken = False
        self._head = None

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def hold_reading(self, *, paused: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if paused == self._paused:
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """Drop the connection and whatever it carries, without a word to the request."""
        self._outgoing = None
        if self._transport is not None:
            self._transport.abort()

    def request_sent(self) -> None:
        """The request is whole on the wire; an answer that was complete before frees the connection now."""
        if self._answered:
            self._release()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream connection has a stream transport

    def data_received(self, data: bytes) -> None:
        outgoing = self._outgoing
        if outgoing is None:
            self.close()  # bytes that nobody asked for: the next answer could not be told from them
            return
        fresh = not self._heard and outgoing.sent and not outgoing.is_head
        self._heard = True
        if fresh and (found := self._home.known.find(data)) is not None:
            outgoing.answered(found[0])
            if found[1]:
                outgoing.body(found[1])
            self._ended(reusable=True)
        else:
            self._parse(data, outgoing, fresh=fresh)
        outgoing.turn()
        if self._broken:
            self._fail("protocol", self._broken)

    def _parse(self, data: bytes, outgoing: Outgoing, *, fresh: bool) -> None:
        self._body_bytes = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # status 101, refused as such
        except httptools.HttpParserError as error:
            self._broken = f"its answer is not valid HTTP/1.1 ({error})"
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._broken = f"the head of its answer is larger than {HEAD_BYTES} bytes"
        head = self._head
        # Released and not broken: the answer was whole, its end was where its length said.
        if head is None or not fresh or self._broken or not self.usable:
            return
        if b"content-length" in head.index and not _SPECIAL & head.index.keys():
            self._home.known.learn(data, head, self._body_bytes)

    def eof_received(self) -> bool:
        self._untaken = self._unacknowledged()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._home.gone(self)
        outgoing = self._outgoing
        if outgoing is None:
            return
        if self._until_end and exc is None:
            self._outgoing = None
            outgoing.finished()
            outgoing.turn()
            return
        self._fail("reset", "it closed the connection" if exc is None else f"connection lost: {exc}")

    def pause_writing(self) -> None:
        if self._outgoing is not None:
            self._outgoing.stall(stalled=True)

    def resume_writing(self) -> None:
        if self._outgoing is not None:
            self._outgoing.stall(stalled=False)

    # what the parser calls

    def on_message_begin(self) -> None:
        if self._answered:
            self._broken = "it sent more than one answer"
        self._in_head = True
        self._reason = b""
        self._headers = []
        self._index = {}
        self._head_bytes = 0

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        value = value.strip(b" \t")
        self._headers.append((name, value))
        self._index.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        outgoing = self._outgoing
        if outgoing is None or self._broken:
            return
        status = self._parser.get_status_code()
        self._interim = 100 <= status < 200 and status != 101
        if self._interim:
            if status == 100:
                outgoing.sink.on_continue()
            return
        if status == 101:
            self._broken = "it switched protocols"
            return
        coding = self._index.get(b"transfer-encoding")
        if coding is not None and coding.lower() != b"chunked":
            self._broken = "its answer has an unknown transfer coding"
            return
        framed = coding is not None or b"content-length" in self._index
        self._until_end = not framed and status not in _BODILESS and not outgoing.is_head
        self._head = ResponseHead(status, self._reason, self._headers, self._index)
        outgoing.answered(self._head)
        if outgoing.is_head:
            self._ended(reusable=False)  # the parser would wait for a body that HEAD never has

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._outgoing is not None and not self._broken:
            self._outgoing.body(data)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        if not self._broken:
            self._ended(reusable=self._parser.should_keep_alive() and not self._until_end)

    # helpers

    def _unacknowledged(self) -> bool:
        """Whether bytes of the request are out that the upstream's system has not taken.

        At the end of file that is certain: what it had taken, its last packet acknowledged. False where the
        system does not tell.
        """
        transport = self._transport
        raw = None if transport is None else transport.get_extra_info("socket")
        if transport is None or raw is None:
            return False
        try:
            out: bytes = fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return False
        return transport.get_write_buffer_size() > 0 or any(out)

    def _ended(self, *, reusable: bool) -> None:
        outgoing = self._outgoing
        if outgoing is None:
            return
        self._answered = True
        sent = outgoing.sent
        outgoing.finished()
        if not reusable or not sent:
            self._outgoing = None
            if self._transport is not None:
                self._transport.close()
        else:
            self._release()

    def _release(self) -> None:
        self._outgoing = None
        self.hold_reading(paused=False)
        self.since = self._home.now()
        self._home.idle(self)

    def _fail(self, kind: str, text: str) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if self._transport is not None:
            self._transport.abort()
        if outgoing is not None:
            stale = self.used > 1 and not self._heard
            outgoing.failed(kind, text, stale=stale, untaken=self._untaken)
