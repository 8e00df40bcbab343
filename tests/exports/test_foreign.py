"""Recordings of other programs, in the shapes they are published in: told as ours, as the same exchanges."""

from __future__ import annotations

import base64
import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcpscope.demo.frozen import build
from mcpscope.exports.foreign.kinds import Opened
from mcpscope.exports.foreign.telling import nanoseconds
from mcpscope.store import schema
from mcpscope.store.reader import Reader
from mcpscope.store.taking_in import take_in
from tests.exports.test_har import har_of, over_http

HELLO = {
    "jsonrpc": "2.0", "id": 0, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {},
               "clientInfo": {"name": "c", "version": "1"}},
}  # fmt: skip
HELLO_BACK = {
    "jsonrpc": "2.0", "id": 0,
    "result": {"protocolVersion": "2025-11-25", "capabilities": {},
               "serverInfo": {"name": "srv", "version": "2"}},
}  # fmt: skip
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "add", "arguments": {"n": 2**70}, "_meta": {"progressToken": 1}},
}
CALL_BACK = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "Grüße"}]}}
PROGRESS = {
    "jsonrpc": "2.0",
    "method": "notifications/progress",
    "params": {"progressToken": 1, "progress": 1},
}
EXPECTED = [("initialize", "", "ok"), ("tools/call", "add", "ok")]


def taken(db: Path, file: bytes) -> list[int]:
    opened = Opened(io.BytesIO(file))
    assert opened.tellings is not None
    return [take_in(db, told.lines(), foreign=True).session_id for told in opened.tellings]


def exchanges(db: Path, session: int) -> list[tuple[Any, ...]]:
    columns = "ifnull(nullif(method, ''), kind), ifnull(tool, ''), status"
    query = f"SELECT {columns} FROM exchanges WHERE session_id = ? ORDER BY id"
    with closing(schema.connect_ro(db)) as connection:
        return [tuple(row) for row in connection.execute(query, (session,))]


def facts(db: Path, session: int) -> dict[str, Any]:
    names = ("label", "command", "url", "client_name", "server_name", "revision", "era", "server_transport",
             "lost_messages", "version")  # fmt: skip
    with closing(schema.connect_ro(db)) as connection:
        row = connection.execute(
            f"SELECT {', '.join(names)} FROM sessions WHERE id = ?", (session,)
        ).fetchone()
    return dict(zip(names, row, strict=True))


def lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in objects)


def browser_entry(second: int, asked: Any, answer: str, kind: str, **more: Any) -> dict[str, Any]:
    """An entry as browsers write it; ``answer`` is the body of an event stream or JSON."""
    content = {"size": len(answer), "mimeType": kind, "text": answer} | more.pop("content", {})
    headers = [{"name": "Content-Type", "value": kind}, *more.pop("answered", [])]
    request = {
        "method": "POST", "url": "https://api.example.org/mcp", "httpVersion": "h2", "cookies": [],
        "headers": [{"name": "Accept", "value": "*/*"}, *more.pop("sent", [])], "queryString": [],
        "headersSize": -1, "bodySize": -1,
    }  # fmt: skip
    if asked is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(asked, ensure_ascii=False)}
    return {
        "startedDateTime": f"2026-03-01T12:00:{second:02}.250+01:00", "time": 40.5, "request": request | more,
        "response": {"status": 200, "statusText": "", "httpVersion": "h2", "cookies": [], "headers": headers,
                     "content": content, "redirectURL": "", "headersSize": -1, "bodySize": -1},
        "cache": {}, "timings": {"blocked": 1, "send": 0.5, "wait": 30, "receive": 9},
    }  # fmt: skip


def event(*messages: Any) -> str:
    return "".join(f"id: 1\r\nevent: message\r\ndata: {json.dumps(one)}\r\n\r\n" for one in messages)


def har(*entries: Any) -> bytes:
    return json.dumps(
        {"log": {"version": "1.2", "creator": {"name": "Browser", "version": "9"}, "entries": entries}}
    ).encode()


def test_a_browser_s_har_is_a_session_for_each_endpoint_and_session_id(tmp_path: Path) -> None:
    session = [{"name": "Mcp-Session-Id", "value": "s-1"}]
    coded = {"text": base64.b64encode(event(PROGRESS, CALL_BACK).encode()).decode(), "encoding": "base64"}
    other = browser_entry(9, {"jsonrpc": "2.0", "id": 1, "method": "ping"}, "", "application/json",
                          url="https://other.example.org/mcp")  # fmt: skip
    file = b"\xef\xbb\xbf" + har(
        browser_entry(1, HELLO, json.dumps(HELLO_BACK), "application/json", answered=session),
        {"request": {"method": "GET", "url": "https://api.example.org/style.css"}},
        browser_entry(
            2, {"query": "{users}"}, '{"data":{}}', "application/json", url="https://api.example.org/gql"
        ),
        browser_entry(3, CALL, "", "text/event-stream", sent=session, content=coded),
        other,
    )
    first, second = taken(tmp_path / "m.db", file)
    assert exchanges(tmp_path / "m.db", first) == EXPECTED
    assert exchanges(tmp_path / "m.db", second) == [("ping", "", "lost")]
    told = facts(tmp_path / "m.db", first)
    assert (told["url"], told["label"]) == ("https://api.example.org/mcp", "api.example.org")
    assert (told["client_name"], told["server_name"], told["revision"]) == ("c", "srv", "2025-11-25")
    with closing(schema.connect_ro(tmp_path / "m.db")) as connection:
        took = connection.execute("SELECT dur_ns, opened_at FROM exchanges WHERE tool = 'add'").fetchone()
    assert took == (40_500_000, 1772362803_250_000_000)


def test_the_stream_of_an_older_server_and_the_posts_to_it_are_one_session(tmp_path: Path) -> None:
    listening = browser_entry(
        1, None, "event: endpoint\ndata: /messages?sessionId=7\n\n" + event(HELLO_BACK, CALL_BACK),
        "text/event-stream", method="GET", url="https://api.example.org/sse",
    )  # fmt: skip
    listening["time"], listening["timings"]["receive"] = 9000, 8900
    place = {"url": "https://api.example.org/messages?sessionId=7"}
    file = har(
        listening,
        browser_entry(2, HELLO, "Accepted", "text/plain", **place),
        browser_entry(3, CALL, "Accepted", "text/plain", **place),
    )
    (session,) = taken(tmp_path / "m.db", file)
    assert exchanges(tmp_path / "m.db", session) == EXPECTED
    assert facts(tmp_path / "m.db", session)["server_transport"] == "sse"


def test_our_own_har_comes_back_as_the_same_exchanges(tmp_path: Path) -> None:
    build(tmp_path / "tour.db")
    for number in (1, 2):
        (session,) = taken(tmp_path / "back.db", har_of(tmp_path / "tour.db", number))
        was = [one for one in exchanges(tmp_path / "tour.db", number) if one[2] != "noted"]
        assert [one for one in exchanges(tmp_path / "back.db", session) if one[2] != "noted"] == was
    (session,) = taken(tmp_path / "back.db", har_of(tmp_path / "h.db", over_http(tmp_path / "h.db")))
    assert exchanges(tmp_path / "back.db", session) == [("tools/call", "search", "ok")]


def envelope(seq: int, direction: str, **more: Any) -> dict[str, Any]:
    head = {"session_id": "20260301-fs-1", "server_label": "fs", "seq": seq, "transport": "stdio"}
    return {**head, "ts": f"2026-03-01T12:00:00.{seq:09}+01:00", "direction": direction, **more}


def test_a_log_of_mcpsnoop_keeps_the_bytes_of_its_messages(tmp_path: Path) -> None:
    odd = b'{ "jsonrpc":"2.0","id":9, "method":"ping","n":1.50,"n":2}'
    file = (
        lines(
            envelope(1, "meta", raw={"command": ["node", "srv.js"], "cwd": "/x"}),
            envelope(2, "c2s", raw=HELLO),
            envelope(3, "s2c", raw=HELLO_BACK),
            envelope(4, "stderr", text="ready"),
            envelope(5, "s2c", text="DEBUG no JSON"),
            envelope(9, "c2s", raw=CALL),
            envelope(10, "s2c", raw=CALL_BACK),
        )
        + json.dumps(envelope(11, "c2s", raw=0)).encode().replace(b'"raw": 0', b'"raw": ' + odd)
        + b'\n{"session'
    )
    (session,) = taken(tmp_path / "m.db", file)
    told = facts(tmp_path / "m.db", session)
    assert (told["label"], json.loads(told["command"]), told["lost_messages"]) == (
        "fs",
        ["node", "srv.js"],
        3,
    )
    assert [one[2] for one in exchanges(tmp_path / "m.db", session)] == [
        "ok",
        "noted",
        "malformed",
        "ok",
        "lost",
    ]
    assert odd in [frame.raw for frame in Reader(tmp_path / "m.db").frames()]


def test_clients_of_one_http_proxy_of_mcpsnoop_are_told_apart(tmp_path: Path) -> None:
    both = [
        envelope(seq, dir, raw=raw, conn_id=conn, transport="http")
        for seq, (dir, raw, conn) in enumerate(
            [("c2s", CALL, "a"), ("c2s", CALL, "b"), ("s2c", CALL_BACK, "b"), ("s2c", CALL_BACK, "a")]
        )
    ]
    assert [exchanges(tmp_path / "m.db", one) for one in taken(tmp_path / "m.db", lines(*both))] == [
        EXPECTED[1:]
    ] * 2


def test_what_mcpsnoop_exports_is_read_too(tmp_path: Path) -> None:
    events = [
        {"seq": n, "timestamp": f"2026-03-01T12:00:0{n}Z", "direction": dir, "kind": "request", "raw": raw}
        for n, (dir, raw) in enumerate(
            [("c2s", HELLO), ("s2c", HELLO_BACK), ("c2s", CALL), ("s2c", CALL_BACK)]
        )
    ]
    data = {
        "generated_at": "x",
        "session": {"id": "1", "label": "fs", "missing_frames": 4},
        "calls": [],
        "events": events,
    }
    (session,) = taken(tmp_path / "m.db", json.dumps(data, indent=2).encode())
    assert exchanges(tmp_path / "m.db", session) == EXPECTED
    assert facts(tmp_path / "m.db", session)["lost_messages"] == 4


def interaction(request: Any, response: Any, **more: Any) -> dict[str, Any]:
    usual = {
        "response_is_sse": True,
        "response_status": 200,
        "latency_ms": 7,
        "http_method": None,
        "http_path": None,
    }
    return {"type": "jsonrpc_request", "request": request, "response": response, **usual, **more}


@pytest.mark.parametrize("server", ["http://127.0.0.1:8000", "stdio://python srv.py --fast"])
def test_a_cassette_of_mcp_recorder(tmp_path: Path, server: str) -> None:
    metadata = {
        "recorded_at": "2026-03-01T12:00:00.5+00:00",
        "server_url": server,
        "protocol_version": "2025-11-25",
    }
    gone = {
        "type": "lifecycle",
        "request": None,
        "response": None,
        "http_method": "DELETE",
        "http_path": "/mcp",
    }
    found = [
        interaction(HELLO, HELLO_BACK),
        interaction(CALL, CALL_BACK, response_is_sse=False, latency_ms=1500),
    ]
    data = {"version": "1.0", "metadata": metadata, "interactions": [*found, gone]}
    (session,) = taken(tmp_path / "m.db", json.dumps(data).encode())
    assert exchanges(tmp_path / "m.db", session) == EXPECTED
    told = facts(tmp_path / "m.db", session)
    place = told["url"] if server.startswith("http") else json.loads(told["command"])
    assert place == (f"{server}/mcp" if server.startswith("http") else ["python", "srv.py", "--fast"])
    with closing(schema.connect_ro(tmp_path / "m.db")) as connection:
        assert connection.execute("SELECT dur_ns FROM exchanges WHERE tool = 'add'").fetchone() == (
            1_500_000_000,
        )


def test_a_log_of_the_other_mcp_recorder(tmp_path: Path) -> None:
    said = [("c2s", HELLO), ("s2c", HELLO_BACK), ("c2s", CALL), ("s2c", CALL_BACK)]
    told = [{"seq": n, "t": 1776658414.95 + n, "dir": dir, "msg": raw} for n, (dir, raw) in enumerate(said)]
    noise = {"seq": 4, "t": 1776658420.5, "dir": "s2c", "msg": "Listening…", "malformed": True}
    end = {"type": "summary", "startedAt": 1, "server": {"command": "bun", "args": ["srv.ts"]}}
    (session,) = taken(tmp_path / "m.db", lines(*told, noise, end))
    assert exchanges(tmp_path / "m.db", session) == [*EXPECTED, ("malformed", "", "malformed")]
    assert json.loads(facts(tmp_path / "m.db", session)["command"]) == ["bun", "srv.ts"]


def test_the_messages_that_the_inspector_exports(tmp_path: Path) -> None:
    def entry(second: int, direction: str, origin: str, message: Any, **more: Any) -> dict[str, Any]:
        head = {"id": f"u{second}", "timestamp": f"2026-03-01T12:00:{second:02}.100Z"}
        return {**head, "direction": direction, "origin": origin, "message": message, **more}

    sampling = {"jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage", "params": {"messages": []}}
    file = [
        entry(1, "request", "client", HELLO, response=HELLO_BACK, duration=12),
        entry(2, "request", "client", CALL, response=CALL_BACK, duration=3000),
        entry(
            3, "request", "server", sampling, response={"jsonrpc": "2.0", "id": 5, "result": {}}, duration=5
        ),
    ]
    (session,) = taken(tmp_path / "m.db", json.dumps(file, indent=2).encode())
    assert exchanges(tmp_path / "m.db", session) == [*EXPECTED, ("sampling/createMessage", "", "ok")]


def test_the_requests_that_the_inspector_exports(tmp_path: Path) -> None:
    def entry(second: int, body: Any, answer: Any, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "id": "1-x", "timestamp": f"2026-03-01T12:00:{second:02}.100Z", "method": "POST",
            "url": "http://127.0.0.1:3001/mcp", "requestHeaders": {"content-type": "application/json"},
            "requestBody": json.dumps(body), "responseStatus": 200, "responseStatusText": "OK",
            "responseHeaders": {"content-type": kind}, "responseBody": answer, "duration": 11, **more,
        }  # fmt: skip

    file = [
        {"id": "0-x", "timestamp": "2026-03-01T12:00:00Z", "method": "GET", "url": "http://127.0.0.1:3001/.well-known/x",
         "requestHeaders": {}, "error": "refused", "duration": 3, "category": "auth"},
        entry(1, HELLO, json.dumps(HELLO_BACK), "application/json"),
        entry(2, CALL, event(PROGRESS, CALL_BACK), "text/event-stream"),
    ]  # fmt: skip
    (session,) = taken(tmp_path / "m.db", json.dumps(file).encode())
    assert exchanges(tmp_path / "m.db", session) == EXPECTED


@pytest.mark.parametrize(
    "file",
    [b"", b"{}", b"[]", b"\xff\xfe", b"[1,2]", b'{"log":{}}', b'{"log":{"entries":7}}', b"[" * 100_000],
)
def test_what_nobody_wrote_is_left_to_our_own_reader(file: bytes) -> None:
    opened = Opened(io.BytesIO(file))
    assert opened.tellings is None and b"".join(opened.lines()) == file


WRONG: list[Any] = [None, True, -1, 2**70, 1e300, "", "x", [], {}, [[]], [None], [{}]]


def test_wrong_values_anywhere_are_passed_over(tmp_path: Path) -> None:
    """Every member of every shape in turn is something else: what can be read is read, nothing fails."""
    entry = browser_entry(
        1, HELLO, event(HELLO_BACK), "text/event-stream", sent=[{"name": "A", "value": "b"}]
    )
    day, posted = "2026-01-01", {"url": "http://a/mcp", "method": "POST"}
    said = {"timestamp": day, "direction": "request", "origin": "client", "message": CALL, "duration": 1}
    exported = {"seq": 1, "timestamp": day, "direction": "c2s", "raw": CALL}
    metadata = {"server_url": "http://a", "recorded_at": day}
    shapes: list[tuple[Any, bool]] = [
        ({"log": {"version": "1.2", "creator": {"name": "B"}, "entries": [entry]}}, False),
        (envelope(1, "c2s", raw=HELLO, conn_id="a"), True),
        ({"session": {"label": "a", "endpoint": "b"}, "events": [exported]}, False),
        ({"metadata": metadata, "interactions": [interaction(CALL, CALL_BACK)]}, False),
        ({"seq": 1, "t": 1.5, "dir": "c2s", "msg": CALL}, True),
        ([said], False),
        (
            [{"timestamp": day, **posted, "requestHeaders": {"a": "b"}, "requestBody": json.dumps(CALL)}],
            False,
        ),
    ]
    read = 0
    for shape, as_line in shapes:
        for path in places(shape):
            for wrong in WRONG:
                changed = json.dumps(replaced(shape, path, wrong)).encode()
                for told in Opened(io.BytesIO(changed + b"\n" * as_line)).tellings or ():
                    read += 1
                    assert all(json.loads(line) for line in told.lines())
    assert read > 1000


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], wrong)
    return copy


@pytest.mark.parametrize("wrong", [[], {}, True, 7, "\ud800"])
@pytest.mark.parametrize("place", ["dir", "messages", "told"])
def test_wrong_values_in_what_we_add_to_a_har_are_passed_over(place: str, wrong: Any) -> None:
    said = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    told = [{"dir": wrong if place == "told" else "s2c", "text": said, "at": 1}]
    entry = {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "request": {"url": "mcp://demo/ping", "postData": {"text": said}},
        "_mcpscope": {"dir": "c2s", "messages": told} | ({place: wrong} if place != "told" else {}),
    }
    tellings = Opened(io.BytesIO(har(entry))).tellings
    assert tellings is not None and len(tellings) == 1


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1970-01-01T01:00:01.5+01:00", 1_500_000_000),
        ("1970-01-01", 0),
        (1.5, 1_500_000_000),
        ("noon", None), (None, None), (True, None), (-1, None), (float("inf"), None), ("", None), ({}, None),
        ("9999-12-31T23:59:59.9Z", None), ("0001-01-01T00:00:00+14:00", None),
    ],
)  # fmt: skip
def test_times_are_read_to_the_nanosecond(text: Any, at: int | None) -> None:
    assert nanoseconds(text) == at
