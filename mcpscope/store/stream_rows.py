"""What an HTTP stream said of itself when it opened, in between and when it closed: rows of ``streams``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson

from mcpscope.store.records import Record, RecordType

_ADD_STREAM = "INSERT OR IGNORE INTO streams (session_id, stream) VALUES (?, ?)"
_STREAM_OPENED = "UPDATE streams SET opened_at = ?, open = ? WHERE session_id = ? AND stream = ?"
_STREAM_CLOSED = "UPDATE streams SET closed_at = ?, close = ? WHERE session_id = ? AND stream = ?"
_STREAM_FACTS = "SELECT facts FROM streams WHERE session_id = ? AND stream = ?"
_SET_FACTS = "UPDATE streams SET facts = ? WHERE session_id = ? AND stream = ?"

StreamNote = tuple[int, int, int, int, dict[str, Any]]
"""Session id, stream, type of the record, its time and what it says."""


def stream_note(session_id: int, record: Record, said: dict[str, Any]) -> StreamNote:
    """What a STREAM_OPEN, STREAM_CLOSE or HTTP record says of its stream."""
    return session_id, record.stream, int(record.type), record.at, said


def write_streams(connection: sqlite3.Connection, notes: Iterable[StreamNote]) -> None:
    """Write down what was said, in its order."""
    for session_id, stream, type, at, said in notes:
        where = (session_id, stream)
        connection.execute(_ADD_STREAM, where)
        text = json_text(said)
        if type == RecordType.STREAM_OPEN:
            connection.execute(_STREAM_OPENED, (at, text, *where))
        elif type == RecordType.STREAM_CLOSE:
            connection.execute(_STREAM_CLOSED, (at, text, *where))
        else:
            (facts,) = connection.execute(_STREAM_FACTS, where).fetchone()
            merged = {**json.loads(facts or "{}"), **said}
            connection.execute(_SET_FACTS, (json_text(merged), *where))


def json_text(said: dict[str, Any]) -> str:
    """What a record says, as SQLite can hold it."""
    try:
        return orjson.dumps(said).decode()
    except TypeError:  # a lone surrogate, which orjson does not spell
        return json.dumps(said)
