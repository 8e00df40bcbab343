"""What people say of exchanges: it stays, whatever the recorder writes about them later."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mcpscope.store import remarks
from tests.tui.tape import Tape


def flags(db: Path, exchange: int) -> list[str]:
    with sqlite3.connect(db) as connection:
        (found,) = connection.execute("SELECT flags FROM exchanges WHERE id = ?", [exchange]).fetchone()
    return sorted((found or "").split())


def open_call(db: Path) -> tuple[Tape, object, int]:
    """A call that waits for its answer, stored; its id on the wire and its exchange."""
    tape = Tape(db).start()
    asked = tape.ask("tools/call", name="slow_tool", arguments={}, _meta={"progressToken": 1})
    tape.store()
    with sqlite3.connect(db) as connection:
        (id,) = connection.execute("SELECT id FROM exchanges WHERE tool = 'slow_tool'").fetchone()
    return tape, asked, id


@pytest.mark.parametrize("how", ["answer", "progress", "end"])
def test_a_mark_and_a_note_on_an_open_exchange_outlive_what_the_recorder_writes(db: Path, how: str) -> None:
    tape, asked, id = open_call(db)
    remarks.mark(db, id, on=True)
    note = remarks.remark(db, id, "flaky", actor="ui")
    if how == "answer":
        tape.tell(asked, ms=2000, content=[]).store()
    elif how == "progress":
        tape.notify("notifications/progress", back=True, progressToken=1, progress=1).store()
        tape.tell(asked, ms=2000, content=[]).store()
    else:
        tape.end()
    own = ["slow"] if how != "end" else []
    assert set(flags(db, id)) >= {"*", "note", *own}
    assert flags(db, id).count("*") == flags(db, id).count("note") == 1
    remarks.forget(db, note)
    remarks.mark(db, id, on=False)
    assert not {"*", "note"} & set(flags(db, id))


def test_a_mark_taken_back_while_the_exchange_is_open_does_not_return(db: Path) -> None:
    tape, asked, id = open_call(db)
    remarks.mark(db, id, on=True)
    remarks.mark(db, id, on=False)
    tape.tell(asked, ms=5, content=[]).store()
    assert flags(db, id) == []


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "scope.db"
