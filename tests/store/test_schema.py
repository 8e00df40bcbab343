"""The database file: modes, creation by several at once, what is refused."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import journal_root
from mcpscope.store import schema


def test_a_new_database_is_private_and_vacuums_incrementally(tmp_path: Path) -> None:
    path = tmp_path / "state" / "scope.db"
    old = os.umask(0)
    try:
        schema.ensure(path)
    finally:
        os.umask(old)
    connection = schema.connect_rw(path)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.execute("UPDATE sequence SET next = 2")
    for name in ("scope.db", "scope.db-wal", "scope.db-shm"):
        assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal_root(path).stat().st_mode) == 0o700
    assert schema.version_of(path) == schema.SCHEMA_VERSION


def test_every_documented_view_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "scope.db"
    schema.ensure(path)
    connection = schema.connect_ro(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        assert connection.execute(f"SELECT * FROM {name}").fetchall() == []


def test_a_database_made_at_once_is_what_the_migrations_make(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    schema.ensure(made)
    sqlite3.connect(migrated).execute("PRAGMA journal_mode = WAL")  # cut short: a page, and nothing in it
    schema.ensure(migrated)

    def told(path: Path) -> list[object]:
        connection = schema.connect_ro(path)
        names = ("application_id", "user_version", "journal_mode")
        return [
            *connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name"),
            *connection.execute("SELECT id, migration_set, name FROM _sqlite_migrations ORDER BY id"),
            *(connection.execute(f"PRAGMA {name}").fetchone() for name in names),
        ]

    assert told(made) == told(migrated)


def test_six_processes_create_one_database(tmp_path: Path) -> None:
    path = tmp_path / "scope.db"
    code = "import sys, pathlib; from mcpscope.store.schema import ensure; ensure(pathlib.Path(sys.argv[1]))"
    started = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(6)]
    assert [process.wait(60) for process in started] == [0] * 6
    assert schema.version_of(path) == schema.SCHEMA_VERSION


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "scope.db"
    schema.ensure(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(schema.NewerDatabase) as caught:
        schema.ensure(path)
    assert caught.value.exit == Exit.STORE
    assert "newer mcpscope" in caught.value.message


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 100, b"SQLite"])
def test_what_is_not_sqlite_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scope.db"
    path.write_bytes(content)
    with pytest.raises(ScopeError) as caught:
        schema.ensure(path)
    assert caught.value.code == "db_damaged"
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE birds (name)")
    connection.close()
    with pytest.raises(ScopeError) as caught:
        schema.ensure(path)
    assert caught.value.code == "db_foreign"


def test_a_link_in_place_of_the_database_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "scope.db"
    path.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(ScopeError):
        schema.ensure(path)
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_database_is_made_without_a_look_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("secrets.py", "json.py"):
        (tmp_path / name).write_text("open('ran', 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    schema.ensure(tmp_path / "state" / "scope.db")
    assert not (tmp_path / "ran").exists()


CUT_SHORT = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE begun (value)")
for number in range(200):  # more than the cache takes: pages are in the file, and how it was in the journal
    connection.execute("INSERT INTO begun VALUES (zeroblob(4000))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_creation_that_was_killed_before_it_was_whole_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "scope.db"
    journal_root(path).mkdir()
    subprocess.run([sys.executable, "-c", CUT_SHORT, str(path)], check=False)
    assert path.with_name("scope.db-journal").stat().st_size and path.stat().st_size
    assert schema.version_of(path) == 0
    schema.ensure(path)
    assert schema.version_of(path) == schema.SCHEMA_VERSION
