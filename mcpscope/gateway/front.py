"""Where clients of a gateway come in: ``/mcp`` for all upstreams as one, ``/NAME/mcp`` for each alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcpscope.gateway.gateway import Gateway
from mcpscope.gateway.lane import Lane
from mcpscope.gateway.upstream import Parts, Upstream
from mcpscope.session.bridge_child import ChildSession
from mcpscope.session.bridge_proxy import BridgeProxy, BridgeSettings
from mcpscope.session.child import LineServer
from mcpscope.session.conversation import Helmed
from mcpscope.session.http_proxy import HttpProxy
from mcpscope.session.http_sessions import Session
from mcpscope.transports.listen.http_incoming import IGNORED, Incoming, Sink
from mcpscope.transports.listen.http_limits import Limits
from mcpscope.transports.listen.http_server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = b"/mcp"
MOST_SESSIONS = 4096
MOST_BODY_BYTES = 64 << 20
_TEXT = (b"Content-Type", b"text/plain; charset=utf-8")


class Entrance:
    """Takes each request of the listener to the endpoint it is for."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, gateway: Gateway, parts: Parts, numbers: Iterator[int]
    ) -> None:
        self._gateway = gateway
        self._guard = parts.guard
        # The rules are for what passes between us and the upstreams, under their own names.
        settings = BridgeSettings(
            command=[],
            env={},
            cwd=None,
            guard=parts.guard,
            mask=parts.mask,
            clock=time.time_ns,
            stderr=lambda data: None,
            path=PATH,
            start=self._start,
            short=Lane(parts.journal).takes,
            most=MOST_SESSIONS,
            numbers=numbers,
            helmed=Helmed(),
            opened=lambda session: self._opened(session, parts.opened),
            closed=parts.closed,
        )
        self.whole = BridgeProxy(loop, settings, parts.journal)

    def __repr__(self) -> str:
        return f"<Entrance {self._gateway!r}>"

    def on_request(self, incoming: Incoming) -> Sink:
        """``/mcp``, ``/NAME/…``, or where an upstream of HTTP+SSE has said that it is posted to."""
        head = incoming.head
        if head.target == PATH or head.path == PATH:
            return self.whole.on_request(incoming)
        refusal = self._guard.check(head)
        if refusal is not None:
            incoming.answer(refusal.status, [_TEXT, *refusal.headers], refusal.text, close=True)
            return IGNORED
        upstream = self._upstream(incoming)
        if upstream is None or not upstream.allows(self._guard.caller(head) or ""):
            incoming.answer(404, [_TEXT], b"mcpscope: nothing is served here\n", close=not incoming.complete)
            return IGNORED
        return upstream.mounted.on_request(incoming)

    async def close(self, reason: str) -> None:
        await self.whole.close(reason)

    def _upstream(self, incoming: Incoming) -> Upstream | None:
        head = incoming.head
        name = head.path.split(b"/", 2)[1] if head.path.count(b"/") > 1 else b""
        found = self._gateway.find(name.decode("latin-1"))
        if found is not None:
            return found
        for upstream in self._gateway.upstreams:
            if isinstance(upstream.mounted, HttpProxy) and upstream.mounted.is_endpoint(head):
                return upstream
        return None

    def _start(self, child: ChildSession) -> LineServer:
        return self._gateway.fan(child, child.record.identity, child.record.number)

    def _opened(self, session: Session, opened: Callable[[Session], None]) -> None:
        names = [one.name for one in self._gateway.upstreams if one.allows(session.identity[0])]
        session.facts.update({"server_transport": "gateway", "gateway": {"upstreams": names}})
        opened(session)


class Front:
    """What every face of a gateway tells of its upstreams, and does with them."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def restart(self, server: str) -> int:
        return self._gateway.restart(server)

    def about(self) -> dict[str, Any]:
        return {"upstreams": [upstream.about() for upstream in self._gateway.upstreams]}

    async def _close_all(self, reason: str) -> None:
        """End every upstream at once, each within its time."""
        await asyncio.gather(*(upstream.close(reason) for upstream in self._gateway.upstreams))


class HttpFront(Front):
    """A gateway on HTTP."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        gateway: Gateway,
        parts: Parts,
        numbers: Iterator[int],
        address: tuple[str, int],
        announce: Callable[[int], None],
    ) -> None:
        super().__init__(gateway)
        self._address = address
        self._announce = announce
        self._entrance = Entrance(loop, gateway, parts, numbers)
        self._server = HttpServer(loop, self._entrance, Limits(body_bytes=MOST_BODY_BYTES))

    def __repr__(self) -> str:
        return f"<HttpFront {self._server}>"

    async def start(self) -> int:
        await self._server.start(*self._address)
        self._announce(self._server.port)
        return self._server.port

    async def close(self, reason: str) -> None:
        self._server.close()
        await self._entrance.close(reason)
        await self._close_all(reason)
