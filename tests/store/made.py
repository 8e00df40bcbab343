"""Random exchanges, each twice: as rows of a database and as an Example in memory."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

from mcpscope.protocol.parsing import parse
from mcpscope.store import schema
from mcpscope.store.bodies import BlockWriter
from tests.engine.filter.examples import MS, Example

TOOLS = ["search_docs", "search_code", "read_file", "delete_file", "we[ird", "a*b", "Grüße", "x y", "RÉSUMÉ"]
METHODS = [
    "tools/call",
    "tools/list",
    "ping",
    "resources/read",
    "sampling/createMessage",
    "notifications/progress",
]
STATUSES = [
    "ok",
    "rpc-error",
    "tool-error",
    "waiting",
    "held",
    "denied",
    "mock",
    "cancelled",
    "late",
    "lost",
    "input",
]
FLAGS = ["bp", "edited", "slow", "img", "blob", "big", "cancel", "mock", "replay", "note", "rule:1"]
RULES = ["no-delete", "ask first", "slow*"]
SESSIONS = [
    ("s-1", "baseline", "fs", "claude-code", "filesystem"),
    ("s-2", None, "fs", "inspector", None),
    ("s-3", "other", None, None, "everything"),
]
WORDS = [
    "quota",
    "Grüße",
    "🎈",
    "timeout",
    'say "hi"',
    "back\\slash",
    "line\nbreak",
    "ok",
    "5",
    "true",
    "/etc/passwd",
]
START = 1_700_000_000_000_000_000


def value(rng: random.Random, depth: int = 0) -> Any:
    roll = rng.random()
    if depth < 3 and roll < 0.15:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    if depth < 3 and roll < 0.3:
        return {
            rng.choice(["a", "b", "list", "x y"]): value(rng, depth + 1) for _ in range(rng.randint(0, 3))
        }
    return rng.choice(
        [rng.choice(WORDS), rng.choice(WORDS), rng.randint(-3, 9), 2.5, 5.0, True, False, None, "", 2**70]
    )


def spelled(rng: random.Random, body: Any) -> bytes:
    """JSON in one of its spellings."""
    return json.dumps(body, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1])).encode()


def example(rng: random.Random, seq: int) -> Example:
    kind = rng.choice(["request"] * 7 + ["notification", "stderr", "note", "malformed", "answer"])
    session = rng.choice(SESSIONS)
    made = Example(
        seq=seq,
        kinds=(kind,),
        dir=rng.choice(["c2s", "s2c"]),
        method="",
        rpc_id="",
        status="noted" if kind in ("stderr", "note") else rng.choice(STATUSES),
        flags=tuple(rng.sample(FLAGS, rng.choice([0, 0, 1, 2]))),
        opened_at=START + seq * 1000 * MS + rng.randint(0, 5),
        dur_ns=rng.choice([None, rng.randint(0, 3000 * MS), 500 * MS]),
        req_bytes=rng.choice([None, 0, 10, 300, 1_000_000]),
        res_bytes=rng.choice([None, 0, 10, 1_200, 2_000_000]),
        session_names=tuple(
            str(n) for n in (SESSIONS.index(session) + 1, session[1], session[2], session[0]) if n
        ),
        client_names=tuple(n for n in (session[3],) if n),
        server_names=tuple(n for n in (session[4], session[2]) if n),
    )
    if kind in ("stderr", "note"):
        made.notes = (rng.choice(WORDS) + " " + rng.choice(WORDS),)
        return made
    if kind == "malformed":
        made.request = parse(
            rng.choice([b"Listening on stdio", b'{"a": "Quota', b"\xff\xfe bytes", b'["x"]'])
        )
        return made
    if rng.random() < 0.1:
        made.notes = (rng.choice(WORDS),)
    _fill(rng, made, kind)
    return made


def _fill(rng: random.Random, made: Example, kind: str) -> None:
    made.rpc_id = rng.choice(["1", '"1"', "1.0", '"abc"', "7"])
    made.method = rng.choice(METHODS)
    if rng.random() < 0.2:
        made.rules = tuple(rng.sample(RULES, rng.randint(1, 2)))
    if rng.random() < 0.2:
        made.wait_ns = rng.choice([5 * MS, 2_000 * MS])
    params: dict[str, Any] = {}
    if made.method == "tools/call":
        made.tool = made.name = params["name"] = rng.choice(TOOLS)
        params["arguments"] = {
            rng.choice(["path", "query", "n", "x y"]): value(rng) for _ in range(rng.randint(0, 3))
        }
    elif made.method == "resources/read":
        made.name = made.uri = params["uri"] = rng.choice(["file:///a", "file:///b[1]"])
    if rng.random() < 0.2:
        params["_meta"] = {"progressToken": rng.randint(1, 3)}
    if kind != "answer":
        made.request = parse(
            spelled(rng, {"jsonrpc": "2.0", "id": 1, "method": made.method, "params": params})
        )
    if kind == "answer" or rng.random() < 0.7:
        made.kinds = (kind, "response")
        made.answer = parse(spelled(rng, _answer(rng, made)))
    if rng.random() < 0.2:
        made.more = [
            spelled(rng, {"method": "notifications/progress", "params": {"message": rng.choice(WORDS)}})
        ]


def _answer(rng: random.Random, made: Example) -> dict[str, Any]:
    if rng.random() < 0.3:
        made.code = rng.choice([-32602, -32601, 7])
        return {
            "jsonrpc": "2.0",
            "id": 1,
            "error": {"code": made.code, "message": rng.choice(WORDS), "data": value(rng)},
        }
    content = [
        {"type": "text", "text": rng.choice(WORDS)},
        {"type": "image", "mimeType": "image/PNG", "data": "aGk="},
    ]
    result = {"content": rng.sample(content, rng.randint(0, 2)), "structuredContent": {"total": value(rng)}}
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def database(path: Path, count: int, seed: int) -> list[Example]:
    """A database at ``path`` with ``count`` random exchanges, and the same in memory."""
    rng = random.Random(seed)
    schema.ensure(path)
    connection = schema.connect_rw(path)
    connection.execute("BEGIN IMMEDIATE")
    for uid, name, label, client, server in SESSIONS:
        connection.execute(
            "INSERT INTO sessions (uid, name, label, client_name, server_name, started_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (uid, name, label, client, server, START),
        )
    blocks, made, next_id = BlockWriter(), [], 1
    for _ in range(count):
        one = example(rng, next_id)
        next_id = _insert(connection, blocks, one)
        made.append(one)
    blocks.flush(connection)
    connection.execute("UPDATE sequence SET next = ?", (next_id,))
    connection.execute("COMMIT")
    connection.close()
    return made


def _insert(connection: sqlite3.Connection, blocks: BlockWriter, one: Example) -> int:
    session = int(one.session_names[0])
    next_id, kind = one.seq, one.kinds[0]
    request_id = answer_id = None
    if kind in ("stderr", "note"):
        _note(connection, next_id, session, kind, one.notes[0], None)
        next_id += 1
    for message, raw in [
        *((message, message.raw) for message in (one.request, one.answer) if message),
        *((None, raw) for raw in one.more),
    ]:
        body_id, at = blocks.add(session, next_id, raw)
        connection.execute(
            "INSERT INTO messages (id, session_id, exchange_id, at, dir, kind, size, body_id, body_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (next_id, session, one.seq, one.opened_at, "c2s", "request", len(raw), body_id, at),
        )
        request_id = next_id if message is not None and message is one.request else request_id
        answer_id = next_id if message is not None and message is one.answer else answer_id
        next_id += 1
    if kind not in ("stderr", "note") and one.notes:
        _note(connection, next_id, session, "remark", one.notes[0], json.dumps({"exchange": one.seq}))
        next_id += 1
    for rule in one.rules:
        _outcome(connection, one.seq, rule, None)
    if one.wait_ns:
        _outcome(connection, one.seq, None, one.wait_ns)
        _outcome(connection, one.seq, None, one.wait_ns - 1)
    connection.execute(
        "INSERT INTO exchanges (id, session_id, kind, dir, method, tool, name, rpc_id, status, code,"
        " opened_at, dur_ns, request_id, answer_id, req_bytes, res_bytes, flags)"
        f" VALUES ({', '.join('?' * 17)})",
        (one.seq, session, kind, one.dir, one.method or None, one.tool or None, one.name, one.rpc_id or None,
         one.status, one.code, one.opened_at, one.dur_ns, request_id, answer_id, one.req_bytes, one.res_bytes,
         " ".join(one.flags)),
    )  # fmt: skip
    return next_id


def _note(
    connection: sqlite3.Connection, id: int, session: int, kind: str, text: str, detail: str | None
) -> None:
    connection.execute(
        "INSERT INTO notes (id, session_id, at, kind, text, detail) VALUES (?, ?, ?, ?, ?, ?)",
        (id, session, START, kind, text.encode(), detail),
    )


def _outcome(connection: sqlite3.Connection, message: int, rule: str | None, waited: int | None) -> None:
    connection.execute(
        "INSERT INTO outcomes (message_id, outcome, rule, waited_ns, at) VALUES (?, ?, ?, ?, ?)",
        (message, "edited", rule, waited, START),
    )
