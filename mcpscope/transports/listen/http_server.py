"""The listening socket of an HTTP side: binding, the connections open on it, their deadlines."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.transports.http_head import RequestHead
from mcpscope.transports.known_heads import KnownHeads
from mcpscope.transports.listen.http import Handler, ServerConnection
from mcpscope.transports.listen.http_limits import Limits

SWEEP_SECONDS = 0.5
BACKLOG = 512


class HttpServer:
    """Accepts connections for one handler. ``port`` is the one bound, also where 0 was asked for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handler: Handler, limits: Limits) -> None:
        self._loop = loop
        self.handler = handler
        self.limits = limits
        self.known: KnownHeads[RequestHead] = KnownHeads()
        self._open: set[ServerConnection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self.now = loop.time
        self.port = 0

    def __repr__(self) -> str:
        return f"<HttpServer port={self.port} open={len(self._open)}>"

    async def start(self, host: str, port: int) -> None:
        """Bind and accept. Raises ScopeError (``port_in_use``, ``bind``) where that is not possible."""
        self._server = await self._loop.create_server(
            lambda: ServerConnection(self), sock=bound(host, port), backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweep()

    def opened(self, connection: ServerConnection) -> bool:
        self._open.add(connection)
        return len(self._open) <= self.limits.connections

    def closed(self, connection: ServerConnection) -> None:
        self._open.discard(connection)

    def stop_accepting(self) -> None:
        if self._server is not None:
            self._server.close()

    def close(self) -> None:
        """Stop accepting and break off what is open."""
        self.stop_accepting()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._open):
            connection.abort()

    def _sweep(self) -> None:
        now = self.now()
        for connection in [found for found in self._open if found.deadline <= now]:
            connection.expired()
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)


def bound(host: str, port: int) -> socket.socket:
    """A listening-ready socket on ``host`` and ``port``; a port in use is an error that names its holder."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise ScopeError(
            f"cannot listen on {host}: {error.strerror or error}", code="bind", exit=Exit.USAGE
        ) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno != errno.EADDRINUSE:
            raise ScopeError(
                f"cannot listen on {host}:{port}: {error.strerror}", code="bind", exit=Exit.USAGE
            ) from error
        raise ScopeError(
            f"port {port} on {host} is in use{port_holder(port)}",
            code="port_in_use",
            exit=Exit.USAGE,
            hint="choose another with --port N, or --port 0 to have one picked",
        ) from error
    sock.setblocking(False)
    return sock


def port_holder(port: int) -> str:
    """`` by PID (name)`` of the process of this user that listens on ``port``, or an empty text."""
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f" by process {process.name} ({name})"
    return ""
