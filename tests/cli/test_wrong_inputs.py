"""Wrong filters, names, files, databases: an error of a few lines, the right exit code, no traceback."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from mcpscope.store import schema
from tests.program import Program
from tests.store import made

USAGE, STORE = 2, 5

WRONG_ARGUMENTS = [
    (["log", "tol:search"], USAGE, "no field named 'tol'"),
    (["log", "dur>fast"], USAGE, "'fast' is not a duration"),
    (["log", "(tool:a or tool:b"], USAGE, "this ( is never closed"),
    (["log", "status:ok)"], USAGE, "there is no matching ("),
    (["log", "is:eror"], USAGE, "'eror' is not a state"),
    (["log", "1", "~("], USAGE, "not a regular expression"),
    (["log", "1", '"open'], USAGE, "this quote is never closed"),
    (["log", "1", "~t"], USAGE, "~t is not an operator"),
    (["log", "1", "seq>99999999999999999999"], USAGE, "is not a whole number"),
    (["log", "1", "since:soon"], USAGE, "is not a time"),
    (["log", "1", "args..x:1"], USAGE, "a key is missing"),
    (["log", "1", "a or"], USAGE, "nothing follows this or"),
    (["log", "1", "("], USAGE, "this ( is never closed"),
    (["log", "1", "x" * 30_000], USAGE, "at most 20,000 characters"),
    (["log", "1", "(" * 300 + "a" + ")" * 300], USAGE, "nested too deeply"),
    (["log", "nosuch"], STORE, "no session or recording called 'nosuch'"),
    (["log", "\x1b[31m"], STORE, "no session or recording"),
    (["log", "999"], STORE, "no session or recording"),
    (["log", "1", "ok", "more"], USAGE, "unexpected extra argument"),
    (["log", ""], USAGE, "the session's name is empty"),
    (["log", " ", "is:error"], USAGE, "the session's name is empty"),
    (["log", "not"], USAGE, "nothing follows this not"),
    (["log", "1", "or"], USAGE, "nothing stands before this or"),
    (["--db", "", "log"], USAGE, "--db needs the name of a file"),
    (["log", "-n", "-3"], USAGE, "-3"),
    (["log", "-n", "many"], USAGE, "many"),
    (["demo", "--script", "load", "--rate", "nan"], USAGE, "nan is not a number"),
    (["demo", "--script", "load", "--rate", "inf"], USAGE, "inf is not in the range"),
    (["demo", "--pace", "nan"], USAGE, "nan is not a number"),
    (["log", "--format", "xml"], USAGE, "xml"),
    (["log", "--nosuch"], USAGE, "--nosuch"),
    (["sessions", "show", "nosuch"], STORE, "nosuch"),
    (["sessions", "name", "1", ""], 0, ""),
    (["sessions", "name", "1", "12"], USAGE, "already means something"),
    (["sessions", "rm", "nosuch", "--yes"], STORE, "nosuch"),
    (["sessions", "compare", "1", "nosuch"], STORE, "nosuch"),
    (["sessions", "compare", "1"], USAGE, "Missing argument"),
    (["sessions", "prune", "--older-than", "x"], USAGE, "'x' is not an age"),
    (["sessions", "nosuch"], USAGE, "nosuch"),
    (["sessions"], USAGE, "needs a word behind it: compare, list"),
    (["--labl", "x", "--", "cat"], USAGE, "--label"),
    (["demo", "--rate", "-3"], USAGE, "-3"),
    (["diff", "nosuch", "1"], STORE, "no session or recording called 'nosuch'"),
    (["replay", "nosuch"], STORE, "no session or recording called 'nosuch'"),
    (["replay", "1", "ftp://there"], USAGE, "ftp://there is no address"),
    (["replay", "1", "--timeout", "0", "--", "cat"], USAGE, "0.0 is not in the range"),
    (["replay", "1", "--until", "0", "--", "cat"], USAGE, "0 is not in the range"),
    (["replay", "1", "--revision", "7", "--", "cat"], STORE, "has no revision 7"),
    (["replay", "1", "--before", "", "--", "cat"], USAGE, "--before needs a command"),
    (["replay", "1", "--bisect", "--", "cat"], USAGE, "--bisect needs several upstreams"),
    (["replay", "1", "--repeat", "2", "--then", "stdio", "--", "cat"], USAGE, "--then hands over one run"),
    (["export", "1", "--steady", "--format", "md"], USAGE, "--steady is for jsonl"),
    (["export", "nosuch"], STORE, "nosuch"),
    (["export", "1", "tol:x"], USAGE, "no field named 'tol'"),
    (["export", "1", "--format", "pdf"], USAGE, "pdf"),
    (["export", "1", "-o", "/nosuch/dir/file"], USAGE, "cannot be written: no such file"),
    (["export", "1", "-o", "/"], USAGE, "cannot be written"),
    (["import", "nosuch.jsonl"], USAGE, "cannot be read: no such file"),
    (["import", "/"], USAGE, "cannot be read: is a directory"),
    (["import", ""], USAGE, "cannot be read"),
    (["import", "garbage"], STORE, "no header"),
    (["import", "binary"], STORE, "no header"),
    (["sql", "SELEC 1"], USAGE, "syntax error"),
    (["sql", "DROP TABLE sessions"], USAGE, "only SELECT"),
    (["sql", "--timeout", "never", "SELECT 1"], USAGE, "'never' is not a duration"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """One database for every case, which none of them changes."""
    folder = tmp_path_factory.mktemp("wrong")
    program = Program(folder, folder)
    made.database(program.db, 20, seed=2)
    (folder / "garbage").write_text("this is no recording\n")
    (folder / "binary").write_bytes(b"\x00\xff\xfe" * 500)
    return program


@pytest.mark.parametrize(("args", "code", "text"), WRONG_ARGUMENTS, ids=lambda value: str(value)[:40])
def test_wrong_arguments(shared: Program, args: list[str], code: int, text: str) -> None:
    done = shared.run(*args)
    check(done, code, text)


def check(done: subprocess.CompletedProcess[bytes], code: int, text: str) -> None:
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert text.lower() in said.lower()
    assert "Traceback" not in said and said.replace("\n", "").isprintable()
    if code:
        lines = said.splitlines()
        assert done.stdout == b"" and lines[0].startswith("error: ") and len(lines) <= 4, said


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        for page in range(4096, path.stat().st_size, 4096):
            file.seek(page)
            file.write(b"\xa5" * 2048)


def pretending(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP VIEW v_sessions")
        connection.execute("CREATE VIEW v_sessions AS SELECT 'all is well' AS id")


def watched(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER t AFTER UPDATE ON sessions BEGIN DELETE FROM messages; END")


DATABASES = [
    (lambda path: path.unlink(), "there is no database"),
    (lambda path: path.write_bytes(b"not a database at all" * 300), "damaged"),
    (cut, "damaged"),
    (overwritten, "damaged"),
    (newer, "newer mcpscope"),
    (pretending, "did not make"),
    (watched, "did not make"),
]


@pytest.mark.parametrize(("spoil", "text"), DATABASES)
def test_a_database_that_will_not_do(tmp_path: Path, spoil, text: str) -> None:
    program = Program(tmp_path, tmp_path)
    made.database(program.db, 200, seed=2)
    spoil(program.db)
    for args in (["log"], ["sessions", "list"], ["export", "1"], ["sql", "SELECT * FROM v_exchanges"]):
        done = program.run(*args)
        assert (done.returncode, "Traceback" in done.stderr.decode()) == (STORE, False), (args, done.stderr)
        assert text in done.stderr.decode(), args
        said = json.loads(program.run(*args, "--json").stderr.splitlines()[-1])
        assert (said["ok"], said["error"]["exit"]) == (False, STORE)


def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    program = Program(tmp_path, tmp_path)
    other = tmp_path / "bookmarks.db"
    foreign(other)
    before = other.read_bytes()
    for args in (["log"], ["sessions", "list"], ["sessions", "name", "1", "x"], ["sql"]):
        check(program.run("--db", str(other), *args), STORE, "another program")
    recording = tmp_path / "r.jsonl"
    recording.write_text('{"format":"mcpscope","session":{},"version":1}\n')
    check(program.run("--db", str(other), "import", str(recording)), STORE, "another program")
    assert other.read_bytes() == before
    for args in (["log"], ["review"], ["replay", "1", "--dry-run"], ["diff", "1", "1"]):
        check(program.run("--db", str(tmp_path), *args), STORE, "is not a file")


@pytest.mark.parametrize("target", [["--", "cat"], ["--port", "0", "--", "cat"], ["http://127.0.0.1:1/mcp"]])
def test_nothing_is_recorded_into_a_folder(tmp_path: Path, target: list[str]) -> None:
    program = Program(tmp_path, tmp_path)
    check(program.run("--db", str(tmp_path), *target, input=b"{}\n"), STORE, "is a folder")


def test_what_must_be_recorded_is_not_forwarded_to_a_database_of_another_program(tmp_path: Path) -> None:
    program = Program(tmp_path, tmp_path)
    other = tmp_path / "bookmarks.db"
    other.write_bytes(b"not a database at all")
    required = ["--db", str(other), "--record-mode", "required", "--", "cat"]
    check(program.run(*required, input=b"{}\n"), STORE, "is no database; the record is required")
    other.unlink()
    foreign(other)
    # SQLite databases without an application's mark may be anybody's: the recorder looks closer.
    with sqlite3.connect(other) as connection:
        connection.execute("PRAGMA application_id = 7")
    check(program.run(*required, input=b"{}\n"), STORE, "another program; the record is required")


def test_a_locked_database_is_said_to_be_locked(tmp_path: Path) -> None:
    program = Program(tmp_path, tmp_path)
    made.database(program.db, 5, seed=2)
    with sqlite3.connect(program.db) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert program.run("log").returncode == 0
        assert schema.version_of(program.db) == schema.SCHEMA_VERSION
        check(program.run("sessions", "note", "1", "x", timeout=60), STORE, "locked by another program")
