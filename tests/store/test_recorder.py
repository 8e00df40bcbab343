"""The recorder as a process: what it weighs, when it ends and with which code."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from mcpscope.store.records import Dir
from mcpscope.store.schema import connect_ro, ensure
from tests.program import ROOT
from tests.store.journals import TestJournal, answer, request

HEAVY = {"sqlite_utils", "textual", "httpx", "click", "asyncio", "anyio", "logging"}


def record(journal: TestJournal | Path, db: Path) -> subprocess.CompletedProcess[bytes]:
    folder = journal if isinstance(journal, Path) else journal.folder
    argv = [sys.executable, "-m", "mcpscope.store.recorder", str(folder), str(db)]
    return subprocess.run(argv, capture_output=True, timeout=60, cwd=ROOT)


def test_it_imports_little() -> None:
    code = "import sys, mcpscope.store.recorder; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, cwd=ROOT, check=True)
    assert not HEAVY & {name.partition(".")[0] for name in done.stdout.decode().split()}


def test_it_drains_a_journal_whose_proxy_is_gone_and_others_beside_it(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journals = [TestJournal(db, f"179000000{number}-1-0000000{number}") for number in range(3)]
    for journal in journals:
        journal.open_session()
        journal.c2s(request(1) + request(2))
        journal.s2c(answer(1))
        journal.eof(Dir.TO_SERVER)
        journal.kill()
    done = record(journals[0], db)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not any(journal.folder.exists() for journal in journals)
    found = connect_ro(db).execute("SELECT messages, end_reason FROM sessions").fetchall()
    assert found == [(3, "killed")] * 3


def test_a_journal_has_one_recorder(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    journal.kill()
    other = os.open(journal.folder / "recorder.lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert record(journal, db).returncode == 0
    assert journal.folder.exists()
    os.close(other)
    assert record(journal, db).returncode == 0
    assert not journal.folder.exists()
    assert record(journal, db).returncode == 0


def test_a_database_that_will_never_do_is_exit_5_and_the_journal_stays(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    journal = TestJournal(db)
    journal.open_session()
    journal.kill()
    ensure(db)
    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version = 9000")
    connection.close()
    done = record(journal, db)
    assert done.returncode == 5
    assert done.stderr.startswith(b"mcpscope: NOT STORED: ")
    assert done.stderr.count(b"\n") == 1
    assert journal.folder.exists()
