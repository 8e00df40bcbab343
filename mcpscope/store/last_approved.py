"""The last call of a tool that a person approved, for who is asked about the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcpscope.errors import ScopeError
from mcpscope.store.reader import Reader
from mcpscope.store.reading import reading

_APPROVED = """
    SELECT o.message_id, o.bytes, o.actor, o.at FROM exchanges AS e
    JOIN messages AS m ON m.exchange_id = e.id JOIN outcomes AS o ON o.message_id = m.id
    WHERE e.method = ? AND coalesce(e.name, '') = ? AND o.outcome IN ('forwarded', 'edited')
      AND o.detail ->> '$.approved' IS NOT NULL
    ORDER BY e.id DESC LIMIT 1
"""


def last_approved(db: Path, method: str, name: str) -> dict[str, Any] | None:
    """Its ``text``, ``by`` whom and ``at`` what time (unix ns), as scope/holds/get tells of one.

    None where nothing is recorded, or the database cannot be read.
    """
    try:
        with reading(db) as connection:
            found = connection.execute(_APPROVED, (method, name)).fetchone()
            if found is None:
                return None
            id, sent, by, at = found
            raw = sent if sent is not None else Reader(db, connection).body(int(id))
    except ScopeError:
        return None
    return {"text": (raw or b"").decode(errors="replace"), "by": str(by), "at": int(at)}
