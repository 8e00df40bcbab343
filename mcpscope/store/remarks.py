"""What people write into the record: remarks and marks on exchanges, names and notes of sessions."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.store import schema
from mcpscope.store.reading import explained
from mcpscope.store.rows import OF_PEOPLE

NOTED, MARKED = OF_PEOPLE
ACT = "act"
"""The kind of the notes on who did what; proxies write such ones, too."""
MAX_NAME_CHARS = 100
RESERVED = ("last",)

_TAKE_ID = "UPDATE sequence SET next = next + 1 RETURNING next - 1"
_ADD = "INSERT INTO notes (id, session_id, at, kind, text, detail) VALUES (?, ?, ?, ?, ?, ?)"
_FLAGS = "SELECT session_id, coalesce(flags, '') FROM exchanges WHERE id = ?"
_SET_FLAGS = "UPDATE exchanges SET flags = ? WHERE id = ?"


def remark(path: Path, exchange: int, text: str, *, actor: str) -> int:
    """Write ``text`` on an exchange; returns the id of the note. Raises ScopeError."""
    with _writing(path) as connection:
        session, flags = _exchange(connection, exchange)
        found = _note(connection, session, text, {"exchange": exchange, "actor": actor})
        _flag(connection, exchange, flags, NOTED, on=True)
    return found


def reveal(path: Path, exchange: int, what: str, *, actor: str) -> None:
    """Write down who looks at what is masked in an exchange, without any of it. Raises ScopeError."""
    with _writing(path) as connection:
        session, _ = _exchange(connection, exchange)
        text = f"{actor}: revealed what is masked in #{exchange}, {what}"
        _note(connection, session, text, {"exchange": exchange, "actor": actor}, kind=ACT)


def forget(path: Path, note: int) -> None:
    """Take back a remark that was just written (undo)."""
    with _writing(path) as connection:
        row = connection.execute(
            "SELECT json_extract(detail, '$.exchange') FROM notes WHERE id = ? AND kind = 'remark'", [note]
        ).fetchone()
        if row is None:
            return
        connection.execute("DELETE FROM notes WHERE id = ? AND kind = 'remark'", [note])
        left = connection.execute(
            "SELECT count(*) FROM notes WHERE kind = 'remark' AND json_extract(detail, '$.exchange') = ?", row
        ).fetchone()[0]
        if not left:
            _flag(connection, row[0], _exchange(connection, row[0])[1], NOTED, on=False)


def mark(path: Path, exchange: int, *, on: bool) -> None:
    """Mark an exchange, or take its mark away. Raises ScopeError."""
    with _writing(path) as connection:
        _flag(connection, exchange, _exchange(connection, exchange)[1], MARKED, on=on)


def name_session(path: Path, session: int, name: str) -> None:
    """Name a session (empty: take the name away); raises ScopeError where the name is taken or misleads."""
    if name:
        check_name(name)
    with _writing(path) as connection:
        same = "SELECT id FROM sessions WHERE name = ? AND id != ?"
        if connection.execute(same, [name, session]).fetchone():
            raise ScopeError(
                f"another recording is called {name!r}",
                code="name_taken",
                exit=Exit.USAGE,
                hint="choose another",
            )
        connection.execute("UPDATE sessions SET name = ? WHERE id = ?", [name or None, session])


def note_session(path: Path, session: int, text: str) -> None:
    """Write the note of a session, in place of the one it has."""
    with _writing(path) as connection:
        connection.execute(
            "UPDATE sessions SET note = ? WHERE id = ?",
            [text.encode("utf-8", "backslashreplace").decode() or None, session],
        )


def check_name(name: str) -> None:
    """Raise ScopeError for a name that would mislead: one that means something, or cannot be typed."""
    if name in RESERVED or name.removeprefix("#").isdigit():
        reason = f"{name!r} already means something"
    elif len(name) > MAX_NAME_CHARS:
        reason = f"a name has at most {MAX_NAME_CHARS} characters"
    elif not name.isprintable() or name != name.strip() or name.startswith("-"):
        reason = f"{name!r} cannot be typed and read back"
    else:
        return
    raise ScopeError(reason, code="bad_name", exit=Exit.USAGE, hint="choose a word, such as baseline")


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.connect_rw(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        raise explained(path, error) from error
    finally:
        connection.close()


def _exchange(connection: sqlite3.Connection, exchange: int) -> tuple[int, str]:
    row = connection.execute(_FLAGS, [exchange]).fetchone()
    if row is None:
        raise ScopeError(f"there is no exchange {exchange}", code="no_exchange", exit=Exit.USAGE)
    return int(row[0]), str(row[1])


def _note(
    connection: sqlite3.Connection,
    session: int,
    text: str,
    detail: dict[str, object],
    *,
    kind: str = "remark",
) -> int:
    (found,) = connection.execute(_TAKE_ID).fetchone()
    given = [found, session, time.time_ns(), kind, text.encode("utf-8", "replace"), json.dumps(detail)]
    connection.execute(_ADD, given)
    return int(found)


def _flag(connection: sqlite3.Connection, exchange: int, flags: str, flag: str, *, on: bool) -> None:
    words = [word for word in flags.split() if word != flag]
    if on:
        words.append(flag)
    connection.execute(_SET_FLAGS, [" ".join(words) or None, exchange])
