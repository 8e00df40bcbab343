"""What people do with recorded sessions: name them, write a note, remove them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.store import schema
from mcpscope.store.removing import remove_session

MAX_NAME_CHARS = 100
RESERVED = ("last",)
VACUUM_PAGES = 20_000

_NAMED = "SELECT id FROM sessions WHERE name = ? AND id != ?"
_OLD = """
    SELECT id FROM sessions
    WHERE name IS NULL AND ended_at IS NOT NULL AND ifnull(ended_at, started_at) < ?
    ORDER BY id DESC
"""
_EXCHANGES = "SELECT count(*) FROM exchanges"


def set_name(connection: sqlite3.Connection, id: int, name: str) -> None:
    """Call a session ``name``, "" for no name any more. Raises ScopeError for a name that would mislead."""
    if name:
        _check_name(name)
        if connection.execute(_NAMED, (name, id)).fetchone():
            raise ScopeError(
                f"another recording is called {name!r}",
                code="name_taken",
                exit=Exit.USAGE,
                hint="choose another name, or name that one anew",
            )
    connection.execute("UPDATE sessions SET name = ? WHERE id = ?", (name or None, id))


def set_note(connection: sqlite3.Connection, id: int, note: str) -> None:
    connection.execute("UPDATE sessions SET note = ? WHERE id = ?", (_storable(note) or None, id))


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
            connection.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    except sqlite3.OperationalError:
        pass  # the pages are used again by what is recorded next


def _check_name(name: str) -> None:
    if name in RESERVED or name.removeprefix("#").isdigit():
        reason = f"{name!r} already means something"
    elif len(name) > MAX_NAME_CHARS:
        reason = f"a name has at most {MAX_NAME_CHARS} characters"
    elif not name.isprintable() or name != name.strip() or name.startswith("-"):
        reason = f"{name!r} cannot be typed and read back"
    else:
        return
    raise ScopeError(reason, code="bad_name", exit=Exit.USAGE, hint="choose a word, such as baseline")


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
