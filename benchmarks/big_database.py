"""A database of a million messages, made as the recorder makes it, and what readers wait for in it.

python -m benchmarks.big_database make FILE [MESSAGES]
python -m benchmarks.big_database measure FILE
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from mcpscope.engine.filter.language import parse
from mcpscope.store import schema
from mcpscope.store.bodies import BlockWriter
from mcpscope.store.fulltext import fill
from mcpscope.store.query import Query

MESSAGES = 1_000_000
BATCH = 4_000
SESSIONS = 40
START = 1_790_000_000_000_000_000
BARS_MS = {"last page": 5, "filter": 5, "full text": 20}
MEASURED = [
    ("last page", ""),
    ("filter", "method:tools/call"),
    ("filter", "method:tools/list"),
    ("filter", "method:resources/*"),
    ("filter", "tool:tool_07"),
    ("filter", "tool:rare_tool"),
    ("filter", "tool:tool_0*"),
    ("filter", "status:rpc-error"),
    ("filter", "is:error"),
    ("filter", "session:recording-7"),
    ("filter", "session:recording-7 tool:tool_07"),
    ("filter", "method:tools/call tool:rare_tool status:ok"),
    ("filter", "dur>900ms"),
    ("filter", "size>10mb"),
    ("filter", "code:-1"),
    ("filter", "is:edited"),
    ("filter", "is:server-initiated"),
    ("full text", "needle-in-the-hay"),
    ("full text", '"quartz violet"'),
    ("full text", "tool_07 quartz"),
    ("full text", "nothingofthekind"),
    ("json path", "args.path:/srv/quartz*"),
    ("json path", "args.limit>99"),
    ("regex", "tool:rare_tool ~quartz.*violet"),
]


def make(path: Path, messages: int) -> None:
    """Write the database; every exchange is a request and its answer."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(4000)]
    words += ["quartz", "violet"]
    schema.ensure(path)
    with closing(schema.connect_rw(path)) as connection:
        for number in range(SESSIONS):
            connection.execute(
                "INSERT INTO sessions (uid, number, label, name, client_name, server_name, started_at)"
                " VALUES (?, 1, 'bench', ?, 'bench client', 'bench server', ?)",
                (f"big-{number}", f"recording-{number}", START),
            )
        for first in range(1, messages, BATCH):
            _batch(connection, rng, words, first, min(messages - first + 1, BATCH), messages)


def _batch(
    connection: sqlite3.Connection, rng: random.Random, words: list[str], first: int, count: int, total: int
) -> None:
    blocks, messages, exchanges = BlockWriter(), [], []
    connection.execute("BEGIN IMMEDIATE")
    for id in range(first, first + count, 2):
        session = 1 + id * SESSIONS // (total + 1)
        method, tool = _call(rng, id)
        params = {"name": tool, "arguments": _arguments(rng, words)} if tool else {}
        request = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        text = " ".join(rng.choices(words, k=25)) + (" needle-in-the-hay" if id == total // 2 + 1 else "")
        failed = rng.random() < 0.02
        answer: dict[str, object] = {"jsonrpc": "2.0", "id": id}
        if failed:
            answer["error"] = {"code": -32602, "message": text}
        else:
            answer["result"] = {"content": [{"type": "text", "text": text}], "isError": False}
        at, dur = START + id * 1_000_000, int(rng.expovariate(1 / 40e6))
        sizes = []
        for own, dir, kind, body in ((id, "c2s", "request", request), (id + 1, "s2c", "result", answer)):
            raw = json.dumps(body, separators=(",", ":")).encode()
            sizes.append(len(raw))
            body_id, body_at = blocks.add(session, own, raw)
            row = (own, session, id, at, dir, 0, kind, method if own == id else None, str(id), len(raw))
            messages.append((*row, body_id, body_at))
        status = "rpc-error" if failed else "ok"
        code = -32602 if failed else None
        facts = (id, session, "request", "c2s", method, tool, tool or "", str(id), status, code, at, at + dur)
        exchanges.append((*facts, dur, id, id + 1, *sizes, "", text[:60]))
    blocks.flush(connection)
    connection.executemany(
        "INSERT INTO messages (id, session_id, exchange_id, at, dir, stream, kind, method, rpc_id, size,"
        f" body_id, body_at) VALUES ({', '.join('?' * 12)})",
        messages,
    )
    connection.executemany(
        "INSERT INTO exchanges (id, session_id, kind, dir, method, tool, name, rpc_id, status, code,"
        " opened_at, ended_at, dur_ns, request_id, answer_id, req_bytes, res_bytes, flags, summary)"
        f" VALUES ({', '.join('?' * 19)})",
        exchanges,
    )
    connection.execute("UPDATE sequence SET next = ?", (first + count + 1,))
    connection.execute("COMMIT")


def _call(rng: random.Random, id: int) -> tuple[str, str | None]:
    roll = rng.random()
    if roll < 0.9:
        return "tools/call", "rare_tool" if id % 40_000 == 1 else f"tool_{rng.randint(0, 40):02}"
    return rng.choice(["tools/list", "ping", "resources/read", "resources/list", "prompts/get"]), None


def _arguments(rng: random.Random, words: list[str]) -> dict[str, object]:
    path = "/srv/" + "/".join(rng.choices(words, k=3))
    return {"query": " ".join(rng.choices(words, k=5)), "limit": rng.randint(1, 100), "path": path}


def measure(path: Path) -> int:
    """Print the median time to the newest 100 of each filter; the number of bars that are missed."""
    missed = 0
    with closing(schema.connect_ro(path)) as connection:
        for what, text in MEASURED:
            found = 0

            def once(text: str = text) -> None:
                nonlocal found
                found = len(list(Query(connection, parse(text)).newest(limit=100)))

            took = _median_ms(once, 7)
            bar = BARS_MS.get(what)
            missed += bar is not None and took > bar
            print(f"{what:10} {text or '(none)':45} {found:4} rows {took:9.2f} ms   bar {bar or '-'}")
    return missed


def _median_ms(once: Callable[[], None], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        once()
        times.append((time.perf_counter() - start) * 1000)
        if times[0] > 2000:
            break
    return statistics.median(times)


def main() -> int:
    command, path = sys.argv[1], Path(sys.argv[2])
    if command == "measure":
        return measure(path)
    start = time.perf_counter()
    make(path, int(sys.argv[3]) if len(sys.argv) > 3 else MESSAGES)
    made = time.perf_counter()
    steps = fill(path)
    filled = time.perf_counter()
    print(f"made in {made - start:.0f} s, full text in {filled - made:.0f} s ({steps} transactions)")
    print(f"{path.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
