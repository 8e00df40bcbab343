"""Requests to an upstream over kept connections, against scripted servers on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from mcpscope.transports.connect.http_outgoing import Failure
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.http_head import ResponseHead, encode_request

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Answer:
    """Collects one answer."""

    def __init__(self) -> None:
        self.head: ResponseHead | None = None
        self.parts: list[bytes] = []
        self.failure: Failure | None = None
        self.continued = False
        self.over = asyncio.Event()
        self.some = asyncio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    def on_continue(self) -> None:
        self.continued = True

    def on_head(self, head: ResponseHead) -> None:
        self.head = head

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)
        self.some.set()

    def on_end(self) -> None:
        self.over.set()

    def on_turn(self) -> None: ...

    def on_failed(self, failure: Failure) -> None:
        self.failure = failure
        self.over.set()

    def on_stall(self, *, stalled: bool) -> None: ...


class Upstream:
    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self.requests = 0


@asynccontextmanager
async def upstream(script: Script) -> AsyncIterator[tuple[Upstream, Pool]]:
    """``script`` is called once a request, with the number of requests its connection has had."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        count = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found.requests += 1
                count += 1
                if b"Content-Length: 2" in head:
                    await reader.readexactly(2)
                await script(reader, writer, count)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    found = Upstream(server.sockets[0].getsockname()[1])
    pool = Pool(asyncio.get_running_loop(), urlsplit(f"http://127.0.0.1:{found.port}/"))
    try:
        yield found, pool
    finally:
        pool.close()
        server.close()


async def call(pool: Pool, method: bytes = b"POST", key: bytes = b"") -> Answer:
    answer = Answer()
    headers = [(b"Host", b"a"), (b"Content-Length", b"2")]
    outgoing = pool.request(key, method, encode_request(method, b"/mcp", headers), answer)
    outgoing.write(b"{}")
    outgoing.end()
    outgoing.flush()
    await answer.over.wait()
    return answer


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


async def ok(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % count)


def test_connections_are_kept_per_caller() -> None:
    async def scenario() -> None:
        async with upstream(ok) as (server, pool):
            assert [(await call(pool, key=key)).body for key in (b"a", b"a", b"b", b"a")] == [
                b"1",
                b"2",
                b"1",
                b"3",
            ]
            assert server.connections == 2

    run(scenario)


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        if count == 1:
            await ok(_, writer, count)
        else:
            writer.close()  # as a server whose end was on its way while the request went out

    async def scenario() -> None:
        async with upstream(script) as (server, pool):
            assert (await call(pool)).body == b"1"
            again = await call(pool, b"GET")
            assert again.failure is None and again.body == b"1"
            assert server.connections == 2
            # A POST that the upstream has taken may have been acted on: it is not said twice.
            once = await call(pool)
            assert once.failure is not None and server.requests == 4

    run(scenario)


def test_a_post_that_meets_a_connection_closed_before_is_neither_lost_nor_said_twice() -> None:
    closed = threading.Event()
    said: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for number in range(2):
            taken, _ = listener.accept()
            said.append(taken.recv(65536))
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
            taken.close()
            closed.set()

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=serve, args=(listener,), daemon=True)
            server.start()
            pool = Pool(
                asyncio.get_running_loop(), urlsplit(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            )
            assert (await call(pool)).body == b"0"
            assert closed.wait(5)  # and the loop has not been told yet
            again = await call(pool)
            assert again.failure is None and again.body == b"1"
            assert len(said) == 2
            pool.close()

    run(scenario)


def test_a_request_is_not_sent_again_once_an_answer_began_or_on_a_fresh_connection() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        if server.requests == 1:
            writer.close()
        elif server.requests == 2:
            await ok(_, writer, count)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
            await writer.drain()
            writer.close()

    server: Upstream

    async def scenario() -> None:
        nonlocal server
        async with upstream(script) as (server, pool):
            first = await call(pool)
            assert first.failure is not None and first.failure.kind == "reset"
            assert (await call(pool)).body == b"1"
            third = await call(pool)
            assert third.failure is not None and third.failure.kind == "reset"
            assert server.requests == 3

    run(scenario)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_an_answer_of_uncertain_length_or_form_is_a_failure(answer: bytes) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        writer.write(answer)

    async def scenario() -> None:
        async with upstream(script) as (_, pool):
            found = await call(pool)
            assert found.failure is not None and found.failure.kind == "protocol"

    run(scenario)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
def test_a_compressed_answer_is_decoded_as_it_comes(coding: str) -> None:
    text = b"".join(b"event %d\n\n" % i for i in range(100_000))
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(text[:500_000]) + gzip.compress(text[500_000:]),
        "deflate": zlib.compress(text),
        "raw": raw.compress(text) + raw.flush(),
    }[coding]
    name = b"gzip" if coding == "gzip" else b"deflate"

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (name, len(packed))
        )
        for start in range(0, len(packed), 1000):
            writer.write(packed[start : start + 1000])
            await writer.drain()

    async def scenario() -> None:
        async with upstream(script) as (_, pool):
            found = await call(pool)
            assert found.failure is None
            assert found.body == text
            assert found.head is not None and found.head.headers == []
            assert max(map(len, found.parts)) <= 65536

    run(scenario)


def test_what_is_coded_twice_passes_as_it_came() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        lines = b"Content-Encoding: gzip\r\n" * 2
        writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(packed), packed))

    packed = gzip.compress(gzip.compress(b"abc"))

    async def scenario() -> None:
        async with upstream(script) as (_, pool):
            found = await call(pool)
            assert found.head is not None and found.body == packed
            assert [value for _, value in found.head.headers].count(b"gzip") == 2

    run(scenario)


def test_interim_answers_close_delimited_bodies_and_head_are_understood() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        writer.write(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200\r\n\r\nabc"
        )
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with upstream(script) as (_, pool):
            found = await call(pool)
            assert found.continued and found.body == b"abc" and found.failure is None
        async with upstream(ok) as (server, pool):
            assert (await call(pool, b"HEAD")).body == b""
            assert (await call(pool, b"HEAD")).failure is None
            assert server.connections == 2

    run(scenario)


def test_an_upstream_that_is_not_there_is_a_failure() -> None:
    async def scenario() -> None:
        async with upstream(ok) as (server, _):
            port = server.port
        pool = Pool(asyncio.get_running_loop(), urlsplit(f"http://127.0.0.1:{port}/"))
        found = await call(pool)
        assert found.failure == Failure("connect", "nothing listens there (connection refused)")
        pool.close()

    run(scenario)


def test_answers_with_a_head_seen_before_are_told_apart_from_those_that_break_off_or_say_too_much() -> None:
    tail = b""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        body = b"%05d" % server.requests
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-a: 2\r\n\r\n" + body + tail)

    async def scenario() -> None:
        nonlocal tail
        async with upstream(script) as (found, pool):
            nonlocal server
            server = found
            for number in range(1, 5):
                answer = await call(pool)
                assert answer.body == b"%05d" % number and answer.head is not None
                assert answer.head.headers[1:] == [(b"X-A", b"1"), (b"X-a", b"2")]
            assert len(pool.known._heads) == 1 and server.connections == 1
            tail = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!"
            answer = await call(pool)
            assert answer.body == b"00005"
            tail = b""
            assert (await call(pool)).body == b"00006", "the connection that said too much is not used again"
            assert server.connections == 2

    server: Upstream
    run(scenario)
