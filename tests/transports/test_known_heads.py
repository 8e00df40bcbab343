"""A head taken from memory is what the parser would have said of the same bytes, and of no others."""

from __future__ import annotations

import asyncio
import random

from mcpscope.transports.http_head import response
from mcpscope.transports.known_heads import KEPT_HEADS, LARGEST_HEAD_BYTES, KnownHeads
from mcpscope.transports.listen.http_incoming import Incoming
from mcpscope.transports.listen.http_limits import Limits
from mcpscope.transports.listen.http_server import HttpServer

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"


def test_only_the_same_head_with_the_whole_body_and_nothing_else_is_found() -> None:
    known: KnownHeads[str] = KnownHeads()
    known.learn(HEAD + b"abc", "head", 3)
    assert known.find(HEAD + b"xyz") == ("head", b"xyz")
    assert known.find(HEAD + b"xy") is None
    assert known.find(HEAD + b"xyzw") is None
    assert known.find(HEAD) is None
    assert known.find(HEAD.replace(b"Host: a", b"Host: A") + b"xyz") is None
    assert known.find(b"\r\n\r\n") is None
    assert known.find(b"xyz") is None


def test_what_the_parser_read_otherwise_or_what_is_large_is_not_learned() -> None:
    known: KnownHeads[str] = KnownHeads()
    known.learn(HEAD + b"abcd", "two messages, or a head that ended elsewhere", 3)
    large = HEAD[:-2] + b"X: %b\r\n\r\n" % (b"x" * LARGEST_HEAD_BYTES)
    known.learn(large + b"abc", "large", 3)
    known.learn(b"abc", "no head", 3)
    assert known.find(HEAD + b"abcd") is known.find(large + b"abc") is known.find(b"abc") is None


def test_its_memory_is_bounded() -> None:
    known: KnownHeads[int] = KnownHeads()
    for number in range(KEPT_HEADS * 3):
        known.learn(b"X: %d\r\n\r\n" % number, number, 0)
        assert known.find(b"X: %d\r\n\r\n" % number) == (number, b"")
    assert known.find(b"X: 0\r\n\r\n") is None


class Later:
    """Answers in the next turn of the loop, as a relay does, with what it read."""

    def on_request(self, incoming: Incoming) -> LaterSink:
        return LaterSink(incoming)


class LaterSink:
    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.body = b""

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_end(self) -> None:
        asyncio.get_running_loop().call_soon(self.answer)

    def answer(self) -> None:
        head = self.incoming.head
        said = repr((head.method, head.target, head.headers, head.index, self.body)).encode()
        self.incoming.send_head(response(200, [(b"Content-Length", b"%d" % len(said))]))
        self.incoming.send_body(said)
        self.incoming.end()

    def on_turn(self) -> None: ...
    def on_gone(self) -> None: ...
    def on_stall(self, *, stalled: bool) -> None: ...


class Memoryless(KnownHeads[object]):
    def find(self, data: bytes) -> None:
        return None


def test_connections_say_the_same_with_and_without_a_memory_however_requests_are_cut() -> None:
    def requests(rng: random.Random) -> list[bytes]:
        return [
            b"POST /%d HTTP/1.1\r\nHost: a\r\nX: %d\r\nContent-Length: %d\r\n\r\n%b"
            % (rng.randrange(2), rng.randrange(2), size, bytes(rng.choices(b"ab\r\n{}", k=size)))
            for size in rng.choices([0, 1, 5], k=60)
        ]

    def pieces(rng: random.Random, said: list[bytes]) -> list[bytes]:
        found = []
        for data in said:
            if rng.random() < 0.7:
                found.append(data)
            else:
                cut = rng.randrange(len(data))
                found += [data[:cut], data[cut:]]
            if len(found) > 1 and rng.random() < 0.2:
                found[-2:] = [found[-2] + found[-1]]
        return [piece for piece in found if piece]

    async def conversation(cut: list[bytes], count: int, *, memory: bool) -> tuple[list[bytes], int]:
        server = HttpServer(asyncio.get_running_loop(), Later(), Limits())
        if not memory:
            server.known = Memoryless()  # type: ignore[assignment]  # it never finds one
        await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

        async def write() -> None:
            for piece in cut:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)

        writing = asyncio.create_task(write())
        answers = []
        for _ in range(count):
            head = await reader.readuntil(b"\r\n\r\n")
            answers.append(await reader.readexactly(int(head.rpartition(b": ")[2])))
        await writing
        writer.close()
        server.close()
        return answers, len(server.known._heads)

    async def scenario(seed: int) -> None:
        rng = random.Random(seed)
        said = requests(rng)
        cut = pieces(rng, said)
        remembered, learned = await conversation(cut, len(said), memory=True)
        parsed, _ = await conversation(cut, len(said), memory=False)
        assert remembered == parsed
        assert learned > 0

    async def bounded() -> None:
        async with asyncio.timeout(60):
            for seed in range(5):
                await scenario(seed)

    asyncio.run(bounded())
