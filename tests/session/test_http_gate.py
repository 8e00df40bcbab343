"""The gate on HTTP: holds, edits and answers on POST bodies, JSON answers and single events."""

from __future__ import annotations

import asyncio

import pytest

from mcpscope.engine.decisions import Answer, Decision, Edit, Release
from mcpscope.engine.events import Decided
from mcpscope.protocol.message import Direction
from mcpscope.proxy.helm import Orders, steering_of
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.store.records import RecordType
from tests.session.relay import Request, Setup, ask, post, proxied, run

VERSION = b"2026-07-28"
META = b'"_meta":{"io.modelcontextprotocol/protocolVersion":"%b"}' % VERSION
JSON = b"Content-Type: application/json"


def helmed(*, breaks: tuple[str, ...] = (), denies: tuple[str, ...] = (), detached: str = "wait") -> Helmed:
    orders = Orders()
    orders.breaks, orders.denies, orders.detached = list(breaks), list(denies), detached
    return Helmed(steering=steering_of(orders, {}))


def call(name: bytes, arguments: bytes = b"{}") -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%b","arguments":%b,%b}}' % (
        name, arguments, META,
    )  # fmt: skip


def modern(name: bytes, *lines: bytes) -> tuple[bytes, ...]:
    return JSON, b"MCP-Protocol-Version: " + VERSION, b"Mcp-Method: tools/call", b"Mcp-Name: " + name, *lines


async def echo(request: Request, writer: asyncio.StreamWriter) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"result":{ "content":[] }}'
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX: y\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body), body)
    )


async def held(made: Setup, helm: Helmed, count: int = 1) -> tuple[Conversation, int]:
    """Wait for a hold; the conversation and the hold's number."""
    while True:
        for conversation in helm.conversations.values():
            if conversation.engine is not None and len(conversation.engine.holds) >= count:
                return conversation, list(conversation.engine.holds)[-1].id
        await asyncio.sleep(0.005)


def decide(conversation: Conversation, hold: int, decision: Decision) -> None:
    conversation.handle(Decided(hold, decision, "test", conversation.now()))


def test_what_no_rule_concerns_passes_byte_for_byte() -> None:
    async def scenario() -> None:
        async with proxied(echo, helmed=helmed(breaks=("tool:other",))) as made:
            body = call(b"x", b'{ "big": 123456789012345678901234567890 }')
            found = await ask(made.port, post(body, *modern(b"x"), b"X-Own: 1"))
            assert (
                found.endswith(b'{"jsonrpc":"2.0","id":1,"result":{ "content":[] }}')
                and b"\r\nX: y\r\n" in found
            )
            assert made.requests[0].body == body and made.requests[0].all(b"x-own") == [b"1"]
            messages = made.journal.of(RecordType.MESSAGE)
            assert [entry.flags for entry in messages] == [1, 1] and messages[0].payload == body

    run(scenario)


def test_a_held_call_whose_tool_is_renamed_goes_up_with_the_headers_of_its_new_body() -> None:
    async def scenario() -> None:
        helm = helmed(breaks=("tool:old",))
        async with proxied(echo, helmed=helm) as made:
            lines = modern(b"old", b"Mcp-Param-Region: here", b"X-Own: 1")
            task = asyncio.create_task(ask(made.port, post(call(b"old", b'{"region":"here"}'), *lines)))
            conversation, hold = await held(made, helm)
            assert made.requests == []
            edit = Edit(
                patch=(
                    {"op": "replace", "path": "/params/name", "value": "né\r\nX-Evil: 1"},
                    {"op": "replace", "path": "/params/arguments/region", "value": "there"},
                )
            )
            decide(conversation, hold, edit)
            assert (await task).startswith(b"HTTP/1.1 200")
            (request,) = made.requests
            assert request.all(b"mcp-name") == [b"=?base64?bsOpDQpYLUV2aWw6IDE=?="]
            assert request.all(b"mcp-param-region") == [b"there"]
            assert request.all(b"x-own") == [b"1"] and request.all(b"x-evil") == []
            assert len(request.body) == int(request.all(b"content-length")[0])
            assert made.journal.of(RecordType.OUTCOME)[-1].payload.find(b"edited") > 0

    run(scenario)


def test_a_denied_call_is_answered_here_and_others_go_on_while_one_is_held() -> None:
    async def scenario() -> None:
        helm = helmed(breaks=("tool:slow",), denies=("tool:bad",))
        async with proxied(echo, helmed=helm) as made:
            waiting = asyncio.create_task(ask(made.port, post(call(b"slow"), *modern(b"slow"))))
            conversation, hold = await held(made, helm)
            denied = await ask(made.port, post(call(b"bad"), *modern(b"bad")))
            assert denied.startswith(b"HTTP/1.1 200") and b'"isError":true' in denied and made.requests == []
            assert b'"content":[]' in await ask(made.port, post(call(b"good"), *modern(b"good")))
            assert not waiting.done()
            decide(conversation, hold, Answer(body={"result": {"content": [], "mine": True}}))
            assert b'"mine":true' in await waiting
            assert len(made.requests) == 1

    run(scenario)


def test_a_client_that_leaves_resolves_its_hold() -> None:
    async def scenario() -> None:
        helm = helmed(breaks=("tool:x",))
        async with proxied(echo, helmed=helm) as made:
            _, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(post(call(b"x"), *modern(b"x"), close=False))
            conversation, _ = await held(made, helm)
            writer.close()
            assert conversation.engine is not None
            while not made.journal.of(RecordType.OUTCOME)[1:]:
                await asyncio.sleep(0.005)
            assert made.requests == []

    run(scenario)


@pytest.mark.parametrize(
    "lines", [(b"Content-Type: text/plain",), (JSON, b"MCP-Protocol-Version: " + VERSION)]
)
def test_http_itself_is_held_to_its_rules_while_the_gate_is_in_force(lines: tuple[bytes, ...]) -> None:
    async def scenario() -> None:
        async with proxied(echo, helmed=helmed(breaks=("tool:x",))) as made:
            found = await ask(made.port, post(call(b"y"), *lines))
            assert found[9:12] in (b"415", b"400") and made.requests == []

    run(scenario)


def test_one_event_is_held_and_edited_and_the_order_of_its_stream_stays() -> None:
    go_on = asyncio.Event()

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\ndata:\n\n: hi\n\n")
        note = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%b"}}'
        for text in (b"one", b"two", b"three"):
            writer.write(b"id: 7\r\ndata: %b\r\n\r\n" % (note % text))
            await writer.drain()
            await go_on.wait()
        writer.write(b'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n')
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        helm = helmed(breaks=("two",))
        async with proxied(script, helmed=helm) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(post(call(b"x"), *modern(b"x")))
            assert b"id: 1\ndata:\n\n: hi\n\n" in await reader.readuntil(b'"data":"one"}}\r\n\r\n')
            go_on.set()
            conversation, hold = await held(made, helm)
            decide(conversation, hold, Edit(patch=({"op": "replace", "path": "/params/data", "value": "2"},)))
            rest = await reader.read(-1)
            assert b'id: 7\r\ndata: {"jsonrpc":"2.0","method":"notifications/message"' in rest
            assert rest.index(b'"data":"2"') < rest.index(b'"data":"three"') < rest.index(b'"result"')
            writer.close()

    run(scenario)


def test_an_event_stream_that_is_open_already_comes_to_the_gate_at_its_next_event() -> None:
    steps: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        writer.write(b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"da')
        await writer.drain()
        await steps[0].wait()
        writer.write(b'ta":"one"}}\n\ndata: {"jsonrpc":"2.0","id":5,"method":"roots/list"}\n\n')
        await writer.drain()
        await steps[1].wait()
        writer.close()

    async def scenario() -> None:
        helm = Helmed()
        async with proxied(script, helmed=helm) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: s\r\n\r\n")
            await reader.readuntil(b'"da')
            orders = Orders()
            orders.breaks, orders.detached = ["method:roots/list"], "wait"
            helm.steering = steering_of(orders, {})
            steps[0].set()
            conversation, hold = await held(made, helm)
            decide(conversation, hold, Release())
            assert b'"one"}}' in await reader.readuntil(b'"method":"roots/list"}\n\n')
            steps[1].set()
            writer.close()

    run(scenario)


def test_a_body_beyond_the_gates_size_is_refused() -> None:
    async def scenario() -> None:
        helm = helmed(breaks=("tool:x",))
        assert helm.steering is not None
        helm.steering.max_message = 1000
        async with proxied(echo, helmed=helm) as made:
            found = await ask(made.port, post(call(b"y", b'{"a":"%b"}' % (b"z" * 2000)), *modern(b"y")))
            assert found.startswith((b"HTTP/1.1 413", b"HTTP/1.1 200")) and made.requests == []

    run(scenario)


def test_a_change_of_what_is_seen_is_said_on_the_stream_that_the_client_holds_open() -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        await writer.drain()
        await request.reader.read(1)

    async def scenario() -> None:
        helm = helmed(breaks=("tool:x",))
        async with proxied(script, helmed=helm) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: s\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            said = b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
            for conversation in helm.conversations.values():
                conversation._port.send(Direction.TO_CLIENT, said, 0, 0)
            assert (await reader.readuntil(b"\n\n")).endswith(b"data: " + said + b"\n\n")
            writer.close()

    run(scenario)
