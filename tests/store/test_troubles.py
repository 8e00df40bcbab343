"""A database that is locked, read-only or out of room: the session goes on, and what is lost is counted."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcpscope.store.schema import SCHEMA_VERSION, connect_ro, ensure
from tests.program import Program

LINE = b'{"jsonrpc":"2.0","id":%d,"method":"ping","params":{"x":"%s"}}\n'


class Echo:
    """A client that talks to ``cat`` through a proxy and checks every answer."""

    def __init__(self, program: Program, *options: str) -> None:
        self.process = program.popen(*options, "--", "cat")
        self.count = 0

    def say(self, count: int, size: int = 50) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for _ in range(count):
            line = LINE % (self.count, b"y" * size)
            self.process.stdin.write(line)
            self.process.stdin.flush()
            assert self.process.stdout.readline() == line
            self.count += 1

    def hang_up(self) -> bytes:
        """Close our end; returns what was said on standard error."""
        _, said = self.process.communicate(timeout=30)
        assert self.process.returncode == 0
        return said


def session(program: Program) -> dict[str, Any]:
    """The one session, once the database has all of it."""
    deadline = time.monotonic() + 90
    while True:
        done = program.run("--json", "sessions", "list")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["data"]
        if found and found[0]["ended_at"]:
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_lock_of_another_process_loses_nothing(program: Program, soak: bool) -> None:
    ensure(program.db)
    echo = Echo(program)
    echo.say(100)
    other = sqlite3.connect(program.db, isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    until = time.monotonic() + (30 if soak else 7)
    while time.monotonic() < until:
        echo.say(50)
        time.sleep(0.1)
    other.execute("ROLLBACK")
    other.close()
    echo.say(100)
    assert echo.hang_up() == b""
    found = session(program)
    assert (found["messages"], found["lost_messages"], found["gaps"]) == (2 * echo.count, 0, 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of four megabytes of its own."""
    place = tmp_path / "small"
    place.mkdir(mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(place)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_a_counted_gap(program: Program, small_disk: Path) -> None:
    program.db = small_disk / "scope.db"
    program.env["MCPSCOPE_DB"] = str(program.db)
    filler = small_disk / "filler"
    ensure(program.db)
    echo = Echo(program)
    echo.say(50)
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(os.urandom(65536))
    echo.say(1000, size=4000)
    filler.unlink()
    deadline = time.monotonic() + 20
    while not connect_ro(program.db).execute("SELECT count(*) FROM notes WHERE kind = 'gap'").fetchone()[0]:
        assert time.monotonic() < deadline
        echo.say(5)
        time.sleep(0.1)
    said = echo.hang_up()
    assert b"record" in said
    found = session(program)
    assert found["lost_messages"] > 0
    assert found["lost_messages"] + found["messages"] == 2 * echo.count
    assert connect_ro(program.db).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_newer_database_is_left_alone_and_the_journal_kept_for_it(program: Program) -> None:
    ensure(program.db)
    connection = sqlite3.connect(program.db)
    connection.execute("PRAGMA user_version = 9000")
    connection.close()
    echo = Echo(program)
    echo.say(10)
    assert echo.process.stderr is not None
    assert b"NOT STORED" in echo.process.stderr.readline()
    assert echo.hang_up() == b""
    (journal,) = (path for path in Path(f"{program.db}.journal").iterdir() if path.is_dir())
    connection = sqlite3.connect(program.db)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.close()
    assert session(program)["messages"] == 20
    assert not journal.exists()


def test_a_read_only_folder_is_said_once_and_disturbs_nothing(program: Program, small_disk: Path) -> None:
    program.db = small_disk / "scope.db"
    program.env["MCPSCOPE_DB"] = str(program.db)
    ensure(program.db)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    echo = Echo(program)
    echo.say(50)
    said = echo.hang_up()
    assert b"record" in said
    assert said.count(b"\n") == 1
    listed = program.run("--json", "sessions", "list")
    assert (listed.returncode, json.loads(listed.stdout)["data"]) == (0, [])
