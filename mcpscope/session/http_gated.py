"""The gate on the way up of a relayed HTTP exchange, and where its decisions are carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.headers import follow, mismatches
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import declared
from mcpscope.protocol.sse import write_event
from mcpscope.session import http_strict
from mcpscope.session.http_local import header_mismatch, local_failure
from mcpscope.transports.http_head import BadHeader, Headers, RequestHead, indexed, response

if TYPE_CHECKING:
    from mcpscope.session.conversation import Conversation
    from mcpscope.session.http_gated_down import GatedDown
    from mcpscope.session.http_proxy import HttpProxy
    from mcpscope.session.http_relay import Relay

KEPT_OF_OVERSIZED_BYTES = 64 * 1024
_JSON: Headers = [(b"Content-Type", b"application/json")]
FRAMED = frozenset({b"content-length", b"transfer-encoding", b"expect"})


class RelayPort:
    """Carries out the decisions about the messages of one session's exchanges, found by stream."""

    def __init__(self, proxy: HttpProxy) -> None:
        self._proxy = proxy
        self.ups: dict[int, GatedUp] = {}
        self.downs: dict[int, GatedDown] = {}
        self.relays: dict[int, Relay] = {}

    def __repr__(self) -> str:
        return f"<RelayPort up={len(self.ups)} down={len(self.downs)}>"

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        if direction is Direction.TO_CLIENT:
            if (down := self.downs.get(stream)) is not None:
                down.decided(of, message, changed=changed)
        elif (up := self.ups.get(stream)) is not None and not up.sent:
            up.forward(message, changed=changed)
        else:
            self._proxy.post_own(self, message)

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        if direction is Direction.TO_SERVER:
            self._proxy.post_own(self, parse(data))
            if answers and (down := self.downs.get(stream)) is not None:
                down.dropped(answers)
        elif (up := self.ups.get(stream)) is not None and not up.sent:
            if answers:
                up.answer(data)
            else:
                up.say(data)
        elif (down := self.downs.get(stream) or self._standing(stream)) is not None:
            down.say(data)
        else:
            return False
        return True

    def _standing(self, stream: int) -> GatedDown | None:
        """The event stream that is open under this number, else the one that a client's GET holds open."""
        relay = self.relays.get(stream)
        found = [relay] if relay is not None else list(self.relays.values())
        for one in found:
            if relay is not None or one.incoming.head.method == b"GET":
                down = one.into_the_gate()
                if down is not None:
                    return down
        return None

    def swallowed(self, direction: Direction, stream: int, of: int) -> None:
        if direction is Direction.TO_CLIENT:
            if (down := self.downs.get(stream)) is not None:
                down.dropped(of)
        elif (up := self.ups.get(stream)) is not None and not up.sent:
            up.swallowed()

    def close_channel(self, direction: Direction, stream: int) -> None:
        found = self.ups.get(stream) or self.downs.get(stream)
        if found is not None:
            found.relay.break_off()


class GatedUp:
    """One POST held back until its message is decided. ``sent``: it went up, or was answered here."""

    def __init__(self, proxy: HttpProxy, relay: Relay) -> None:
        self._proxy = proxy
        self.relay = relay
        self.sent = False
        self._message: Message | None = None
        self._streaming = False

    def __repr__(self) -> str:
        return f"<GatedUp {self.relay} sent={self.sent}>"

    def begin(self, body: bytes, conversation: Conversation, stream: int, caller: str) -> None:
        """The request is whole and its stream open: refuse what HTTP itself must, then ask the gate."""
        head = self.relay.incoming.head
        media = head.index.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media != b"application/json":
            self._refuse(415, b"the content type must be application/json")
            return
        message = self._message = parse(body)
        if declared(message.meta) and message.kind is Kind.REQUEST:
            said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
            tool = str(message.params.get("name"))
            found = mismatches(said, message, conversation.schema_seen(tool))
            if found:
                self._local(400, header_mismatch(message, found))
                return
        if self._proxy.strict:
            told = list(
                http_strict.disagreeing(head, message, conversation.schema(str(message.params.get("name"))))
            )
            if told:
                self._refuse(400, f"header fields and body disagree: {'; '.join(told)}".encode())
                return
        conversation.received(Direction.TO_SERVER, message, stream, caller)

    def forward(self, message: Message, *, changed: bool) -> None:
        """Decided: it goes up, with the header fields that belong to what it says now."""
        self.sent = True
        head = self.relay.incoming.head
        if changed and self._message is not None:
            head = self._edited(head, self._message, message)
        try:
            self.relay.go_up(head, message.raw)
        except BadHeader as error:
            self.sent = False
            status, _, data = local_failure("malformed", str(error), message.raw)
            self._local(status, data)

    def answer(self, data: bytes) -> None:
        """Answered in the upstream's place."""
        if self._streaming:
            self.sent = True
            self.relay.incoming.send_body(write_event(data))
            self.relay.finish("mcpscope", status=200)
            self.relay.incoming.end()
            return
        self._local(200, data)

    def say(self, data: bytes) -> None:
        """A message of ours before the answer, where the client takes events."""
        incoming = self.relay.incoming
        if b"text/event-stream" not in incoming.head.index.get(b"accept", b""):
            return
        if not self._streaming:
            self._streaming = True
            incoming.send_head(response(200, [(b"Content-Type", b"text/event-stream")]))
        incoming.send_body(write_event(data))
        incoming.flush()

    @property
    def asked(self) -> Message | None:
        """What the POST says, once it is whole."""
        return self._message

    @property
    def streaming(self) -> bool:
        """An event stream of ours has begun: the upstream's answer goes on in it."""
        return self._streaming

    def swallowed(self) -> None:
        """It goes no further. A request that nobody answered (a fault) waits in silence."""
        self.sent = True
        if self._message is not None and self._message.kind is Kind.REQUEST:
            return
        self.relay.finish("mcpscope", status=202)
        self.relay.incoming.answer(202, [], b"")

    def too_large(self, limit: int) -> None:
        """Nothing was said in its place."""
        self._refuse(413, b"the request body is larger than %d bytes" % limit)

    def _local(self, status: int, data: bytes) -> None:
        self.sent = True
        self.relay.finish("mcpscope", status=status)
        self.relay.incoming.answer(status, _JSON, data)

    def _refuse(self, status: int, text: bytes) -> None:
        self.sent = True
        self.relay.finish("mcpscope", status=status)
        self.relay.incoming.answer(
            status, [(b"Content-Type", b"text/plain; charset=utf-8")], b"mcpscope: " + text
        )

    def _edited(self, head: RequestHead, old: Message, new: Message) -> RequestHead:
        conversation = self._proxy.conversation_of(self.relay)
        lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
        if declared(old.meta) or declared(new.meta):
            lines = follow(lines, old, new, conversation.schema(str(new.params.get("name"))))
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
        return RequestHead(head.method, head.target, headers, indexed(headers), head.http10)
