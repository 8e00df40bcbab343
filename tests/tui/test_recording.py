"""The header tells when a proxy records nothing, and when its recorder is behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcpscope.store.directory import stored_of
from mcpscope.store.lag import waiting_bytes, waiting_since
from mcpscope.store.pages import Pages
from mcpscope.tui.app import Options
from mcpscope.tui.clock import Clock
from tests.program import Program
from tests.session.steered import Steered, call
from tests.tui.driver import opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_what_waits_in_the_journal_is_known_by_its_oldest_record(db: Path) -> None:
    tape = Tape(db).start().store()
    pages = Pages(db)
    folder = tape.journal.folder
    assert waiting_since(pages, folder, folder.name) is None
    assert waiting_bytes(folder, stored_of(db, folder.name)) == 0
    tape.wait(5000)
    since, written = tape.journal.at, tape.journal.offset
    tape.call("search_docs", query="x")
    tape.wait(3000)
    tape.call("search_docs", query="y")
    found = waiting_since(pages, folder, folder.name)
    assert found is not None and 0 <= found - since < 10**9
    assert waiting_bytes(folder, stored_of(db, folder.name)) == tape.journal.offset - written
    tape.store()
    assert waiting_bytes(folder, stored_of(db, folder.name)) == 0
    assert waiting_since(pages, folder, folder.name) is None
    assert waiting_since(pages, db.parent / "none", "unknown") is None
    pages.close()


async def test_a_recorder_that_is_behind_stands_in_the_header(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    wire = Steered(program)
    async with opened(program.db, (120, 40), options=Options(), clock=Clock()) as scope:
        await scope.traffic.shows("initialize", "REC")
        with stopped_recorder(program):
            wire.says(call(1, n=1))
            assert wire.hears()["id"] == 1
            await scope.traffic.shows("s behind")
        await scope.traffic.shows("echo").hides("behind")


async def test_a_proxy_that_records_nothing_stands_in_the_header(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    Tape(program.db).start().store()
    Steered(program, "--no-record")
    async with opened(program.db, (120, 40), options=Options(), clock=Clock()) as scope:
        await scope.traffic.shows("NOT REC")


@contextmanager
def stopped_recorder(program: Program) -> Iterator[None]:
    """The recorder of the only proxy of ``program``, stopped for a while."""
    (pid,) = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_recorder(entry, program.db)
    ]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _is_recorder(entry: Path, db: Path) -> bool:
    try:
        words = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    return b"store.recorder" in words and bytes(db) in words


async def test_a_database_that_is_deleted_under_the_ui_is_told(db: Path) -> None:
    Tape(db).start().store()
    async with opened(db, options=Options(), clock=Clock()) as scope:
        await scope.traffic.shows("initialize").hides("DELETED")
        db.rename(db.with_name("elsewhere.db"))
        await scope.traffic.shows("DATABASE DELETED", "start the UI again").press("4")
        await scope.recordings.shows("DATABASE DELETED", "fs")
