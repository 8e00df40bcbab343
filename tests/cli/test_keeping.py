"""``sessions name|note|rm|prune|compare``."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

from mcpscope.store.follow import Follower
from mcpscope.store.fulltext import fill
from mcpscope.store.recovery import recover
from tests.program import Program
from tests.store.journals import TestJournal, answer, request


def session(program: Program, number: int, **said: str) -> None:
    journal = TestJournal(program.db, f"1790000000-{number}-0000000{number}")
    journal.open_session(label="srv", **said)
    for id in range(number):
        journal.c2s(request(id, name="search"))
        journal.s2c(answer(id) if id else b'{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"x"}}\n')
    journal.close()
    recover(program.db)


@pytest.fixture
def two(program: Program) -> Program:
    session(program, 2)
    session(program, 3)
    return program


def data(program: Program, *args: str):
    done = program.run(*args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["data"]


def test_a_session_gets_a_name_and_a_note(two: Program) -> None:
    assert data(two, "sessions", "name", "1", "baseline") == {"id": 1, "name": "baseline"}
    assert two.run("sessions", "note", "baseline", "flaky on Mondays").returncode == 0
    shown = data(two, "sessions", "show", "baseline")
    assert (shown["id"], shown["name"], shown["note"]) == (1, "baseline", "flaky on Mondays")
    assert two.run("sessions", "note", "baseline").stdout == b"flaky on Mondays\n"
    assert two.run("sessions", "name", "2", "baseline").returncode == 2
    assert two.run("sessions", "name", "baseline", "").returncode == 0
    assert two.run("sessions", "show", "baseline").returncode == 5


@pytest.mark.parametrize("name", ["7", "#7", "last", " x", "a\nb", "\x1b[2J", "x" * 200])
def test_a_name_that_would_mislead_is_refused(two: Program, name: str) -> None:
    done = two.run("sessions", "name", "1", name)
    assert done.returncode == 2 and done.stderr.startswith(b"error: ") and b"\x1b" not in done.stderr


def test_two_sessions_are_compared_by_what_was_asked(two: Program) -> None:
    found = data(two, "sessions", "compare", "1", "2")
    row = next(row for row in found["rows"] if row["name"] == "search")
    assert (row["first"]["count"], row["second"]["count"], row["differs"]) == (2, 3, True)
    assert (row["first"]["failed"], row["second"]["failed"]) == (1, 1)
    text = two.run("sessions", "compare", "1", "2").stdout.decode()
    assert "search" in text and "FAILED A" in text
    assert "same calls" in two.run("sessions", "compare", "1", "1").stdout.decode()


def test_what_is_removed_is_gone_from_every_table(two: Program) -> None:
    fill(two.db)
    assert two.run("sessions", "rm", "1").returncode == 2  # nobody said yes
    assert data(two, "sessions", "rm", "1", "1", "--yes") == {"removed": [1]}
    with sqlite3.connect(two.db) as connection:
        for table in ("messages", "bodies", "exchanges", "notes", "definitions", "streams"):
            assert connection.execute(f"SELECT count(*) FROM {table} WHERE session_id = 1").fetchone() == (0,)
    assert [one["id"] for one in data(two, "log", "text:search session:1")] == []
    assert len(data(two, "log", "srv", "search")) == 3
    assert two.run("sessions", "rm", "2", "--yes").returncode == 0
    assert data(two, "sessions", "list") == []


def test_a_running_session_is_not_removed(program: Program) -> None:
    journal = TestJournal(program.db)
    journal.open_session(label="srv")
    journal.c2s(request(1))
    Follower(journal.folder, program.db).step()
    done = program.run("sessions", "rm", "last", "--yes")
    assert done.returncode == 2 and b"still running" in done.stderr
    journal.close()


def test_pruning_takes_old_sessions_without_a_name(two: Program) -> None:
    two.run("sessions", "name", "1", "kept")
    assert data(two, "sessions", "prune", "--older-than", "1h", "--dry-run")["would_remove"] in ([2], [])
    with sqlite3.connect(two.db) as connection:
        connection.execute("UPDATE sessions SET ended_at = ?", (time.time_ns() - 40 * 86400 * 10**9,))
    assert data(two, "sessions", "prune", "--dry-run")["would_remove"] == [2]
    assert data(two, "sessions", "prune", "--keep", "1", "--dry-run")["would_remove"] == []
    assert data(two, "sessions", "prune", "--yes") == {"removed": [2]}
    assert [one["id"] for one in data(two, "sessions", "list")] == [1]
    for wrong in ("soon", "-1d", "30", "99999999999d"):
        assert two.run("sessions", "prune", f"--older-than={wrong}").returncode == 2, wrong
