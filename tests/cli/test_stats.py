"""``mcpscope stats`` counts what is recorded: the same as anybody finds who counts the rows."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
from contextlib import closing
from typing import Any

import pytest

from tests.program import Program, until
from tests.store import made

SERVER = """
import json, sys
tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("used", "idle")]
for line in sys.stdin:
    said = json.loads(line)
    result = {"tools": tools} if said["method"] == "tools/list" else {"content": []}
    print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": result}), flush=True)
"""


@pytest.fixture
def counted(program: Program) -> Program:
    made.database(program.db, 400, seed=3)
    return program


def data(program: Program, *args: str) -> list[dict[str, Any]]:
    done = program.run("--json", "stats", *args)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["data"]
    return found


def rows(program: Program, where: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(program.db)) as connection:
        sql = f"SELECT tool, status, dur_ns FROM exchanges WHERE kind = 'request' AND {where}"
        return connection.execute(sql).fetchall()


def test_by_tool(counted: Program) -> None:
    found = {row["tool"]: row for row in data(counted)}
    calls: dict[str, list[tuple[str, int | None]]] = {}
    for tool, status, took in rows(counted, "tool != ''"):
        calls.setdefault(tool, []).append((status, took))
    assert found.keys() == calls.keys()
    for tool, said in calls.items():
        assert found[tool]["calls"] == len(said)
        failed = [status for status, _ in said if status in ("rpc-error", "tool-error", "malformed", "lost")]
        assert found[tool]["errors"] == len(failed)
        answered = ("ok", "late", "rpc-error", "tool-error")
        took = sorted(ns for status, ns in said if status in answered and ns is not None)
        for part, name in ((0.5, "p50_ms"), (0.95, "p95_ms"), (0.99, "p99_ms")):
            wanted = took[max(0, math.ceil(part * len(took)) - 1)] / 1e6 if took else None
            assert found[tool][name] == wanted


def test_every_way_of_counting_counts_all(counted: Program) -> None:
    everything = len(rows(counted, "1"))
    for by in ("method", "client", "server", "session", "hour", "day"):
        assert sum(row["calls"] for row in data(counted, "--by", by)) == everything, by


def test_a_filter_and_an_order(counted: Program) -> None:
    everything, failed = data(counted), data(counted, "is:error")
    assert sum(row["calls"] for row in failed) < sum(row["calls"] for row in everything)
    assert [row["calls"] for row in everything] == sorted((row["calls"] for row in everything), reverse=True)
    names = [row["tool"] for row in data(counted, "--sort", "name")]
    assert names == sorted(names)
    text = counted.run("stats", "--ascii").stdout.decode()
    assert text.splitlines()[0].split()[:3] == ["TOOL", "CALLS", "ERRORS"]
    assert not set("▁▂▃▄▅▆▇█") & set(text)
    assert counted.run("stats", "--by", "moon").returncode == 2
    assert counted.run("stats", "nosuch").returncode == 5


def test_what_was_never_called(program: Program) -> None:
    asked = [{"method": "tools/list"}, {"method": "tools/call", "params": {"name": "used", "arguments": {}}}]
    lines = (json.dumps({"jsonrpc": "2.0", "id": id, **said}) for id, said in enumerate(asked, 1))
    said = "".join(f"{line}\n" for line in lines).encode()
    assert program.run("--", sys.executable, "-c", SERVER, input=said).returncode == 0
    never = until(lambda: data(program, "--never"))
    assert [(row["tool"], row["definition_bytes"] > 0) for row in never] == [("idle", True)]
    assert "1 of 2 tools" in program.run("stats", "--never").stdout.decode().splitlines()[-1]
