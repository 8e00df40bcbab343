"""A reverse proxy between scripted ends on real sockets, with its journal in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from mcpscope.session.http_inject import Injected
from mcpscope.session.http_proxy import HttpProxy, HttpSettings
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.listen.http_guard import Guard
from mcpscope.transports.listen.http_limits import Limits
from mcpscope.transports.listen.http_server import HttpServer
from mcpscope.transports.secret_mask import Mask


@dataclass
class Entry:
    type: RecordType
    dir: Dir
    session: int
    stream: int
    payload: bytes
    flags: int

    @property
    def json(self) -> Any:
        return orjson.loads(self.payload)


@dataclass
class MemoryJournal:
    """Keeps what it is given; with ``fault`` set it is a journal that cannot write."""

    entries: list[Entry] = field(default_factory=list)
    required: bool = False
    fault: str = ""

    def append(
        self,
        kind: int,
        dir: int,
        session: int,
        stream: int,
        payload: bytes | memoryview,
        flags: int = 0,
        at: int = 0,
    ) -> bool:
        if self.fault:
            return False
        assert len(payload) > 0
        self.entries.append(Entry(RecordType(kind), Dir(dir), session, stream, bytes(payload), flags))
        return True

    def append_all(
        self, records: Sequence[tuple[int, int, int, int, bytes | memoryview, int]], at: int = 0
    ) -> bool:
        if self.fault:
            return False
        for record in records:
            self.append(*record, at)
        return True

    def of(self, kind: RecordType, dir: Dir | None = None) -> list[Entry]:
        return [e for e in self.entries if e.type == kind and (dir is None or e.dir == dir)]

    def body(self, dir: Dir, stream: int) -> bytes:
        return b"".join(e.payload for e in self.of(RecordType.CHUNK, dir) if e.stream == stream)


Script = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """What an upstream read."""

    line: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reader: asyncio.StreamReader

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name]


@dataclass
class Setup:
    proxy: HttpProxy
    server: HttpServer
    journal: MemoryJournal
    requests: list[Request]
    opened: list[Any]
    closed: list[tuple[Any, str]]
    upstream_port: int

    @property
    def port(self) -> int:
        return self.server.port


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head[:-4].split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (item.partition(b":") for item in rest)]
    found = Request(line, headers, b"", reader)
    if found.all(b"content-length"):
        found.body = await reader.readexactly(int(found.all(b"content-length")[0]))
    elif found.all(b"transfer-encoding"):
        while size := int((await reader.readline()).strip() or b"0", 16):
            found.body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return found


@asynccontextmanager
async def proxied(
    script: Script,
    *,
    headers: tuple[str, ...] = (),
    guard: Guard | None = None,
    limits: Limits | None = None,
    path: str = "/mcp",
    **settings: Any,
) -> AsyncIterator[Setup]:
    loop = asyncio.get_running_loop()
    requests: list[Request] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await read_request(reader)
                requests.append(request)
                await script(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    upstream = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    url = urlsplit(f"http://127.0.0.1:{port}{path}")
    mask = Mask()
    journal = MemoryJournal()
    opened: list[Any] = []
    closed: list[tuple[Any, str]] = []
    pool = Pool(loop, url)
    chosen = HttpSettings(
        url=url,
        guard=guard or Guard(host="127.0.0.1"),
        injected=Injected(headers, mask),
        mask=mask,
        clock=time.time_ns,
        opened=opened.append,
        closed=lambda session, reason: closed.append((session, reason)),
        **settings,
    )
    proxy = HttpProxy(loop, chosen, pool, journal)
    server = HttpServer(loop, proxy, limits or Limits())
    await server.start("127.0.0.1", 0)
    try:
        yield Setup(proxy, server, journal, requests, opened, closed, port)
    finally:
        server.close()
        proxy.close("clean")
        pool.close()
        upstream.close()


async def ask(port: int, data: bytes) -> bytes:
    """Send ``data`` on a connection of its own and read to the end of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    found = await reader.read(-1)
    writer.close()
    return found


def post(body: bytes, *lines: bytes, path: bytes = b"/mcp", close: bool = True) -> bytes:
    head = [b"POST %b HTTP/1.1" % path, b"Host: localhost", b"Content-Length: %d" % len(body), *lines]
    if close:
        head.append(b"Connection: close")
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())
