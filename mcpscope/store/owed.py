"""What a session still waits for, and the last that its server said beside the protocol."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

_OPEN = """
    SELECT id, dir, coalesce(method, ''), coalesce(name, ''), status, opened_at, parent_id, stream
    FROM exchanges WHERE session_id = ? AND kind = 'request' AND (ended_at IS NULL OR status = 'lost')
    ORDER BY id LIMIT 200
"""
_STDERR = """
    SELECT at, CAST(text AS BLOB) FROM notes WHERE session_id = ? AND kind = 'stderr' ORDER BY id DESC LIMIT 1
"""
_STREAM = "SELECT close, facts FROM streams WHERE session_id = ? AND stream = ?"
_LAST = "SELECT dir, max(at) FROM messages WHERE session_id = ? GROUP BY dir"


@dataclass(frozen=True, slots=True)
class Owed:
    """A request without its answer. ``dir`` is the asker's, ``cut`` how its HTTP stream ended, if it did.

    ``begun`` is the status with which an HTTP answer has begun, 0 where none has, None without HTTP.
    """

    exchange: int
    dir: str
    method: str
    name: str
    status: str
    since: int
    cause: int | None
    cut: str
    begun: int | None = None


def owed(connection: sqlite3.Connection, session: int) -> list[Owed]:
    """The requests that wait, or that waited when the session ended, oldest first."""
    found = []
    for id, dir, method, name, status, since, cause, stream in connection.execute(
        _OPEN, (session,)
    ).fetchall():
        cut, begun = _stream(connection, session, stream) if stream else ("", None)
        found.append(Owed(id, dir, method, name, status, since, cause, cut, begun if dir == "c2s" else None))
    return found


def last_stderr(connection: sqlite3.Connection, session: int) -> tuple[int, str] | None:
    """When (unix ns) and what the server wrote last on its standard error."""
    row = connection.execute(_STDERR, (session,)).fetchone()
    return None if row is None else (row[0], bytes(row[1]).decode("utf-8", "replace"))


def last_heard(connection: sqlite3.Connection, session: int) -> dict[str, int]:
    """When each direction's last message came (unix ns)."""
    return dict(connection.execute(_LAST, (session,)).fetchall())


def _stream(connection: sqlite3.Connection, session: int, stream: int) -> tuple[str, int | None]:
    """How a stream ended ("": it is open), and the status it was answered with so far."""
    row = connection.execute(_STREAM, (session, stream)).fetchone()
    if row is None:
        return "", None
    status = int(json.loads(row[1]).get("status") or 0) if row[1] else 0
    if row[0] is None:
        return "", status
    said = json.loads(row[0])
    by = said.get("closed_by") or said.get("by") or "somebody"
    return f"closed by {by}" + (f": {said['error']}" if said.get("error") else ""), status
