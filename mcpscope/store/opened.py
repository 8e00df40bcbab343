"""One read-only connection of a reader, and how its reads say which sessions and which rows they mean."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from pathlib import Path

from mcpscope.store import schema
from mcpscope.store.listed import NoteRow

FETCH = 20_000
CHUNK = 500

MESSAGE = """
    SELECT m.id, m.session_id, m.exchange_id, m.at, m.dir, m.stream, m.kind, coalesce(m.method, ''),
           coalesce(m.rpc_id, ''), m.size, coalesce(m.marks, ''), coalesce(m.fate, 'forwarded'),
           coalesce(m.origin, 'peer'), coalesce(nullif(e.tool, ''), nullif(e.method, ''), m.method, '')
    FROM messages AS m LEFT JOIN exchanges AS e ON e.id = m.exchange_id
"""

OUTCOME = """
    SELECT coalesce(m.exchange_id, 0), coalesce(nullif(e.tool, ''), e.method, ''), o.message_id,
           o.outcome, coalesce(o.actor, ''), coalesce(o.rule, ''),
           o.at, o.waited_ns, coalesce(o.detail, ''), o.bytes
    FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id
    LEFT JOIN exchanges AS e ON e.id = m.exchange_id
"""

_COLUMNS = frozenset(
    {
        "id",
        "opened_at",
        "dur_ns",
        "req_bytes",
        "res_bytes",
        "status",
        "method",
        "tool",
        "kind",
        "name",
        "code",
    }
)


class Interrupted(Exception):
    """The query was given up because somebody asked for another one."""


class Opened:
    """A database open for reading, for one thread at a time; ``interrupt`` may come from another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = False
        self._connection = schema.connect_ro(path)
        # A reader that waits for nobody: what is locked now is read at the next poll.
        self._connection.execute("PRAGMA busy_timeout = 2000")
        self._connection.execute("PRAGMA cache_size = -8000")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._path}>"

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        """Make the query that another thread runs here fail with ``Interrupted``."""
        self._stop = True
        self._connection.interrupt()

    def version(self) -> int:
        """A number that is another one after each commit by somebody else."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _notes(self, where: str, parameters: Sequence[object]) -> list[NoteRow]:
        rows = self._connection.execute(
            f"SELECT id, session_id, at, kind, text, coalesce(detail, '') FROM notes {where}",
            list(parameters),
        )
        return [NoteRow(*(*row[:4], _text(row[4]), row[5])) for row in rows]

    def _gather(self, sql: str, parameters: Sequence[object]) -> array[int]:
        found = array("q")
        try:
            cursor = self._connection.execute(sql, list(parameters))
            while part := cursor.fetchmany(FETCH):
                found.extend(row[0] for row in part)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise Interrupted from None
            raise
        return found


def column_of(name: str) -> str:
    if name not in _COLUMNS:
        raise ValueError(f"no column {name!r} to sort or count by")
    return name


def scope_of(column: str, sessions: Sequence[int] | None) -> tuple[str, list[object]]:
    if sessions is None:
        return "", []
    return f"{column} IN ({marks(sessions)})", list(sessions)


def marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def parts_of(ids: Sequence[int]) -> list[list[int]]:
    return [list(ids[at : at + CHUNK]) for at in range(0, len(ids), CHUNK)]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
