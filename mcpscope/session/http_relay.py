"""The fast lane of one HTTP exchange, way up: chunks journalled, then forwarded, as they come, unparsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.message import Direction
from mcpscope.session import http_strict
from mcpscope.session.http_answering import Answering
from mcpscope.session.http_gated import FRAMED, KEPT_OF_OVERSIZED_BYTES, GatedUp
from mcpscope.session.http_gated_down import GatedDown
from mcpscope.session.http_local import as_json, local_failure
from mcpscope.session.http_log import NotRecorded, StreamLog
from mcpscope.session.http_sessions import PEEK_BYTES, Session
from mcpscope.transports.connect.http_outgoing import REPLAY_BYTES, Outgoing
from mcpscope.transports.http_head import RequestHead, ResponseHead, indexed
from mcpscope.transports.listen.http_incoming import Incoming

if TYPE_CHECKING:
    from mcpscope.session.http_proxy import HttpProxy


class Relay:
    """Serves one Incoming from one Outgoing. What one read brought leaves with one write.

    A request's head waits for the first bytes of its body where these tell which session it opens.
    """

    __slots__ = (
        "_answering",
        "_gated",
        "_head",
        "_kept",
        "_kept_bytes",
        "_outgoing",
        "_parts",
        "_proxy",
        "_up_ended",
        "incoming",
        "is_mcp",
        "log",
        "over",
        "session",
    )

    def __init__(self, proxy: HttpProxy, incoming: Incoming, *, is_mcp: bool) -> None:
        self._proxy = proxy
        self.incoming = incoming
        self.is_mcp = is_mcp
        self.session: Session | None = None
        self.log: StreamLog | None = None
        self.over = False
        self._answering = Answering(proxy, self)
        self._gated: GatedUp | None = None
        self._head = incoming.head
        self._outgoing: Outgoing | None = None
        self._parts: list[bytes] = []
        self._up_ended = False
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def __repr__(self) -> str:
        return f"<Relay {self.incoming} session={self.session and self.session.number} over={self.over}>"

    # what the connection of the client calls

    def on_body(self, data: bytes) -> None:
        self._parts.append(data)

    def on_end(self) -> None:
        self._up_ended = True

    def on_turn(self) -> None:
        if self.over:
            return
        try:
            if self._gated is not None:
                self._collect(self._gated)
            elif self.log is not None:
                self._send()
            elif self._proxy.strict and self._barred():
                return
            elif self._proxy.gated and self.is_mcp and self.incoming.head.method == b"POST":
                self._gated = GatedUp(self._proxy, self)
                self.incoming.send_continue()
                self._collect(self._gated)
            elif self._parts or self._up_ended or not self._awaits_body():
                self._begin()
        except NotRecorded as fault:
            self.unrecorded(fault)

    def on_gone(self) -> None:
        if not self.over:
            if self._outgoing is not None:
                self._outgoing.close()
            if self.session is not None and self.log is not None:
                self._proxy.conversation_of(self).left(Direction.TO_SERVER, self.log.stream)
            self.finish("client")

    def on_stall(self, *, stalled: bool) -> None:
        self._answering.hold(paused=stalled)

    # what the way down uses

    @property
    def kept(self) -> bytes:
        """The beginning of the request's body: all of it where it may be sent again."""
        return b"".join(self._kept)

    @property
    def may_repeat(self) -> bool:
        return self._up_ended and self._kept_bytes <= REPLAY_BYTES

    def hold_answer(self, *, paused: bool) -> None:
        if self._outgoing is not None:
            self._outgoing.hold_reading(paused=paused)

    def ask_again(self) -> None:
        """Drop the answer that begins to come; send the request again with what the proxy adds to it now."""
        if self._outgoing is not None:
            self._outgoing.close()
        outgoing = self._ask()
        outgoing.write(self.kept)
        outgoing.end()
        outgoing.flush()

    def finish(self, by: str, *, status: int = 0, error: str = "") -> None:
        """The exchange is over; the journal hears it first."""
        if self.over:
            return
        self.over = True
        try:
            if self.log is not None:
                self.log.closed(by, status=status, error=error)
        finally:
            self._proxy.forget(self)
            if self.session is not None:
                self.session.streams -= 1
                self._proxy.ended(self.session)

    def unrecorded(self, fault: NotRecorded) -> None:
        """Nothing may pass that is not in the journal, and it is not."""
        if self._outgoing is not None:
            self._outgoing.close()
        if self.incoming.answered:
            self.incoming.abort()
        else:
            self.incoming.answer(*local_failure("not recorded", str(fault), self.kept), close=True)
        if self.log is not None:
            self.log.abandon()
        self.finish("mcpscope")

    # what the gate asks for

    def into_the_gate(self) -> GatedDown | None:
        """The gate on the answer, where it is an event stream."""
        return self._answering.into_the_gate()

    @property
    def gated(self) -> GatedUp | None:
        """The gate this request passed, if it did."""
        return self._gated

    def go_up(self, head: RequestHead, body: bytes) -> None:
        """Send a whole request that was decided; its head may be another now."""
        length = (b"Content-Length", b"%d" % len(body))
        lines = [line for line in head.headers if line[0].lower() not in FRAMED]
        self._head = RequestHead(head.method, head.target, [*lines, length], head.index, head.http10)
        self._head.index = indexed(self._head.headers)
        self._kept = [body]
        self._kept_bytes = len(body)
        outgoing = self._ask()
        outgoing.write(body)
        outgoing.end()
        outgoing.flush()

    def deliver_whole(self, head: ResponseHead, body: bytes, *, replaced: bool) -> None:
        """Answer with a body that was decided. One that is ``replaced`` is plain JSON, whatever came."""
        if self._gated is not None and self._gated.streaming:
            self._gated.answer(body)
            return
        headers = [line for line in head.headers if line[0].lower() != b"content-length"]
        if replaced:
            headers = as_json(headers)
        headers.append((b"Content-Length", b"%d" % len(body)))
        self.finish("server")
        self.incoming.send_head(ResponseHead(head.status, head.reason, headers, indexed(headers)))
        self.incoming.send_body(body)
        self.incoming.end()

    def break_off(self) -> None:
        """End the exchange without an end of its answer."""
        if self._outgoing is not None:
            self._outgoing.close()
        self.finish("mcpscope")
        self.incoming.abort()

    # helpers

    def _barred(self) -> bool:
        """Under a policy: refused for what HTTP says about it, or its body is not whole yet."""
        head = self.incoming.head
        refusal = http_strict.of_head(head, is_mcp=self.is_mcp)
        if refusal is None and not self.is_mcp and http_strict.has_body(head):
            size = sum(map(len, self._parts))
            if not self._up_ended and size <= self._proxy.max_message:
                self.incoming.send_continue()
                return True
            refusal = http_strict.of_other_body(head, b"".join(self._parts))
            if size > self._proxy.max_message:
                refusal = 413, b"a policy is in force: the body is too large to be judged"
        if refusal is None:
            return False
        self._open(b"".join(self._parts)[:PEEK_BYTES])
        status, text = refusal
        self.finish("mcpscope", status=status, error=text.decode())
        plain = [(b"Content-Type", b"text/plain; charset=utf-8")]
        self.incoming.answer(status, plain, b"mcpscope: " + text + b"\n", close=not self._up_ended)
        return True

    def _collect(self, gated: GatedUp) -> None:
        """Wait for the whole body, then let the gate decide."""
        limit = self._proxy.max_message
        size = sum(map(len, self._parts))
        if self.log is not None or (not self._up_ended and size <= limit):
            return
        body = b"".join(self._parts)
        self._parts.clear()
        log, session, caller = self._open(body[:PEEK_BYTES])
        self._proxy.port(session).ups[log.stream] = gated
        conversation = self._proxy.conversation_of(self)
        if size > limit:
            kept = body[:KEPT_OF_OVERSIZED_BYTES]
            conversation.oversized(Direction.TO_SERVER, kept, size, log.stream)
            if not gated.sent:
                gated.too_large(limit)
            return
        gated.begin(body, conversation, log.stream, caller)

    def _open(self, first: bytes, *, more: bool = False) -> tuple[StreamLog, Session, str]:
        """Find the session and write the head down."""
        proxy, incoming = self._proxy, self.incoming
        session, era = proxy.place(incoming, first, is_mcp=self.is_mcp)
        self.session = session
        session.streams += 1
        log = self.log = proxy.log(session)
        caller = proxy.caller(incoming.head)
        head = incoming.head
        log.opened(head, era=era, peer=incoming.peer, caller=caller, kept=self.is_mcp, more=more)
        if self.is_mcp:
            proxy.port(session).relays[log.stream] = self
        return log, session, caller

    def _awaits_body(self) -> bool:
        head = self.incoming.head
        if not self.is_mcp or head.method != b"POST" or self.incoming.expects_continue:
            return False
        return b"mcp-session-id" not in head.index

    def _begin(self) -> None:
        parts = self._parts
        first = (parts[0] if len(parts) == 1 else b"".join(parts))[:PEEK_BYTES]
        self._open(first, more=bool(parts) or self._up_ended)
        self._ask()
        self._send()

    def _ask(self) -> Outgoing:
        method, head, key, chunked = self._proxy.request_head(self._head)
        self._outgoing = outgoing = self._proxy.pool.request(key, method, head, self._answering)
        if chunked:
            outgoing.body_is_chunked()
        return outgoing

    def _send(self) -> None:
        log, outgoing = self.log, self._outgoing
        if log is None or outgoing is None:
            return
        if self._parts or (self._up_ended and not outgoing.sent):
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            data = log.sent(data, last=self._up_ended)
            outgoing.write(data)
            self._keep(data)
            if self._up_ended:
                outgoing.end()
        outgoing.flush()

    def _keep(self, data: bytes) -> None:
        """For asking again after a 401, and for naming the request in a local error; bounded."""
        self._kept_bytes += len(data)
        if self._kept_bytes <= (REPLAY_BYTES if self._proxy.injected.refreshable else PEEK_BYTES):
            self._kept.append(data)
