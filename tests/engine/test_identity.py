"""Who talks to whom is learned from what they say."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.engine.exchanges import Exchanges
from mcpscope.engine.identity import Facts, Identity
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse


def _hear(identity: Identity, *bodies: dict[str, Any]) -> list[bool]:
    exchanges = Exchanges()
    out = []
    for seq, body in enumerate(bodies, 1):
        way = Direction.TO_SERVER if "method" in body else Direction.TO_CLIENT
        message = parse(json.dumps({"jsonrpc": "2.0", **body}).encode())
        exchange = exchanges.observe(message, seq=seq, at=seq, direction=way)[0]
        out.append(identity.observe(exchange, message))
    return out


def test_the_revision_is_the_one_in_the_result() -> None:
    identity = Identity()
    client = {
        "protocolVersion": "2025-11-25",
        "clientInfo": {"name": "c", "version": "1"},
        "capabilities": {},
    }
    server = {
        "protocolVersion": "2025-06-18",
        "serverInfo": {"name": "s", "version": "2"},
        "capabilities": {"tools": {}},
    }
    changed = _hear(
        identity, {"id": 0, "method": "initialize", "params": client}, {"id": 0, "result": server}
    )
    assert changed == [True, True]
    assert identity.facts == Facts("c", "1", "s", "2", "2025-11-25", "2025-06-18", "{}", '{"tools":{}}')
    assert identity.facts.era == "legacy"


def test_a_modern_session_says_it_with_every_request() -> None:
    identity = Identity()
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }
    info = {"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "s", "version": "2"}}}
    changed = _hear(
        identity,
        {"id": 1, "method": "tools/list", "params": {"_meta": meta}},
        {"id": 1, "result": {"tools": [], **info}},
        {"id": 2, "method": "tools/list", "params": {"_meta": meta}},
        {"id": 2, "result": {"tools": [], **info}},
    )
    assert changed == [True, True, False, False]
    assert identity.facts.era == "modern"
    assert (identity.facts.server_name, identity.facts.client_capabilities) == ("s", '{"elicitation":{}}')


def test_nothing_said_is_nothing_known() -> None:
    identity = Identity()
    assert _hear(identity, {"id": 1, "method": "ping"}, {"id": 1, "result": {}}) == [False, False]
    assert identity.facts.era is None


def test_hostile_names_are_cut_and_storable() -> None:
    identity = Identity()
    _hear(
        identity,
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "\ud800" * 900, "version": 7}}},
    )
    identity.facts.client_name.encode()
    assert identity.facts.client_version == ""


def test_a_snapshot_gives_back_the_facts() -> None:
    identity, other = Identity(), Identity()
    _hear(identity, {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "c"}}})
    other.restore(json.loads(json.dumps(identity.snapshot())))
    assert other.facts == identity.facts
