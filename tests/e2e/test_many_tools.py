"""5,000 tools over 50 pages on real wires: cut page by page, every other byte as it came, cursors intact."""

from __future__ import annotations

import http.client
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.http_ends import SERVERS
from tests.e2e.viewers import WAYS, Ends
from tests.peers.found import Peers
from tests.program import Program

pytestmark = pytest.mark.timeout(240)

_spec = importlib.util.spec_from_file_location("many", SERVERS / "many_tools_server.py")
assert _spec
assert _spec.loader
many = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(many)
SERVER = [sys.executable, str(SERVERS / "many_tools_server.py")]
HIDE = ("--hide", "tool:tool_*7")
NAMES = [f"tool_{number}" for number in range(many.PAGES * many.PER_PAGE) if number % 10 != 7]
Ask = Callable[[dict[str, object]], bytes]


@pytest.fixture
def ends(program: Program) -> Iterator[Ends]:
    made = Ends(program)
    yield made
    made.close()


def pipe(ends: Ends, argv: list[str]) -> Ask:
    process = subprocess.Popen(argv, env=ends.program.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ends.owns(process)

    def ask(message: dict[str, object]) -> bytes:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        return process.stdout.readline().rstrip(b"\n") if "id" in message else b""

    return ask


def web(url: str) -> Ask:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

    def ask(message: dict[str, object]) -> bytes:
        connection.request("POST", place.path, json.dumps(message), headers)
        answer = connection.getresponse()
        if "mcp-session-id" in answer.headers:
            headers["Mcp-Session-Id"] = answer.headers["mcp-session-id"]
        body = answer.read()
        return body.removeprefix(b"data: ").rstrip(b"\n") if body.startswith(b"data: ") else body

    return ask


def connected(ends: Ends, way: str, *options: str) -> Ask:
    """A client that has said hello."""
    if way == "stdio":
        ask = pipe(ends, ends.program.argv("proxy", *options, "--", *SERVER))
    elif way == "http-stdio":
        ask = pipe(ends, ends.program.argv("proxy", *options, "--stdio", ends.server(*SERVER)))
    else:
        ask = web(ends.proxy(*options, *(["--", *SERVER] if way == "stdio-http" else [ends.server(*SERVER)])))
    info = {"name": "pager", "version": "1"}
    params = {"protocolVersion": many.VERSION, "capabilities": {}, "clientInfo": info}
    ask({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    ask({"jsonrpc": "2.0", "method": "notifications/initialized"})
    return ask


def expected(id: int, number: int) -> bytes:
    """The page without every tenth tool and the separator behind it, its cache hints tightened."""
    text = many.answer({"id": id, "method": "tools/list", "params": {"cursor": f"→/{number}=é"}})
    for hidden in range(number * many.PER_PAGE + 7, (number + 1) * many.PER_PAGE, 10):
        assert many.tool(hidden) + " ,\t" in text
        text = text.replace(many.tool(hidden) + " ,\t", "")
    return text.replace('"ttlMs":1.5e3', '"ttlMs":0').replace('"public"', '"private"').encode()


@pytest.mark.parametrize("way", WAYS)
def test_fifty_pages_lose_only_what_is_hidden(ends: Ends, way: str) -> None:
    ask = connected(ends, way, *HIDE)
    cursor, seen = None, []
    for number in range(many.PAGES):
        wanted = {} if cursor is None else {"cursor": cursor}
        said = ask({"jsonrpc": "2.0", "id": number + 1, "method": "tools/list", "params": wanted})
        assert said == expected(number + 1, number)
        result = json.loads(said)["result"]
        cursor = result.get("nextCursor")
        seen += [tool["name"] for tool in result["tools"]]
    assert cursor is None
    assert seen == NAMES


def test_a_client_without_a_stream_is_not_said_to_have_heard(ends: Ends) -> None:
    ask = connected(ends, "http", "--only", "tool_1")
    with ends.control() as control:
        control.call("scope/tools/unhide", globs=["tool_2*"])
        page = json.loads(ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))["result"]
        names = [tool["name"] for tool in page["tools"]]
        assert names == ["tool_1", "tool_2", *(f"tool_2{n}" for n in range(10))]
    sent, unheard, again = ends.notes()
    assert "notifications/tools/list_changed was sent" in sent
    assert "that did not reach the client" in unheard
    assert "the client asked for its tools again after" in again


@pytest.mark.sdk1
@pytest.mark.sdk2
@pytest.mark.npm
@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("sdk2-legacy", "http"),
        pytest.param("sdk1", "stdio", marks=pytest.mark.soak),
        pytest.param("ts-v1", "stdio-http", marks=pytest.mark.soak),
        pytest.param("ts-v1", "http-stdio", marks=pytest.mark.soak),
    ],
)
def test_real_clients_page_through_them(ends: Ends, peers: Peers, kind: str, way: str) -> None:
    viewer, _ = ends.view(peers, kind, way, *HIDE, server=SERVER)
    assert viewer.does("pages")[1] == NAMES
    viewer.leaves()
