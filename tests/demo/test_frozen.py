"""The frozen demo: one database for everybody who needs one that never changes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcpscope.demo.frozen import build
from mcpscope.errors import ScopeError
from mcpscope.paths import journal_root
from tests.program import Program

TABLES = ("sessions", "messages", "bodies", "exchanges", "notes", "definitions")


def rows(db: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(db)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def test_two_databases_of_one_seed_have_the_same_rows(tmp_path: Path) -> None:
    build(tmp_path / "a" / "demo.db", seed=1)
    build(tmp_path / "b" / "demo.db", seed=1)
    found = rows(tmp_path / "a" / "demo.db")
    assert found == rows(tmp_path / "b" / "demo.db")
    assert len(found["sessions"]) == 2
    assert len(found["messages"]) > 80


def test_nothing_of_the_journals_is_left(tmp_path: Path) -> None:
    build(tmp_path / "demo.db", seed=1)
    assert [left for left in journal_root(tmp_path / "demo.db").iterdir() if left.is_dir()] == []


def test_a_database_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.db").write_text("precious")
    with pytest.raises(ScopeError, match="exists"):
        build(tmp_path / "mine.db")
    assert (tmp_path / "mine.db").read_text() == "precious"


def test_the_command_says_where_the_database_is(program: Program, tmp_path: Path) -> None:
    db = tmp_path / "frozen.db"
    done = program.run("demo", "--frozen-clock", "--seed", "1", "--db", str(db))
    assert (done.returncode, done.stdout.decode().strip()) == (0, str(db))
    assert len(rows(db)["sessions"]) == 2


def test_its_sessions_ended_cleanly(tmp_path: Path) -> None:
    build(tmp_path / "demo.db", seed=1)
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        found = connection.execute("SELECT label, end_reason, exit_code FROM sessions").fetchall()
    assert found == [("demo", "clean", 0), ("demo-2026", "clean", 0)]
