"""Every fault with real clients on every pair of transports: it looks like a server with that trouble."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from mcpscope.control.client import Control
from tests.e2e.viewers import ADD, PAIRS, Ends, Viewer
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk1, pytest.mark.sdk2, pytest.mark.npm, pytest.mark.timeout(240)]

PATIENCE = {"truncate": 0.7, "timeout": 0.7}
"""Seconds after which a client gives up where nothing is to come; else it waits long."""
STRUCK = [call in (2, 3, 6, 8, 10) for call in range(12)]
"""What probability 0.4 with seed 11 does after two calls, everywhere and always."""
NOT_JSON = ("json", "parse", "unterminated")


def failed(said: list[Any], code: int, text: str) -> bool:
    return said[:2] == ["error", code] and text in said[2]


def emptied(said: list[Any]) -> bool:
    """The clients that hold a result against the tool's schema refuse one without content."""
    return said == ["called", False, ""] or (said[0] == "error" and "output schema" in said[2])


def garbled(said: list[Any]) -> bool:
    return said[:2] == ["called", False] and said[2] in tuple("#?%~")


def cut(said: list[Any]) -> bool:
    """Half a message is an error to a client that reads it as its answer; as noise it leaves it waiting."""
    return said == ["timeout"] or (said[0] == "error" and any(word in said[2].lower() for word in NOT_JSON))


FAULTS: list[tuple[str, dict[str, Any], Callable[[list[Any]], bool]]] = [
    ("delay", {"value": "300ms", "jitter": "200ms", "seed": 4}, lambda said: said == ["called", False, "3"]),
    ("error", {"code": -32050, "message": "the server is down"}, lambda s: failed(s, -32050, "is down")),
    ("rate-limit", {"value": "0/hour"}, lambda said: failed(said, -32000, "Rate limit exceeded")),
    ("empty", {}, emptied),
    ("empty", {"on": "answer"}, emptied),
    ("corrupt", {"seed": 3}, garbled),
    ("truncate", {}, cut),
    ("timeout", {}, lambda said: said == ["timeout"]),
    ("timeout", {"on": "answer"}, lambda said: said == ["timeout"]),
]


@pytest.fixture
def ends(program: Program) -> Iterator[Ends]:
    made = Ends(program)
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "way"), PAIRS)
def test_each_fault_is_what_such_a_server_does(ends: Ends, peers: Peers, kind: str, way: str) -> None:
    viewer, control = ends.view(peers, kind, way)
    assert "add" in viewer.names()
    for fault, more, expected in FAULTS:
        rule = control.call("scope/faults/add", match="tool:add", fault=fault, once=True, **more)
        said = viewer.does(f"{ADD} {PATIENCE.get(fault, 20)}")
        assert expected(said), (fault, more, said)
        assert fault != "delay" or viewer.took >= 0.3
        control.call("scope/rules/remove", name=rule["name"])
    assert viewer.does(ADD) == ["called", False, "3"]
    broken_off(viewer, control, kind, way)
    named = [*(fault for fault, _, _ in FAULTS), "", "disconnect"]
    assert recorded(ends)[: len(named)] == named
    truth = ends.rows("SELECT count(*) FROM outcomes WHERE detail LIKE '%corrupt%' AND bytes IS NOT NULL")
    assert truth == [(1,)]


def broken_off(viewer: Viewer, control: Control, kind: str, way: str) -> None:
    """A server that hangs up: a pipe ends, a POST breaks. The clients in Python do not survive the latter."""
    control.call("scope/faults/add", match="tool:add", fault="disconnect", once=True)
    if way in ("stdio", "http-stdio"):
        said = viewer.does(f"{ADD} 20")
        assert said[0] == "error", said
        assert "connection closed" in said[2].lower()
        assert viewer.took < 10
    elif kind.startswith("ts"):
        assert failed(viewer.does(f"{ADD} 20"), 0, "fetch failed")
        assert viewer.does(ADD) == ["called", False, "3"]
        viewer.leaves()
    else:
        assert viewer.process.stdin
        viewer.process.stdin.write(f"{ADD} 20\n")
        until(lambda: viewer.process.poll() is not None)
        assert "Server disconnected without sending a response" in viewer.log.read_text()


def recorded(ends: Ends) -> list[str]:
    """The fault that the recording names for each call of ``add``; "" for what the server did itself."""
    found = []
    query = (
        "SELECT e.flags, group_concat(DISTINCT json_extract(o.detail, '$.fault')) FROM exchanges AS e "
        "LEFT JOIN messages AS m ON m.exchange_id = e.id LEFT JOIN outcomes AS o ON o.message_id = m.id "
        "WHERE e.tool = 'add' GROUP BY e.id ORDER BY e.id"
    )
    for flags, fault in ends.rows(query):
        assert ("fault" in (flags or "").split()) == bool(fault)
        found.append(fault or "")
    return found


def struck(ends: Ends, peers: Peers, kind: str, way: str, *options: str) -> list[bool]:
    """Which of a dozen calls a fault of the command line struck."""
    viewer, _ = ends.view(peers, kind, way, *options)
    found = [viewer.does(ADD) != ["called", False, "3"] for _ in range(12)]
    viewer.leaves()
    return found


@pytest.mark.parametrize(
    ("kind", "way"), [("sdk2-auto", "http"), pytest.param("ts-v1", "stdio", marks=pytest.mark.soak)]
)
def test_the_same_seed_gives_the_same_run_on_every_wire(
    ends: Ends, peers: Peers, kind: str, way: str
) -> None:
    fault = "--fault", "tool:add error probability=0.4 seed=11 after=2 message='as by chance'"
    found = struck(ends, peers, kind, way, *fault)
    assert found == STRUCK
    assert [bool(fault) for fault in recorded(ends)] == found


@pytest.mark.parametrize("way", ["http-stdio", pytest.param("http", marks=pytest.mark.soak)])
def test_a_fault_of_a_policy_file_does_the_same(ends: Ends, peers: Peers, way: str) -> None:
    policy = ends.program.folder / "policy.yaml"
    policy.write_text("""
version: 1
hide: ["tool:count"]
rules:
  - {match: "tool:add", action: drop, message: as by chance, probability: 0.4, seed: 11, skip: 2}
""")
    viewer, _ = ends.view(peers, "ts-auto", way, "--policy", str(policy))
    assert "count" not in viewer.names()
    found = [viewer.does(ADD) != ["called", False, "3"] for _ in range(12)]
    viewer.leaves()
    assert found == STRUCK
    assert [bool(fault) for fault in recorded(ends)] == found


@pytest.mark.parametrize("way", ["http", pytest.param("stdio-http", marks=pytest.mark.soak)])
def test_silence_keeps_the_connection_open_until_the_client_closes_it(
    ends: Ends, peers: Peers, way: str
) -> None:
    server = ends.server_argv(peers)
    target = ["--", *server] if way == "stdio-http" else [ends.server(*server)]
    place = urlsplit(ends.proxy("--fault", "tool:add timeout", *target))
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    with socket.create_connection((place.hostname or "", place.port or 0)) as silent:
        silent.sendall(posted(place.path, "add", {"a": 1, "b": 2}, meta))
        silent.settimeout(2)
        with pytest.raises(TimeoutError):
            silent.recv(1)
        with socket.create_connection((place.hostname or "", place.port or 0)) as other:
            other.settimeout(30)
            other.sendall(posted(place.path, "whisper", {"text": "hi"}, meta))
            assert other.recv(1 << 16).startswith(b"HTTP/1.1 200")
        assert recorded_now(ends) == []  # nothing has ended it
    until(lambda: recorded_now(ends))
    assert recorded_now(ends) == [("client", "dropped")]


def recorded_now(ends: Ends) -> list[tuple[Any, ...]]:
    """Who closed the stream of the silent call, while the proxy runs."""
    query = (
        "SELECT json_extract(s.close, '$.closed_by'), e.status FROM streams AS s JOIN exchanges AS e "
        "ON e.session_id = s.session_id AND e.stream = s.stream "
        "WHERE e.tool = 'add' AND s.close IS NOT NULL"
    )
    return ends.now(query)


def posted(path: str, tool: str, arguments: dict[str, Any], meta: dict[str, Any]) -> bytes:
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body
