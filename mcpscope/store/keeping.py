"""Removing recorded sessions that nobody wants any more, and giving back their space."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mcpscope.store import schema
from mcpscope.store.removing import remove_session

VACUUM_PAGES = 20_000

_OLD = """
    SELECT id FROM sessions
    WHERE name IS NULL AND ended_at IS NOT NULL AND ifnull(ended_at, started_at) < ?
    ORDER BY id DESC
"""
_EXCHANGES = "SELECT count(*) FROM exchanges"


def unnamed_before(connection: sqlite3.Connection, before: int, keep: int) -> list[int]:
    """Sessions without a name that ended before an instant (unix ns), all but the newest ``keep``."""
    found = [int(id) for (id,) in connection.execute(_OLD, (before,))]
    return found[keep:]


def remove(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete sessions in the caller's transaction. A full-text index that is mostly theirs starts anew."""
    (before,) = connection.execute(_EXCHANGES).fetchone()
    for id in ids:
        remove_session(connection, id)
    (after,) = connection.execute(_EXCHANGES).fetchone()
    has_index = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'texts'").fetchone()[0]
    if has_index and after < before / 2:
        connection.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
        connection.execute("UPDATE texts_state SET high = 0")


def give_back_space(path: Path) -> None:
    """Return free pages to the file system, as far as nobody else is at work."""
    try:
        with closing(schema.connect_rw(path, busy_seconds=1)) as connection:
            # execute() would stop after the first page: this pragma takes a step for each and has no rows.
            connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
    except sqlite3.OperationalError:
        pass  # the pages are used again by what is recorded next
