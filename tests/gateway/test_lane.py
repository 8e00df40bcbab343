"""The short way of a plain call is the usual way: who is asked, who answers and the record cannot tell."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mcpscope.engine.conditions import condition_of
from mcpscope.engine.rules import Action, Rule
from tests.e2e.bare_client import ENVELOPE, Client
from tests.gateway.both_ways import SECRET, Made, alike, made

pytestmark = pytest.mark.timeout(120)
CALLS = 150
NAMES = ["a_echo", "a_echo", "echo", "a_a_echo", "a_b\u00e9", 'a_"', "a_\\", "a_id", "a_", "a", "", 7, None]
RESULTS = [
    '{"content":[{"type":"text","text":"said"}]}',
    '{"content":[{"type":"resource_link","uri":"file:///seen","name":"x"}]}',
    '{ "content" : [] ,\r\n "isError":true}',
    '{"content":[],"n":12345678901234567890123}',
    '{"task":{"taskId":"t1","status":"working"}}',
    '{"taskId":"t2"}',
    '{"requestState":"s","inputRequests":{},"resultType":"input_required"}',
    '{"id":"@ID@","method":"x","text":"' + "y" * 9_000 + '"}',
    '{"text":"' + SECRET + '"}',
    '"text"',
    "null",
]
ANSWERS = [
    '{"jsonrpc":"2.0","id":@ID@,"result":@RESULT@}',
    '{"jsonrpc":"2.0","id":@ID@,"result":@RESULT@}',
    '{"result":@RESULT@,"id":@ID@,"jsonrpc":"2.0"}',
    ' {"jsonrpc" : "2.0", "id": @ID@, "result": @RESULT@ }\n',
    '{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32601,"message":"no"}}',
    '{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32002,"message":"no"}}',
    '{"jsonrpc":"2.0","id":@ID@,"result":@RESULT@,"error":null}',
    '{"jsonrpc":"2.0","id":@ID@,"id":@ID@,"result":@RESULT@}',
    '{"jsonrpc":"2.0","id":"nobody","result":@RESULT@}',
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}',
    '[{"jsonrpc":"2.0","id":@ID@,"result":@RESULT@}]',
    '{"jsonrpc":"2.0","id":@ID@',
    "",
]
MEDIA = [
    *["application/json"] * 8,
    *("Application/JSON; charset=utf-8", "text/event-stream", "text/plain", "", "application/x-json"),
]
STATUS = [*[200] * 20, 201, 202, 204, 401, 403, 500]  # for others a session may be begun anew, meanwhile


def answer(rng: random.Random) -> dict[str, Any]:
    usual = rng.random() < 0.5
    body = ANSWERS[0] if usual else rng.choice(ANSWERS)
    body = body.replace("@RESULT@", RESULTS[0] if usual else rng.choice(RESULTS))
    media = MEDIA[0] if usual else rng.choice(MEDIA)
    if media == "text/event-stream":
        body = "".join(f"data: {line}\n" for line in body.splitlines()) + "\n"
    return {
        "body": body,
        "media": media,
        "status": 200 if usual else rng.choice(STATUS),
        "pieces": rng.random() < 0.1,
    }


def call(rng: random.Random, number: int, era: str) -> tuple[bytes, str]:
    """A call as a client may spell it, and the tool's name."""
    id = rng.choice([number, number, number, str(number), number + 0.5, 10**20 + number, "\u00e9\n"])
    name = rng.choice(NAMES[:2] if rng.random() < 0.6 else NAMES)
    params: dict[str, Any] = {"name": name, "arguments": {"say": answer(rng)}}
    if rng.random() < 0.3:
        params["arguments"]["more"] = rng.choice([name, {"params": {"name": name}}, SECRET, {"id": number}])
    meta: dict[str, Any] = dict(ENVELOPE) if era == "modern" else {}
    if rng.random() < 0.2:
        meta |= rng.choice([{"progressToken": number}, {"x": 1}, {"name": name}])
    if meta:
        params["_meta"] = meta
    if rng.random() < 0.1:
        params |= rng.choice([{"task": {}}, {"more": 1}, {"arguments": None}])
    body = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    if rng.random() < 0.1:
        body = dict(rng.sample(list(body.items()), 4))
    tight = rng.random() < 0.8
    text = json.dumps(body, separators=(",", ":") if tight else None, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        text = rng.choice(
            [
                text.replace("{", "{\r\n", 1),
                text.replace('"name"', '"\\u006eame"', 1),
                text.replace('"id"', '"id":1,"id"', 1),
                f"[{text}]",
            ]
        )
    return text.encode(), name if isinstance(name, str) else "echo"


def lines(era: str, name: str) -> list[str]:
    if era == "legacy":
        return []
    shown = name if name.isascii() and '"' not in name else "=?base64?" + "x" + "?="
    return ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", f"Mcp-Name: {shown}"]


async def begun(client: Client, era: str) -> None:
    if era == "legacy":
        await client.initialize()
        await client.ask(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')


Talk = Callable[[Made], Awaitable[list[Any]]]


def both(folder: Path, era: str, talk: Talk, *, secret: bool = False) -> tuple[list[Any], int]:
    """What ``talk`` finds either way, which is the same; how many calls went the short one."""

    async def one(*, short: bool) -> tuple[list[Any], Made]:
        (folder / str(short)).mkdir()
        found = await made(folder / str(short), era, short=short, secret=secret)
        async with asyncio.timeout(60):
            said = await talk(found)
            await found.close()
        return said, found

    usual, without = asyncio.run(one(short=False))
    short, with_it = asyncio.run(one(short=True))
    assert short == usual
    assert with_it.peer.heard == without.peer.heard
    assert with_it.recorded() == without.recorded()
    assert not without.taken
    return short, with_it.taken


def said(status: int, fields: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, bytes]], bytes]:
    return status, [(name, alike(value.encode())) for name, value in fields.items()], alike(body)


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_any_call_is_asked_answered_and_recorded_the_same(tmp_path: Path, era: str, secret: bool) -> None:
    async def talk(gateway: Made) -> list[Any]:
        rng, found = random.Random(f"{era} {secret}"), []
        async with Client(gateway.url) as client:
            await begun(client, era)
            for number in range(CALLS):
                body, name = call(rng, number, era)
                found.append(said(*await client.ask(body, *lines(era, name))))
        return found

    found, taken = both(tmp_path, era, talk, secret=secret)
    assert CALLS // 3 < taken < CALLS
    assert len({status for status, _, _ in found}) >= 2 and any(b"said" in body for _, _, body in found)


def held(id: int) -> bytes:
    """A call that the peer answers when it is released."""
    say = {"body": '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}', "waits": True}
    params = {"name": "a_held", "arguments": {"say": say}}
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode()


async def cancelled(gateway: Made, client: Client, other: Client) -> list[Any]:
    return [await other.ask(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}')]


async def asked_twice(gateway: Made, client: Client, other: Client) -> list[Any]:
    before = len(gateway.peer.heard)
    twin = asyncio.create_task(other.ask(held(1)))
    await gateway.peer.hears(before + 1)
    gateway.peer.released.set()
    return [await twin]


async def left(gateway: Made, client: Client, other: Client) -> list[Any]:
    client.writer.close()
    return [await other.ask(b'{"jsonrpc":"2.0","id":9,"method":"ping"}')]


async def restarted(gateway: Made, client: Client, other: Client) -> list[Any]:
    before = len(gateway.peer.heard)
    gateway.gateway.restart("one")
    await gateway.peer.hears(before + 1)
    return []


async def steered(gateway: Made, client: Client, other: Client) -> list[Any]:
    """Its answer is judged by what is ordered while it is out."""
    rule = Rule("no", Action("deny"), condition_of("kind:response"))
    gateway.steering.rules.add(rule)
    return []


@pytest.mark.parametrize("disturb", [cancelled, asked_twice, left, restarted, steered])
def test_what_comes_in_between_finds_a_call_as_it_finds_any(tmp_path: Path, disturb: Any) -> None:
    async def talk(gateway: Made) -> list[Any]:
        async with Client(gateway.url) as client, Client(gateway.url) as other:
            await begun(client, "legacy")
            other.session = client.session
            await client.ask(b'{"jsonrpc":"2.0","id":0,"method":"tools/list"}')
            before = len(gateway.peer.heard)
            call = asyncio.create_task(client.ask(held(1)))
            await gateway.peer.hears(before + 1)
            found = await disturb(gateway, client, other)
            gateway.peer.released.set()
            answers = await asyncio.gather(call, return_exceptions=True)
            found += [one if isinstance(one, tuple) else type(one) for one in answers]
            found.append(await other.ask(b'{"jsonrpc":"2.0","id":7,"method":"ping"}'))
            return [said(*one) if isinstance(one, tuple) else one for one in found]

    _, taken = both(tmp_path, "legacy", talk)
    assert taken == 1
