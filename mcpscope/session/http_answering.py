"""The fast lane of one HTTP exchange, way down: the answer journalled and passed on as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.session import http_oauth
from mcpscope.session.http_endpoint import EndpointWatch
from mcpscope.session.http_gated_down import GatedDown
from mcpscope.session.http_known import of_response
from mcpscope.session.http_local import local_failure
from mcpscope.session.http_log import NotRecorded, StreamLog
from mcpscope.transports.connect.http_outgoing import Failure
from mcpscope.transports.http_head import ResponseHead, indexed

if TYPE_CHECKING:
    from mcpscope.session.http_proxy import HttpProxy
    from mcpscope.session.http_relay import Relay


_EMPTY = frozenset({202, 204, 304})
ENDS = (b"\n\n", b"\r\r", b"\r\n\r\n")


def _boundary(before: bytes, data: bytes) -> int | None:
    """Where in ``data`` the first event ends that began in ``before``."""
    joined = before + data
    found = [
        at + len(end) for end in ENDS if (at := joined.find(end, max(0, len(before) - len(end) + 1))) >= 0
    ]
    return max(0, min(found) - len(before)) if found else None


def _unmeasured(head: ResponseHead) -> ResponseHead:
    """``head`` of a stream whose length is not known any more: its events may change, others join them."""
    if b"content-length" not in head.index:
        return head
    headers = [line for line in head.headers if line[0].lower() != b"content-length"]
    return ResponseHead(head.status, head.reason, headers, indexed(headers))


class Answering:
    """Takes the answer for one Relay. A 401 waits while the proxy's own secrets are resolved again."""

    __slots__ = (
        "_again",
        "_down",
        "_ended",
        "_head",
        "_parts",
        "_paused",
        "_proxy",
        "_refreshing",
        "_relay",
        "_tail",
        "_watch",
    )

    def __init__(self, proxy: HttpProxy, relay: Relay) -> None:
        self._proxy = proxy
        self._relay = relay
        self._head: ResponseHead | None = None
        self._parts: list[bytes] = []
        self._ended = False
        self._watch: EndpointWatch | None = None
        self._down: GatedDown | None = None
        self._tail: bytes | None = None
        self._paused = False
        self._refreshing = False
        self._again = False

    def __repr__(self) -> str:
        return f"<Answering refreshing={self._refreshing} ended={self._ended}>"

    def hold(self, *, paused: bool) -> None:
        """The client does not keep up, or does again."""
        self._paused = paused
        self._relay.hold_answer(paused=paused or self._refreshing)

    def into_the_gate(self) -> GatedDown | None:
        """The gate on this answer if it is an event stream, entered now if an event has just ended."""
        if self._down is None and self._tail is not None and self._tail.endswith(ENDS):
            self._tail = None
            self._down = self._gate()
            if self._down is not None:
                self._down.events()
        return self._down if self._down is not None and self._down.streams else None

    # what the connection to the upstream calls

    def on_continue(self) -> None:
        self._relay.incoming.send_continue()

    def on_head(self, head: ResponseHead) -> None:
        self._head = head
        if (
            head.status == 401
            and not self._again
            and self._proxy.injected.refreshable
            and self._relay.may_repeat
        ):
            self._again = self._refreshing = True
            self._relay.hold_answer(paused=True)
            self._proxy.spawn(self._refresh())

    def on_body(self, data: bytes) -> None:
        self._parts.append(data)

    def on_end(self) -> None:
        self._ended = True

    def on_turn(self) -> None:
        if not self._refreshing:
            try:
                self._deliver()
            except NotRecorded as fault:
                self._relay.unrecorded(fault)

    def on_failed(self, failure: Failure) -> None:
        relay = self._relay
        if relay.over:
            return
        if self._head is not None or self._parts:
            self.on_turn()
        if relay.incoming.answered:
            relay.finish("server", error=failure.text)
            relay.incoming.abort()
            return
        if failure.unreached:
            self._undone()
        text = f"{self._proxy.upstream_name}: {failure.text}"
        status, headers, body = local_failure(failure.kind, text, relay.kept)
        relay.finish("mcpscope", status=status, error=text)
        relay.incoming.answer(status, headers, body)

    def on_stall(self, *, stalled: bool) -> None:
        self._relay.incoming.hold_reading(paused=stalled)

    # helpers

    def _deliver(self) -> None:
        relay = self._relay
        log = relay.log
        if relay.over or log is None:
            return
        head = self._head
        if head is not None and self._proxy.is_metadata(relay.incoming.head, head):
            head = self._rewritten(head)
            if head is None:
                return
        shown = None
        if head is not None:
            self._head = None
            shown = self._begin(head, log)
        if self._down is not None:
            if shown is not None:
                relay.incoming.send_head(shown)
            self._through_the_gate(self._down)
        elif self._parts or self._ended:
            self._pass_on(log, shown)
        else:
            if shown is not None:
                relay.incoming.send_head(shown)
            relay.incoming.flush()

    def _pass_on(self, log: StreamLog, shown: ResponseHead | None) -> None:
        """What has come of the body, in the fast lane, behind the head if that is still to be sent."""
        relay, ended = self._relay, self._ended
        incoming = relay.incoming
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        rest = None
        if self._tail is not None and not ended:
            data, rest = self._to_the_gate(data)
        data = log.received(data, last=ended, more=ended)
        if self._watch is not None:
            data = self._watched(self._watch, data, last=ended)
        if ended:
            relay.finish("server")
        if shown is not None:
            incoming.send_head(shown)
        incoming.send_body(data)
        if rest is not None:
            self._parts = [rest] if rest else []
            self._deliver()
        elif ended:
            incoming.end()
        else:
            incoming.flush()

    def _rewritten(self, head: ResponseHead) -> ResponseHead | None:
        """The head of metadata that names the proxy, its body changed too; None while it is not whole."""
        if self._ended:
            head, body = self._proxy.metadata(self._relay.incoming.head, head, b"".join(self._parts))
            self._parts = [body]
            return head
        return None if sum(map(len, self._parts)) < http_oauth.MAX_BYTES else head

    def _begin(self, head: ResponseHead, log: StreamLog) -> ResponseHead | None:
        """Write the answer's head down; the head to send to the client, unless the gate or nobody does."""
        relay, proxy = self._relay, self._proxy
        gated = relay.is_mcp and proxy.gated
        if gated and head.status >= 400:
            self._undone()
        log.answered(head, more=not gated and bool(self._parts or self._ended))
        if relay.session is not None and relay.is_mcp:
            proxy.learn(relay.session, relay.incoming.head, head)
        if relay.is_mcp and proxy.may_name_endpoint(relay.incoming.head, head):
            self._watch = EndpointWatch(proxy.url_of(relay.incoming.head))
        shown = proxy.response_head(relay.incoming.head, head)
        media = of_response(head).media
        is_events = media == b"text/event-stream"
        if gated and relay.session is not None:
            if is_events or self._has_message(head, media):
                self._down = self._gate()
            if is_events and self._down is not None:
                self._down.events(self._endpoint)
                shown = _unmeasured(shown)
            elif self._down is not None:
                self._down.whole(shown)
                return None
        elif relay.is_mcp and is_events and b"content-length" not in head.index:
            self._tail = b"\n\n"
        return shown if relay.gated is None or not relay.gated.streaming else None

    def _undone(self) -> None:
        """The upstream has not done what it was asked."""
        if self._relay.session is not None and self._relay.log is not None:
            self._proxy.conversation_of(self._relay).undone(self._relay.log.stream)

    def _has_message(self, head: ResponseHead, media: bytes) -> bool:
        """Whether a body that is no event stream is to be judged: by its type, or whatever it says it is."""
        relay = self._relay
        if media == b"application/json" and head.status not in _EMPTY:
            return True
        guarded = self._proxy.conversation_of(relay).guarded
        return guarded and head.status not in (204, 304) and relay.incoming.head.method in (b"GET", b"POST")

    def _endpoint(self, raw: bytes) -> bytes:
        return raw if self._watch is None else self._watched(self._watch, raw, last=False)

    def _gate(self) -> GatedDown | None:
        relay = self._relay
        if relay.session is None or relay.log is None:
            return None
        conversation = self._proxy.conversation_of(relay)
        down = GatedDown(relay, conversation, relay.log.stream, limit=self._proxy.max_message)
        self._proxy.port(relay.session).downs[relay.log.stream] = down
        return down

    def _through_the_gate(self, down: GatedDown) -> None:
        parts, self._parts = self._parts, []
        if parts:
            down.feed(b"".join(parts))
        if self._ended and not down.over:
            down.end()
        self._relay.incoming.flush()

    def _to_the_gate(self, data: bytes) -> tuple[bytes, bytes | None]:
        """A stream of the fast lane, the gate now being in force: what still goes as it is, and the rest.

        The rest is None where the end of an event has not come yet, or no gate is in force.
        """
        before = self._tail or b""
        if not self._proxy.gated or self._watch is not None:
            self._tail = (before + data)[-4:]
            return data, None
        cut = 0 if before.endswith(ENDS) else _boundary(before, data)
        if cut is None:
            self._tail = (before + data)[-4:]
            return data, None
        self._tail = None
        self._down = self._gate()
        if self._down is not None:
            self._down.events()
        return data[:cut], data[cut:]

    def _watched(self, watch: EndpointWatch, data: bytes, *, last: bool) -> bytes:
        data = watch.feed(data, last=last)
        if watch.found and self._relay.session is not None:
            self._proxy.endpoint(self._relay.session, watch.found)
        if watch.done:
            self._watch = None
        return data

    async def _refresh(self) -> None:
        changed = await self._proxy.refresh()
        self._refreshing = False
        if self._relay.over:
            return
        if changed:
            self._head = None
            self._parts.clear()
            self._ended = False
            self._relay.ask_again()
            return
        self._relay.hold_answer(paused=self._paused)
        self.on_turn()
