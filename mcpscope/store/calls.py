"""Calls of tools with their times, and the headers of POSTs, of one recorded session."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

_CALLS = """
    SELECT tool, dur_ns, coalesce(request_id, id) FROM exchanges
    WHERE session_id = ? AND method = 'tools/call' AND tool IS NOT NULL ORDER BY id
"""
_OPENED = "SELECT stream, open FROM streams WHERE session_id = ? AND stream > ? AND open IS NOT NULL"


class Called(NamedTuple):
    """One call: its tool, how long it took (None: no answer), the id of its message."""

    tool: str
    dur_ns: int | None
    message: int


def calls_of(connection: sqlite3.Connection, session: int) -> Iterator[Called]:
    """The calls of a session in their order."""
    yield from (Called(*row) for row in connection.execute(_CALLS, (session,)))


def post_headers(
    connection: sqlite3.Connection, session: int, after: int = 0
) -> dict[int, list[tuple[str, str]]]:
    """The headers of each POST by its stream, behind ``after``; secrets masked as they were recorded."""
    found: dict[int, list[tuple[str, str]]] = {}
    for stream, opened in connection.execute(_OPENED, (session, after)):
        said = json.loads(opened)
        if isinstance(said, dict) and said.get("method") == "POST":
            found[stream] = [(str(name), str(value)) for name, value in said.get("headers") or ()]
    return found
