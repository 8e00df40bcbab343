"""The frames of a recording, by their ids."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mcpscope.store import schema
from mcpscope.store.bodies import BlockReader

LAST_ID = (1 << 63) - 1

_FRAME = """
    SELECT id, session_id, at, dir, kind, coalesce(method, ''), coalesce(rpc_id, ''), stream, size,
           coalesce(marks, ''), coalesce(fate, 'forwarded'), coalesce(origin, 'peer'), body_id, body_at,
           coalesce(kept, size), NULL
    FROM messages
"""
_NOTE = """
    SELECT id, session_id, at, '', kind, '', '', 0, length(CAST(text AS BLOB)), '', '', '', NULL, NULL, 0,
           text
    FROM notes
"""
_NEWEST = "SELECT coalesce(max(id), 0) FROM messages UNION ALL SELECT coalesce(max(id), 0) FROM notes"
_OWNERS = """
    SELECT id, exchange_id FROM messages
    WHERE id IN (SELECT value FROM json_each(?)) AND exchange_id IS NOT NULL
"""
_BODY = "SELECT body_id, body_at, coalesce(kept, size) FROM messages WHERE id = ?"


class Frame(NamedTuple):
    """One message, or one note (``dir`` is "" then and ``kind`` its kind), with its bytes as recorded.

    ``size`` is that of the whole message; ``raw`` may be shorter where only a beginning was kept.
    """

    id: int
    session_id: int
    at: int
    dir: str
    kind: str
    method: str
    rpc_id: str
    stream: int
    size: int
    marks: str
    fate: str
    origin: str
    raw: bytes


class Reader:
    """Reads over one connection (see ``store.reading``); each sees what is committed when it is called."""

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        self.path = path
        self.connection = connection or schema.connect_ro(path)
        self._blocks = BlockReader(self.connection)

    def __repr__(self) -> str:
        return f"<Reader {self.path}>"

    def close(self) -> None:
        self.connection.close()

    def newest_id(self) -> int:
        """The id of the last message or note; follow with ``frames(after=…)``."""
        return max(int(row[0]) for row in self.connection.execute(_NEWEST))

    def frames(self, session: int | None = None, *, after: int = 0, limit: int = 1000) -> list[Frame]:
        """Up to ``limit`` frames behind the id ``after``, in wire order."""
        return self._merged(session, "id > ?", after, limit, newest=False)

    def last_frames(
        self, session: int | None = None, *, before: int = LAST_ID, limit: int = 1000
    ) -> list[Frame]:
        """The last ``limit`` frames before the id ``before``, in wire order."""
        return list(reversed(self._merged(session, "id < ?", before, limit, newest=True)))

    def exchanges_of(self, frames: Sequence[int]) -> dict[int, int]:
        """The exchange of each frame."""
        rows = self.connection.execute(_OWNERS, (json.dumps(list(frames)),))
        return {id: id for id in frames} | dict(rows.fetchall())

    def body(self, message: int) -> bytes:
        """The bytes of a message as far as they were kept; empty where there is no such message."""
        row = self.connection.execute(_BODY, (message,)).fetchone()
        return self._blocks.read(*row) if row is not None and row[0] is not None else b""

    def _merged(self, session: int | None, bound: str, id: int, limit: int, *, newest: bool) -> list[Frame]:
        order = "DESC" if newest else "ASC"
        where = f"WHERE {bound}" + ("" if session is None else " AND session_id = ?")
        values: Sequence[int] = (id, limit) if session is None else (id, session, limit)
        rows: list[tuple[object, ...]] = []
        for select in (_FRAME, _NOTE):
            rows += self.connection.execute(f"{select} {where} ORDER BY id {order} LIMIT ?", values)
        rows.sort(key=lambda row: row[0], reverse=newest)  # type: ignore[arg-type,return-value]  # ids
        return [self._frame(row) for row in rows[:limit]]

    def _frame(self, row: tuple[object, ...]) -> Frame:
        *facts, body_id, body_at, kept, text = row
        if body_id is not None:
            raw = self._blocks.read(body_id, body_at or 0, kept)  # type: ignore[arg-type]  # integer columns
        else:
            raw = text if isinstance(text, bytes) else str(text or "").encode("utf-8", "backslashreplace")
        return Frame._make((*facts, raw))
