"""Disks that fill, folders that refuse, databases that are locked: what the session and its user see."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.program import Program, until

pytestmark = pytest.mark.timeout(90)

ECHO = [sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line)"]


def call(number: int, size: int = 0) -> bytes:
    body = {"jsonrpc": "2.0", "id": number, "method": "ping", "params": {"pad": "x" * size}}
    return json.dumps(body).encode() + b"\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"mounting a small tmpfs is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    ballast = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(ballast, b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(ballast)


def rows(db: Path, sql: str) -> list[tuple[object, ...]]:
    """What ``sql`` finds; nothing while there is no such table."""
    if not db.exists():
        return []
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10)) as connection:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []


def test_a_full_disk_disturbs_nothing_and_is_counted(program: Program, small_disk: Path) -> None:
    db = small_disk / "x.db"
    program.env["MCPSCOPE_DB"] = str(db)
    proxy = program.popen("--", *ECHO)
    assert proxy.stdin and proxy.stdout and proxy.stderr
    into, out = proxy.stdin.fileno(), proxy.stdout

    def speak(first: int, count: int) -> None:
        for number in range(first, first + count):
            os.write(into, call(number, 30_000))
            assert out.readline() == call(number, 30_000)

    speak(0, 1)
    until(lambda: rows(db, "SELECT 1 FROM messages"))
    fill(small_disk / "ballast")
    speak(1, 400)
    (small_disk / "ballast").unlink()
    spoken = 401

    def told() -> bool:
        nonlocal spoken
        speak(spoken, 1)
        spoken += 1
        return bool(rows(db, "SELECT 1 FROM sessions WHERE gaps > 0 AND lost_messages > 0"))

    until(told, every=0.1)
    proxy.stdin.close()
    assert proxy.wait(30) == 0
    assert proxy.stderr.read().count(b"cannot record in") == 1
    kept_and_lost = "SELECT (SELECT count(*) FROM messages) + sum(lost_messages) FROM sessions"
    until(lambda: rows(db, kept_and_lost) == [(2 * spoken,)])


@pytest.mark.parametrize(
    ("mode", "code", "end"), [("best-effort", 0, "clean"), ("required", 5, "not recorded")]
)
def test_a_disk_that_stays_full_still_hears_what_was_lost_and_how_it_ended(
    program: Program, small_disk: Path, mode: str, code: int, end: str
) -> None:
    db = small_disk / "x.db"
    program.env["MCPSCOPE_DB"] = str(db)
    proxy = program.popen("--record-mode", mode, "--", *ECHO)
    assert proxy.stdin and proxy.stdout and proxy.stderr
    into, out = proxy.stdin.fileno(), proxy.stdout
    os.write(into, call(0))
    assert out.readline() == call(0)
    until(lambda: rows(db, "SELECT 1 FROM messages"))
    fill(small_disk / "ballast")
    spoken = 1
    with contextlib.suppress(BrokenPipeError):
        for number in range(1, 100):
            os.write(into, call(number, 30_000))
            if out.readline() != call(number, 30_000):
                break
            spoken += 1
    with contextlib.suppress(BrokenPipeError):
        proxy.stdin.close()
    assert proxy.wait(30) == code
    (small_disk / "ballast").unlink()
    until(lambda: rows(db, "SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"))
    [(reason, gaps, lost, kept)] = rows(
        db, "SELECT end_reason, gaps > 0, lost_messages, (SELECT count(*) FROM messages) FROM sessions"
    )
    assert (reason, gaps) == (end, 1)
    assert isinstance(lost, int) and isinstance(kept, int)
    assert kept + lost == (200 if mode == "best-effort" else 2 * spoken + 1)


def test_a_full_disk_from_the_start_disturbs_nothing(program: Program, small_disk: Path) -> None:
    fill(small_disk / "ballast")
    done = program.run("--db", str(small_disk / "x.db"), "--", *ECHO, input=call(1) + call(2))
    assert (done.returncode, done.stdout) == (0, call(1) + call(2))
    assert len(done.stderr.splitlines()) == 1
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("where", ["/proc/x.db", "/proc/none/x.db"])
def test_a_folder_that_refuses_disturbs_nothing(program: Program, where: str) -> None:
    done = program.run("--db", where, "--", *ECHO, input=call(1))
    assert (done.returncode, done.stdout) == (0, call(1))
    assert len(done.stderr.splitlines()) == 1
    assert b"cannot record in" in done.stderr


def test_a_required_record_that_cannot_begin_starts_nothing(program: Program, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    done = program.run(
        "--record-mode", "required", "--db", "/proc/x.db", "--", "touch", str(mark), input=call(1)
    )
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.startswith(b"error: cannot record in")
    assert not mark.exists()


def test_a_required_record_that_fails_stops_the_traffic(program: Program, small_disk: Path) -> None:
    program.env["MCPSCOPE_DB"] = str(small_disk / "x.db")
    proxy = program.popen("--record-mode", "required", "--", *ECHO)
    assert proxy.stdin and proxy.stdout and proxy.stderr
    into, out = proxy.stdin.fileno(), proxy.stdout
    os.write(into, call(0))
    assert out.readline() == call(0)
    fill(small_disk / "ballast")
    answered = 0
    try:
        for number in range(1, 1000):
            os.write(into, call(number, 30_000))
            if out.readline() != call(number, 30_000):
                break
            answered += 1
    except BrokenPipeError:
        pass
    assert answered < 900
    assert out.read() == b""
    assert proxy.wait(30) == 5
    assert b"nothing more is forwarded" in proxy.stderr.read()


def test_a_locked_database_loses_nothing(program: Program) -> None:
    first = program.run("--", *ECHO, input=call(0))
    assert first.returncode == 0
    until(lambda: len(rows(program.db, "SELECT 1 FROM messages")) == 2)
    with closing(sqlite3.connect(program.db, isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        proxy = program.popen("--", *ECHO)
        assert proxy.stdin and proxy.stdout and proxy.stderr
        for number in range(200):
            os.write(proxy.stdin.fileno(), call(number))
            assert proxy.stdout.readline() == call(number)
        proxy.stdin.close()
        assert proxy.wait(30) == 0
        assert proxy.stderr.read() == b""
        locker.execute("COMMIT")
    until(lambda: len(rows(program.db, "SELECT 1 FROM messages")) == 402)


def test_a_killed_recorder_is_started_again(program: Program) -> None:
    proxy = program.popen("--", *ECHO)
    assert proxy.stdin and proxy.stdout
    for number in range(3):
        os.write(proxy.stdin.fileno(), call(number))
        assert proxy.stdout.readline() == call(number)
        until(lambda: recorders(program))
        for pid in recorders(program):
            os.kill(pid, 9)
    until(lambda: len(rows(program.db, "SELECT 1 FROM messages")) == 6)
    proxy.stdin.close()
    assert proxy.wait(30) == 0


def test_the_recorder_gives_way_to_the_wire_and_hears_none_of_its_signals(program: Program) -> None:
    """Niceness counts inside of one session only, and a terminal signals one group of processes."""
    proxy = program.popen("--", *ECHO)
    assert proxy.stdin
    (recorder,) = until(lambda: recorders(program))
    until(
        lambda: os.getpriority(os.PRIO_PROCESS, recorder) >= os.getpriority(os.PRIO_PROCESS, proxy.pid) + 10
    )
    assert os.getsid(recorder) == os.getsid(proxy.pid)
    assert os.getpgid(recorder) == recorder
    proxy.stdin.close()
    assert proxy.wait(30) == 0


def recorders(program: Program) -> list[int]:
    """Recorder processes at work on this test's database."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(program.db) in words and any(b"mcpscope.store.recorder" in word for word in words):
                found.append(int(entry.name))
    return found


def test_a_proxy_is_listed_while_it_runs(program: Program) -> None:
    proxy = program.popen("--label", "mine", "--", *ECHO)
    assert proxy.stdin
    entry = Path(program.env["MCPSCOPE_RUNTIME_DIR"]) / f"{proxy.pid}.json"
    until(entry.exists)
    facts = json.loads(entry.read_text())
    assert (facts["pid"], facts["label"], facts["db"]) == (proxy.pid, "mine", str(program.db))
    assert facts["command"] == ECHO
    assert Path(facts["journal"]).is_dir()
    assert entry.stat().st_mode & 0o777 == 0o600
    proxy.stdin.close()
    assert proxy.wait(30) == 0
    assert not entry.exists()


def test_a_newer_database_is_left_alone_and_the_user_is_told(program: Program) -> None:
    assert program.run("--", *ECHO, input=call(0)).returncode == 0
    until(lambda: len(rows(program.db, "SELECT 1 FROM messages")) == 2)
    with closing(sqlite3.connect(program.db)) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    done = program.run("--", *ECHO, input=call(1))
    assert (done.returncode, done.stdout) == (0, call(1))
    assert b"NOT STORED" in done.stderr
    assert len(list(program.db.parent.rglob("*.seg"))) == 1


def test_a_folder_that_was_there_keeps_its_mode(program: Program, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    db = shared / "x.db"
    assert program.run("--db", str(db), "--", *ECHO, input=call(0)).returncode == 0
    until(lambda: len(rows(db, "SELECT 1 FROM messages")) == 2)
    assert shared.stat().st_mode & 0o777 == 0o755
    assert db.stat().st_mode & 0o777 == 0o600
