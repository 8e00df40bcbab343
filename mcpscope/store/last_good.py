"""The last good answer that was recorded for a tool, for who answers in a server's place."""

from __future__ import annotations

from pathlib import Path

from mcpscope.errors import ScopeError
from mcpscope.store.reader import Reader
from mcpscope.store.reading import reading

_OF_PROXY = """
    SELECT e.answer_id FROM exchanges AS e JOIN sessions AS s ON s.id = e.session_id
    WHERE e.method = ? AND coalesce(e.name, '') = ? AND e.status = 'ok' AND e.answer_id IS NOT NULL AND
    s.uid = ? ORDER BY e.id DESC LIMIT 1
"""
_OF_SERVER = """
    SELECT e.answer_id FROM exchanges AS e JOIN sessions AS s ON s.id = e.session_id
    WHERE e.method = ? AND coalesce(e.name, '') = ? AND e.status = 'ok' AND e.answer_id IS NOT NULL
      AND s.server_name = (SELECT server_name FROM sessions WHERE journal = ? ORDER BY id DESC LIMIT 1)
    ORDER BY e.id DESC LIMIT 1
"""


def last_good(db: Path, uid: str, method: str, name: str) -> bytes | None:
    """What the proxy ``uid`` last heard as a good answer to such a request, else another of the same server.

    None where nothing is recorded, or the database cannot be read.
    """
    try:
        with reading(db) as connection:
            reader = Reader(db, connection)
            for statement in (_OF_PROXY, _OF_SERVER):
                found = connection.execute(statement, (method, name, uid)).fetchone()
                if found is not None:
                    return reader.body(int(found[0]))
    except ScopeError:
        pass
    return None
