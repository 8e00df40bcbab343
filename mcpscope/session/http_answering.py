"""The fast lane of one HTTP exchange, way down: the answer journalled and passed on as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.session.http_endpoint import EndpointWatch
from mcpscope.session.http_local import local_failure
from mcpscope.session.http_log import NotRecorded, StreamLog
from mcpscope.transports.connect.http_outgoing import Failure
from mcpscope.transports.http_head import ResponseHead

if TYPE_CHECKING:
    from mcpscope.session.http_proxy import HttpProxy
    from mcpscope.session.http_relay import Relay


class Answering:
    """Takes the answer for one Relay. A 401 waits while the proxy's own secrets are resolved again."""

    __slots__ = (
        "_again",
        "_ended",
        "_head",
        "_parts",
        "_paused",
        "_proxy",
        "_refreshing",
        "_relay",
        "_watch",
    )

    def __init__(self, proxy: HttpProxy, relay: Relay) -> None:
        self._proxy = proxy
        self._relay = relay
        self._head: ResponseHead | None = None
        self._parts: list[bytes] = []
        self._ended = False
        self._watch: EndpointWatch | None = None
        self._paused = False
        self._refreshing = False
        self._again = False

    def __repr__(self) -> str:
        return f"<Answering refreshing={self._refreshing} ended={self._ended}>"

    def hold(self, *, paused: bool) -> None:
        """The client does not keep up, or does again."""
        self._paused = paused
        self._relay.hold_answer(paused=paused or self._refreshing)

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
        text = f"{self._proxy.upstream_name}: {failure.text}"
        status, headers, body = local_failure(failure.kind, text, relay.kept)
        relay.finish("mcpscope", status=status, error=text)
        relay.incoming.answer(status, headers, body)

    def on_stall(self, *, stalled: bool) -> None:
        self._relay.incoming.hold_reading(paused=stalled)

    # helpers

    def _deliver(self) -> None:
        relay = self._relay
        log, incoming = relay.log, relay.incoming
        if relay.over or log is None:
            return
        head, ended = self._head, self._ended
        if head is not None:
            self._head = None
            self._begin(head, log)
        if self._parts or ended:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            data = log.received(data, last=ended)
            if self._watch is not None:
                data = self._watched(self._watch, data, last=ended)
            incoming.send_body(data)
        if ended:
            relay.finish("server")
            incoming.end()
        else:
            incoming.flush()

    def _begin(self, head: ResponseHead, log: StreamLog) -> None:
        relay, proxy = self._relay, self._proxy
        log.answered(head)
        if relay.session is not None and relay.is_mcp:
            proxy.learn(relay.session, relay.incoming.head, head)
        if relay.is_mcp and proxy.may_name_endpoint(relay.incoming.head, head):
            self._watch = EndpointWatch(proxy.url_of(relay.incoming.head))
        relay.incoming.send_head(proxy.response_head(relay.incoming.head, head))

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
