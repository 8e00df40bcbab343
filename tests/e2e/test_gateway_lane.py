"""A plain call goes a shorter way through the gateway than others: nobody can tell, nor does the record."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.bare_client import Client
from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.recorded import exchanges_of, messages_of, sessions_of
from tests.program import Program, until

pytestmark = pytest.mark.timeout(120)
HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
STDIO = [sys.executable, str(SERVERS / "plain_stdio_server.py")]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("web__json", {"text": "plain"}),
    (
        "web__json",
        {"text": '\u00e4 \\u00e4 " web__json', "name": "web__json", "params": {"name": "web__json"}},
    ),
    ("web__stream", {"events": 2}),
    ("web__gzip", {}),
    ("web__pieces", {}),
    ("web__status", {"code": 500}),
    ("web__status", {"code": 404}),
    ("web__other", {}),
    ("web__close", {}),
    ("pipe__say", {"text": "through a pipe"}),
    ("nobody__say", {}),
]
_TOLD = ("tool", "name", "status", "code", "res_bytes", "flags", "legs", "summary")


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def call(id: int | str, name: str, arguments: dict[str, Any], *, plain: bool) -> bytes:
    """A call, as every client writes it; one that is not ``plain`` says something more."""
    more = {} if plain else {"more": 1}
    params = {"name": name, "arguments": arguments, **more}
    body = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    return json.dumps(body, separators=(",", ":")).encode()


def served(ends: HttpEnds, program: Program) -> Gateway:
    upstreams = {"web": {"url": ends.server(*HTTP)}, "pipe": {"command": STDIO}}
    return Gateway(program, written(program.folder, upstreams))


def told(program: Program) -> dict[str, list[Any]]:
    """What the record says of the messages and calls of each session, by its label."""
    found: dict[str, list[Any]] = {}
    for session in sessions_of(program.db):
        rows = [one for one in exchanges_of(program.db, session.id) if one["method"] == "tools/call"]
        kinds = [(one.up, one.kind, one.method) for one in messages_of(program.db, session.id)]
        calls = [{key: row[key] for key in _TOLD} for row in rows]
        found.setdefault(session.label, []).append((kinds, calls))
    return found


def recorded(gateway: Gateway, program: Program) -> dict[str, list[Any]]:
    """What is told of the sessions of two clients, when all is recorded."""
    gateway.stop()

    def whole() -> bool:
        ended = [one.label for one in sessions_of(program.db) if one.ended is not None]
        return ended.count("gateway") == 2 and len(ended) == len(sessions_of(program.db))

    until(whole)
    return told(program)


async def begun(client: Client) -> None:
    await client.initialize()
    await client.ask(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')


def test_a_plain_call_is_answered_and_recorded_as_any_other_is(ends: HttpEnds, program: Program) -> None:
    gateway = served(ends, program)

    async def answers(*, plain: bool) -> list[Any]:
        found = []
        async with Client(gateway.url) as client:
            await begun(client)
            for id, (name, arguments) in enumerate(CALLS, 1):
                status, fields, body = await client.ask(call(id, name, arguments, plain=plain))
                found.append((status, fields["content-type"], body))
        return found

    usual, short = asyncio.run(answers(plain=False)), asyncio.run(answers(plain=True))
    assert short == usual
    assert b"in pieces" in short[4][2] and b"through a pipe" in short[9][2]
    for label, sessions in recorded(gateway, program).items():
        # An upstream that closed its connection may have been begun anew meanwhile.
        one, other = [said for said in sessions if said[1]]
        assert one == other, label
