"""Who came in over HTTP, by the facts of each stream."""

from __future__ import annotations

import sqlite3

_CALLERS = """
    SELECT stream, json_extract(open, '$.caller') FROM streams
    WHERE session_id = ? AND json_extract(open, '$.caller') IS NOT NULL
"""


def callers_of(connection: sqlite3.Connection, session: int) -> dict[int, str]:
    """The caller by token of each stream of a session that had one."""
    return {int(stream): str(name) for stream, name in connection.execute(_CALLERS, (session,))}
