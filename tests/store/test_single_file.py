"""A database made of one session's lines: whole, alone, without what was masked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mcpscope.demo.frozen import build
from mcpscope.exports.masks import Masks
from mcpscope.store import schema
from mcpscope.store.single_file import as_database
from mcpscope.store.writing_out import NoMask, session_lines
from tests.exports.recorded import call, record, text


def test_it_is_one_file_with_the_same_exchanges(tmp_path: Path) -> None:
    build(tmp_path / "m.db")
    with closing(schema.connect_ro(tmp_path / "m.db")) as connection:
        (tmp_path / "one.db").write_bytes(b"".join(as_database(session_lines(connection, 2, NoMask()))))
        query = (
            "SELECT time, kind, method, tool, status, dur_ms, summary FROM v_exchanges WHERE session_id = {}"
        )
        was = connection.execute(query.format(2)).fetchall()
    with closing(sqlite3.connect(tmp_path / "one.db")) as alone:
        assert alone.execute(query.format(1)).fetchall() == was
        assert alone.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert alone.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_what_is_masked_is_in_no_byte_of_it(tmp_path: Path) -> None:
    session = record(tmp_path / "m.db", call(1, "login", {"password": "hunter22" * 9}, text("ok"), at=0))
    with closing(schema.connect_ro(tmp_path / "m.db")) as connection:
        mask = Masks()
        whole = b"".join(as_database(session_lines(connection, session, mask)))
    assert mask.count == 1 and b"hunter22" not in whole and b"[masked 1]" in whole
