"""The server's end of HTTP/1.1 connections, spoken to over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from mcpscope.errors import ScopeError
from mcpscope.transports.http_head import response
from mcpscope.transports.listen.http_incoming import Incoming
from mcpscope.transports.listen.http_limits import Limits
from mcpscope.transports.listen.http_server import HttpServer


class Echo:
    """Answers each request with what it read of it; ``held`` requests wait until released."""

    def __init__(self) -> None:
        self.gone = 0
        self.stalls: list[bool] = []
        self.bodies: list[bytes] = []
        self.begun: list[Incoming] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()

    def on_request(self, incoming: Incoming) -> EchoSink:
        self.begun.append(incoming)
        self.arrived.set()
        return EchoSink(self, incoming)


class EchoSink:
    def __init__(self, echo: Echo, incoming: Incoming) -> None:
        self.echo = echo
        self.incoming = incoming
        self.body = b""

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_end(self) -> None:
        self.echo.bodies.append(self.body)
        if self.incoming.head.path == b"/held":
            return
        if self.incoming.head.path == b"/large":
            self.incoming.send_head(response(200, []))
            for _ in range(64):
                self.incoming.send_body(b"x" * 65536)
            self.incoming.end()
            return
        lines = [b"%b=%b" % line for line in self.incoming.head.headers]
        body = b"\n".join([self.incoming.head.method, self.incoming.head.target, *lines, b"", self.body])
        self.incoming.answer(200, [(b"X-One", b"1"), (b"x-one", b"2")], body)

    def on_turn(self) -> None: ...

    def on_gone(self) -> None:
        self.echo.gone += 1
        self.echo.left.set()

    def on_stall(self, *, stalled: bool) -> None:
        self.echo.stalls.append(stalled)


@asynccontextmanager
async def served(**limits: object) -> AsyncIterator[tuple[HttpServer, Echo]]:
    echo = Echo()
    server = HttpServer(asyncio.get_running_loop(), echo, Limits(**limits))  # type: ignore[arg-type]
    await server.start("127.0.0.1", 0)
    try:
        yield server, echo
    finally:
        server.close()


async def say(port: int, data: bytes, *, step: int | None = None) -> bytes:
    """Write ``data`` (``step`` bytes at a time) and read until the server closes or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for start in range(0, len(data), step or len(data)):
        writer.write(data[start : start + (step or len(data))])
        await writer.drain()
        if step is not None:
            await asyncio.sleep(0)
    found = b""
    try:
        async with asyncio.timeout(10):
            while True:
                part = await reader.read(65536)
                if not part:
                    break
                found += part
                if b"HTTP/1.1 200" in found and b"Connection: close" not in found and found.endswith(b"#"):
                    break
    except ConnectionResetError:
        pass
    writer.close()
    return found


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


POST = b"POST /mcp?x=1 HTTP/1.1\r\nHost: a\r\nX-b: 1\r\nx-B: 2\r\n"


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 3\r\n\r\nab#",
        b"Transfer-Encoding: chunked\r\n\r\n2;e=1\r\nab\r\n1\r\n#\r\n0\r\nHost: t\r\n\r\n",
    ],
)
def test_headers_and_body_arrive_as_sent_at_every_chunking(step: int | None, body: bytes) -> None:
    async def scenario() -> None:
        async with served() as (server, echo):
            found = await say(server.port, POST + body, step=step)
            assert b"X-One: 1\r\nx-one: 2\r\n" in found
            _, _, said = found.partition(b"\r\n\r\n")
            assert said.startswith(b"POST\n/mcp?x=1\nHost=a\nX-b=1\nx-B=2\n")
            assert echo.bodies == [b"ab#"]

    run(scenario)


@pytest.mark.parametrize("step", [None, 1, 50])
def test_pipelined_requests_are_answered_in_order(step: int | None) -> None:
    async def scenario() -> None:
        async with served() as (server, echo):
            one = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n%d."
            last = b"GET /end# HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            found = await say(server.port, b"".join(one % (i, i) for i in range(5)) + last, step=step)
            assert [found.index(b"POST\n/%d" % i) for i in range(5)] == sorted(
                found.index(b"POST\n/%d" % i) for i in range(5)
            )
            assert found.count(b"HTTP/1.1 200") == 6
            assert echo.bodies == [b"0.", b"1.", b"2.", b"3.", b"4.", b""]

    run(scenario)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (POST + b"Content-Length: +3\r\n\r\nabc", 400),
        (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (POST + b"X : y\r\n\r\n", 400),
        (POST + b"X: y\r\n z\r\n\r\n", 400),
        (POST + b"X: a\x00b\r\n\r\n", 400),
        (POST + b"X: a\rb\r\n\r\n", 400),
        (POST.replace(b"\r\n", b"\n") + b"\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", 400),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (POST + b"X: " + b"y" * 20000 + b"\r\n\r\n", 431),
        (POST + b"".join(b"X%d: y\r\n" % i for i in range(120)) + b"\r\n", 431),
        (POST + b"Content-Length: 2000\r\n\r\n", 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n", 413),
    ],
)
def test_what_could_be_read_in_two_ways_or_is_too_large_is_refused(request_bytes: bytes, status: int) -> None:
    async def scenario() -> None:
        async with served(body_bytes=1000) as (server, echo):
            found = await say(server.port, request_bytes)
            assert found.startswith(b"HTTP/1.1 "), found
            if request_bytes.startswith(b"GET / HTTP/2"):
                assert found[9:12] in (b"400", b"505")
            else:
                assert int(found[9:12]) in ((status,) if status != 501 else (400, 501)), found
            assert b"Connection: close" in found
            assert echo.bodies == []

    run(scenario)


def test_a_slow_head_and_a_slow_body_are_ended_while_a_waiting_answer_is_not() -> None:
    async def scenario() -> None:
        async with served(head_seconds=0.3, body_seconds=0.3, idle_seconds=0.3) as (server, echo):
            held = asyncio.create_task(say(server.port, b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n"))
            assert (await say(server.port, b"GET / HTTP/1.1\r\nHo")).startswith(b"HTTP/1.1 408")
            assert (await say(server.port, POST + b"Content-Length: 3\r\n\r\na")).startswith(b"HTTP/1.1 408")
            kept = await say(server.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert kept.startswith(b"HTTP/1.1 200")
            assert not held.done()
            echo.begun[0].answer(200, [], b"late", close=True)
            assert (await held).endswith(b"late")

    run(scenario)


def test_a_client_that_leaves_is_noticed_at_once() -> None:
    async def scenario() -> None:
        async with served() as (server, echo):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
            await echo.arrived.wait()
            writer.close()
            await echo.left.wait()
            assert echo.gone == 1

    run(scenario)


def test_a_client_that_does_not_read_stalls_its_own_request() -> None:
    async def scenario() -> None:
        async with served() as (server, echo):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4096)
            writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            while not echo.stalls:
                await asyncio.sleep(0.01)
            await reader.readuntil(b"\r\n\r\n")
            size = 0
            while size < 64 * 65536:
                size += len(await reader.read(65536))
            writer.close()

    run(scenario)


def test_http_10_and_head_and_offers_to_upgrade_are_served() -> None:
    async def scenario() -> None:
        async with served() as (server, _):
            old = await say(server.port, b"GET /# HTTP/1.0\r\n\r\n")
            assert b"Connection: close" in old and old.endswith(b"GET\n/#\n\n")
            head = await say(server.port, b"HEAD /# HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert head.endswith(b"\r\n\r\n") and b"Content-Length: " in head
            upgrade = b"GET /1 HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
            both = await say(
                server.port, upgrade + b"GET /2# HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            assert both.count(b"HTTP/1.1 200") == 2

    run(scenario)


def test_too_many_connections_are_told_so() -> None:
    async def scenario() -> None:
        async with served(connections=1) as (server, _):
            _, first = await asyncio.open_connection("127.0.0.1", server.port)
            assert (await say(server.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 503")
            first.close()

    run(scenario)


def test_a_port_in_use_is_named_with_its_holder() -> None:
    async def scenario() -> None:
        async with served() as (server, _):
            other = HttpServer(asyncio.get_running_loop(), Echo(), Limits())
            with pytest.raises(
                ScopeError, match=rf"port {server.port} on 127.0.0.1 is in use by process \d+"
            ):
                await other.start("127.0.0.1", server.port)

    run(scenario)
