"""Connections to one upstream origin, kept alive per caller."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from mcpscope.transports.connect.http import ClientConnection
from mcpscope.transports.connect.http_outgoing import AnswerSink, Outgoing
from mcpscope.transports.http_head import ResponseHead
from mcpscope.transports.known_heads import KnownHeads

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 50.0
IDLE_CONNECTIONS = 64  # per caller; more are closed as they become idle
PEEK_AFTER_SECONDS = 0.02


class Pool:
    """Makes requests to one origin. Connections are shared only between requests with the same ``key``."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, url: SplitResult, tls: SSLContext | None = None
    ) -> None:
        self._loop = loop
        self._host = url.hostname or ""
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = tls if url.scheme == "https" else None
        self._idle: dict[bytes, deque[ClientConnection]] = {}
        self._open: set[ClientConnection] = set()
        self._connecting: dict[Outgoing, asyncio.Task[None]] = {}
        self.known: KnownHeads[ResponseHead] = KnownHeads()
        self._closed = False
        self._sweeper = loop.call_later(IDLE_SECONDS / 5, self._sweep)
        self.now = loop.time

    def __repr__(self) -> str:
        return f"<Pool {self._host}:{self._port} open={len(self._open)} connecting={len(self._connecting)}>"

    def request(self, key: bytes, method: bytes, head: bytes, sink: AnswerSink) -> Outgoing:
        """Begin a request whose head is encoded; it leaves with the first ``flush``, and the answer goes to
        ``sink``, never before this returns."""
        outgoing = Outgoing(self, key, method, head, sink)
        self.start(outgoing)
        return outgoing

    def start(self, outgoing: Outgoing, *, fresh: bool = False) -> None:
        """Give ``outgoing`` a kept connection, or make one (``fresh``: certainly make one)."""
        connection = None if fresh else self._kept(outgoing.key)
        if connection is not None:
            outgoing.take(connection)
        else:
            self._connecting[outgoing] = self._loop.create_task(self._connect(outgoing))

    def forget(self, outgoing: Outgoing) -> None:
        """``outgoing`` was closed before it had a connection."""
        task = self._connecting.pop(outgoing, None)
        if task is not None:
            task.cancel()

    def idle(self, connection: ClientConnection) -> None:
        kept = self._idle.setdefault(connection.key, deque())
        if self._closed or len(kept) >= IDLE_CONNECTIONS:
            connection.close()
        else:
            kept.append(connection)

    def gone(self, connection: ClientConnection) -> None:
        self._open.discard(connection)
        kept = self._idle.get(connection.key)
        if kept is not None:
            with suppress(ValueError):
                kept.remove(connection)
            if not kept:
                del self._idle[connection.key]

    def close(self) -> None:
        """Close every connection; requests under way are dropped without a word."""
        self._closed = True
        self._sweeper.cancel()
        for task in self._connecting.values():
            task.cancel()
        for connection in list(self._open):
            connection.close()

    def _kept(self, key: bytes) -> ClientConnection | None:
        kept = self._idle.get(key)
        while kept:
            connection = kept.pop()
            idle = self.now() - connection.since
            if connection.usable and (idle < PEEK_AFTER_SECONDS or connection.quiet()):
                return connection
            connection.close()
        return None

    async def _connect(self, outgoing: Outgoing) -> None:
        kind, text = "connect", "it refused the connection"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await self._loop.create_connection(
                    lambda: ClientConnection(self, outgoing.key),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                    ssl_handshake_timeout=CONNECT_SECONDS if self._tls is not None else None,
                )
        except TimeoutError:
            kind, text = "timeout", f"no connection within {CONNECT_SECONDS:.0f} s"
        except OSError as error:
            kind, text = _told(error)
        else:
            self._open.add(connection)
            connection.keep_alive()
            self._connecting.pop(outgoing, None)
            outgoing.start(connection)
            return
        self._connecting.pop(outgoing, None)
        outgoing.failed(kind, text)
        outgoing.turn()

    def _sweep(self) -> None:
        limit = self.now() - IDLE_SECONDS
        for kept in list(self._idle.values()):
            while kept and kept[0].since < limit:
                kept.popleft().close()
        self._sweeper = self._loop.call_later(IDLE_SECONDS / 5, self._sweep)


def _told(error: OSError) -> tuple[str, str]:
    """Kind and words of a failed connection, without our or the library's internals."""
    name = type(error).__name__
    if isinstance(error, socket.gaierror):
        return "connect", f"its name is not known ({error.strerror or error})"
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connect", "nothing listens there (connection refused)"
    if name.startswith("SSL"):
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or "handshake failed"
        return "tls", f"TLS failed: {reason}"
    return "connect", error.strerror or str(error) or name
