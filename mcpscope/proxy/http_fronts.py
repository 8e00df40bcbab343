"""The three shapes of a proxy with HTTP: before a remote server, before a process, behind stdio."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult

from mcpscope.errors import Exit, ScopeError
from mcpscope.proxy.http_options import SSE, HttpOptions
from mcpscope.session.bridge_proxy import BridgeProxy, BridgeSettings
from mcpscope.session.conversation import Helmed
from mcpscope.session.http_inject import Injected
from mcpscope.session.http_log import Journal
from mcpscope.session.http_proxy import HttpProxy, HttpSettings
from mcpscope.session.http_sessions import LEGACY, Session
from mcpscope.session.line_client import LineClient
from mcpscope.session.remote import RemoteSession, RemoteSettings
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.ends import open_drain, open_source
from mcpscope.transports.listen.http_guard import Guard, is_loopback
from mcpscope.transports.listen.http_limits import Limits
from mcpscope.transports.listen.http_server import HttpServer
from mcpscope.transports.secret_mask import Mask

if TYPE_CHECKING:
    from ssl import SSLContext

BRIDGE_PATH = "/mcp"


@dataclass(slots=True)
class Parts:
    """What the runner has made and checked, for whichever front the options ask for."""

    options: HttpOptions
    url: SplitResult | None
    transport: str
    guard: Guard
    injected: Injected
    mask: Mask
    env: dict[str, str]
    tls: SSLContext | None
    journal: Journal
    say: Callable[[str], None]
    opened: Callable[[Session], None]
    closed: Callable[[Session, str], None]
    helmed: Helmed = field(default_factory=Helmed)
    ended: Callable[[int], None] = field(default=lambda code: None)
    """The client on our standard streams has gone: the proxy ends with this code."""
    gateway: Any = None
    """What stands for several servers, where one does."""
    address: str = ""
    """Where clients find the proxy, as soon as it listens; "" on stdio."""

    @property
    def shown_url(self) -> str:
        """The upstream URL as it may be written down: no user, no query."""
        return "" if self.url is None else self.mask.text(self.url._replace(query="").geturl())


class Front(Protocol):
    """``start`` gives the port bound (0: none); ``close`` ends every session for ``reason``."""

    async def start(self) -> int: ...
    async def close(self, reason: str) -> None: ...
    def restart(self, server: str) -> int:
        """Let another server take the place of the one called so ("" for all); how many sessions it served.

        Raises ScopeError where that cannot be.
        """

    def about(self) -> dict[str, Any]:
        """Facts for those who ask for the proxy's state, beside those that every proxy has."""


class ReverseFront:
    """HTTP before a remote server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, parts: Parts) -> None:
        url = parts.url
        assert url is not None  # that is what makes it this front
        self._parts = parts
        self._url = url
        self._pool = Pool(loop, url, parts.tls)
        settings = HttpSettings(
            url=url,
            guard=parts.guard,
            injected=parts.injected,
            mask=parts.mask,
            clock=time.time_ns,
            sse=parts.transport == SSE,
            rewrite_oauth=parts.options.rewrite_oauth,
            helmed=parts.helmed,
            opened=parts.opened,
            closed=parts.closed,
        )
        self._proxy = HttpProxy(loop, settings, self._pool, parts.journal)
        self._server = HttpServer(loop, self._proxy, Limits())

    async def start(self) -> int:
        options = self._parts.options
        await self._server.start(options.host, options.port)
        url, port = self._url, self._server.port
        if url.port == port and url.hostname and is_loopback(url.hostname):
            raise ScopeError(
                f"the upstream {self._parts.shown_url} is this proxy itself",
                code="usage",
                exit=Exit.USAGE,
                hint="give the proxy another --port",
            )
        announce(self._parts, port, url.path or "/", self._parts.shown_url)
        return port

    def restart(self, server: str) -> int:
        raise not_ours(self._parts.shown_url)

    def about(self) -> dict[str, Any]:
        return {}

    async def close(self, reason: str) -> None:
        self._server.close()
        self._proxy.close(reason)
        self._pool.close()


class BridgeFront:
    """HTTP before a server that is a process of ours."""

    def __init__(self, loop: asyncio.AbstractEventLoop, parts: Parts) -> None:
        self._parts = parts
        settings = BridgeSettings(
            command=parts.options.command,
            env=parts.env,
            cwd=parts.options.cwd,
            guard=parts.guard,
            mask=parts.mask,
            clock=time.time_ns,
            stderr=to_stderr,
            path=BRIDGE_PATH.encode(),
            helmed=parts.helmed,
            opened=parts.opened,
            closed=parts.closed,
        )
        self._bridge = BridgeProxy(loop, settings, parts.journal)
        self._server = HttpServer(loop, self._bridge, Limits(body_bytes=parts.helmed.max_message))

    async def start(self) -> int:
        options = self._parts.options
        await self._server.start(options.host, options.port)
        announce(self._parts, self._server.port, BRIDGE_PATH, options.label or options.command[0])
        return self._server.port

    def restart(self, server: str) -> int:
        return self._bridge.restart()

    def about(self) -> dict[str, Any]:
        return {}

    async def close(self, reason: str) -> None:
        self._server.close()
        await self._bridge.close(reason)


class StdioFront:
    """Our standard streams before a remote server. ``ended`` gets the exit code when the client has gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, parts: Parts, ended: Callable[[int], None]) -> None:
        url = parts.url
        assert url is not None  # that is what makes it this front
        self._loop = loop
        self._parts = parts
        self._pool = Pool(loop, url, parts.tls)
        self._settings = RemoteSettings(
            url=url,
            injected=parts.injected,
            mask=parts.mask,
            clock=time.time_ns,
            say=parts.say,
            done=ended,
            sse=parts.transport == SSE,
            helmed=parts.helmed,
        )
        self._record = Session(1, LEGACY, False, ("", "stdio", b"", b""))
        self._session: RemoteSession | None = None

    async def start(self) -> int:
        parts = self._parts
        parts.opened(self._record)
        session = RemoteSession(self._loop, self._settings, self._pool, parts.journal, self._record)
        self._session = session
        source, drain = open_source(os.dup(0)), open_drain(os.dup(1))
        keep_off_standard_streams()
        session.client = LineClient(self._loop, source, drain, session)
        return 0

    def restart(self, server: str) -> int:
        raise not_ours(self._parts.shown_url)

    def about(self) -> dict[str, Any]:
        return {}

    async def close(self, reason: str) -> None:
        if self._session is not None:
            self._session.close()
            self._session.client.close()
            reason = self._session.end_reason or reason
        self._parts.closed(self._record, reason)
        self._pool.close()


def not_ours(where: str) -> ScopeError:
    """Nobody but who runs a server at a URL can restart it."""
    return ScopeError(
        f"the server at {where} is not ours to restart",
        code="no_restart",
        exit=Exit.REFUSED,
        hint="restart it where it runs",
    )


def to_stderr(data: bytes) -> None:
    """Bytes for whoever reads our standard error."""
    try:
        os.write(2, data)
    except OSError:
        pass  # nobody reads it


def announce(parts: Parts, port: int, path: str, target: str) -> None:
    host = parts.options.host
    shown = f"[{host}]" if ":" in host else host
    parts.address = f"http://{shown}:{port}{path}"
    parts.say(f"listening on {parts.address} for {target}")


def keep_off_standard_streams() -> None:
    """A stray print of ours must not reach the client: descriptor 1 becomes standard error, 0 is empty."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0, inheritable=False)
    os.close(null)
    os.dup2(2, 1, inheritable=False)
