"""HAR: valid for a validator, whatever was recorded; HTTP as it was, everything else by its meaning."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from mcpscope.demo.frozen import build
from mcpscope.engine.filter.language import parse
from mcpscope.exports.documents import Source
from mcpscope.exports.har.log import as_har
from mcpscope.exports.masks import Masks
from mcpscope.store.directory import Directory
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from tests.exports.recorded import MS, call, hostile, message, record, text
from tests.peers.found import Peers


def har_of(db: Path, session: int, wanted: str = "") -> bytes:
    with reading(db) as connection:
        info = Directory(connection).find(str(session))
        asked = parse(wanted)
        query = Query(connection, asked, sessions=[info.id])
        return b"".join(as_har(Source(connection, info, query, Masks(), whole=asked.is_empty), False))


def entries(har: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(har)["log"]["entries"]
    for one in found:
        assert one["time"] == sum(value for value in one["timings"].values() if value > 0)
    return found


def over_http(db: Path) -> int:
    """A call answered on an event stream with progress before it, and a GET that was refused."""
    asked, answer = call(7, "search", {"token": "hunter22"}, text("four"), at=1, took=30)
    asked["message"]["params"]["_meta"] = {"progressToken": 7}
    params = {"progressToken": 7, "progress": 1}
    progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
    secret = ["Authorization", "Bearer hunter22hunter22"]
    heads = [["Host", "127.0.0.1:7717"], secret, ["Content-Type", "application/json"]]
    target = "/mcp?key=1&api_key=hunter22"
    events = {"status": 200, "reason": "OK", "headers": [["content-type", "text/event-stream"]]}
    refused = {"status": 405, "reason": "Method Not Allowed", "headers": [["allow", "POST"]]}
    lines = [
        {
            "at": 0,
            "stream": 1,
            "open": {"method": "POST", "target": target, "headers": heads},
            "facts": events,
        },
        {**asked, "stream": 1},
        message(20, "s2c", progress, stream=1),
        {**answer, "stream": 1},
        {"at": 32 * MS, "stream": 1, "close": {"status": 200, "closed_by": "server"}},
        {"at": 40 * MS, "stream": 2, "open": {"method": "GET", "target": "/mcp"}, "facts": refused},
        {"at": 41 * MS, "stream": 2, "close": {"status": 405, "text": "no such method"}},
    ]
    told = {"url": "https://example.org/mcp", "client_transport": "http", "server_transport": "http"}
    return record(db, lines, **told)


def test_http_is_told_as_it_was_without_its_secrets(tmp_path: Path) -> None:
    har = har_of(tmp_path / "m.db", over_http(tmp_path / "m.db"))
    assert b"hunter22" not in har and b"values are masked" in har
    post, get = entries(har)
    assert post["request"]["url"] == "https://example.org/mcp?key=1&api_key=%5Bmasked%202%5D"
    assert json.loads(post["request"]["postData"]["text"])["params"]["name"] == "search"
    assert post["response"]["content"]["mimeType"] == "text/event-stream"
    events = post["response"]["content"]["text"].split("\n\n")
    assert [event.startswith("event: message\ndata: {") for event in events] == [True, True, False]
    assert (get["request"]["method"], get["response"]["status"]) == ("GET", 405)
    assert get["response"]["content"]["text"] == "no such method"


def test_a_filter_leaves_the_streams_it_asks_for(tmp_path: Path) -> None:
    session = over_http(tmp_path / "m.db")
    assert len(entries(har_of(tmp_path / "m.db", session, "tool:search"))) == 1
    assert entries(har_of(tmp_path / "m.db", session, "tool:other")) == []


def test_what_went_without_http_is_an_entry_an_exchange(tmp_path: Path) -> None:
    build(tmp_path / "m.db")
    found = entries(har_of(tmp_path / "m.db", 1))
    urls = [one["request"]["url"] for one in found]
    assert "mcp://demo/tools/call/weather" in urls and "mcp://demo/sampling/createMessage" in urls
    failed = next(one for one in found if one["request"]["url"].endswith("no_such_tool"))
    assert failed["response"]["status"] == 500


def test_a_validator_takes_every_one(tmp_path: Path, peers: Peers) -> None:
    build(tmp_path / "tour.db")
    made = {
        "http": har_of(tmp_path / "http.db", over_http(tmp_path / "http.db")),
        "tour": har_of(tmp_path / "tour.db", 1),
        "modern": har_of(tmp_path / "tour.db", 2),
        "hostile": har_of(tmp_path / "hostile.db", hostile(tmp_path / "hostile.db")),
    }
    for name, har in made.items():
        done = subprocess.run(peers.har_validator, input=har, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, b"valid\n"), (name, done.stdout, done.stderr)
        assert har.decode().replace("\n", "").isprintable()
