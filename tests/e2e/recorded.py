"""Reads a recording without any of our own code, as another program would: SQL and zstandard only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

_MESSAGES = """
    SELECT m.dir, m.kind, m.method, m.rpc_id, m.size, m.kept, m.body_at, b.encoding, b.size, b.data, d.data
    FROM messages AS m LEFT JOIN bodies AS b ON b.id = m.body_id
    LEFT JOIN dictionaries AS d ON d.id = b.dictionary_id
    WHERE m.session_id = ? ORDER BY m.id
"""
_SESSIONS = (
    "SELECT id, label, ended_at, end_reason, exit_code, server_name, client_name FROM sessions ORDER BY id"
)
_EXCHANGES = "SELECT * FROM exchanges WHERE session_id = ? ORDER BY id"


@dataclass(frozen=True)
class Session:
    """A row of ``sessions``."""

    id: int
    label: str
    ended: int | None
    end_reason: str | None
    exit_code: int | None
    server: str | None
    client: str | None


@dataclass(frozen=True)
class Message:
    """A row of ``messages`` with its whole body; ``line`` is what stood on the wire."""

    up: bool
    kind: str
    method: str | None
    rpc_id: str | None
    body: bytes

    @property
    def line(self) -> bytes:
        return self.body + b"\n"


def sessions_of(db: Path) -> list[Session]:
    """All sessions; none while the database is not there yet."""
    return [Session(*row) for row in _rows(db, _SESSIONS, ())]


def messages_of(db: Path, session: int) -> list[Message]:
    """The messages of one session in their order."""
    found = []
    for row in _rows(db, _MESSAGES, (session,)):
        way, kind, method, rpc_id, size, kept, at, encoding, whole, data, words = row
        assert kept is None or kept == size, "the body was cut"
        body = b""
        if data is not None:
            body = _unpacked(data, encoding, whole, words)[at or 0 :][:size]
        found.append(Message(way == "c2s", kind, method, rpc_id, body))
    return found


def exchanges_of(db: Path, session: int) -> list[dict[str, Any]]:
    """The exchanges of one session, each a dictionary of its columns."""
    if not db.exists():
        return []
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(_EXCHANGES, (session,))]


def _unpacked(data: bytes, encoding: int, size: int, words: bytes | None) -> bytes:
    if encoding == 0:
        return data
    shared = zstandard.ZstdCompressionDict(words, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if words else None
    return zstandard.ZstdDecompressor(dict_data=shared).decompress(data, max_output_size=size)


def _rows(db: Path, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    if not db.exists():
        return []
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []  # it is being created
            raise
