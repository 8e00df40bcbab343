"""The HTTP streams of a session with what they carried."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from mcpscope.store.bodies import BlockReader

_MESSAGES = """
    SELECT stream, id, ifnull(exchange_id, id), at, dir FROM messages
    WHERE session_id = ? AND stream > 0 ORDER BY id
"""
_STREAMS = """
    SELECT stream, opened_at, closed_at, open, facts, close FROM streams
    WHERE session_id = ? ORDER BY ifnull(opened_at, 0), stream
"""
_BODY = "SELECT body_id, body_at, ifnull(kept, size) FROM messages WHERE id = ?"


class Carried(NamedTuple):
    """One message of a stream; ``at`` is unix ns, ``dir`` c2s or s2c."""

    exchange: int
    at: int
    dir: str
    raw: bytes


class Stream(NamedTuple):
    """One HTTP request and its answer; ``head``, ``facts`` and ``end`` are what the journal keeps of them."""

    number: int
    opened_at: int
    closed_at: int | None
    head: dict[str, Any]
    facts: dict[str, Any]
    end: dict[str, Any]
    messages: list[Carried]


def streams(connection: sqlite3.Connection, session_id: int) -> Iterator[Stream]:
    """Every stream in the order in which they were opened; one at a time has its bodies in memory."""
    carried: dict[int, list[tuple[int, int, int, str]]] = {}
    for number, *facts in connection.execute(_MESSAGES, (session_id,)):
        carried.setdefault(number, []).append(tuple(facts))
    reader = BlockReader(connection)
    for number, opened, closed, head, facts, end in connection.execute(_STREAMS, (session_id,)):
        messages = []
        for id, exchange, at, dir in carried.get(number, ()):
            body_id, body_at, size = connection.execute(_BODY, (id,)).fetchone()
            raw = b"" if body_id is None else reader.read(body_id, body_at or 0, size)
            messages.append(Carried(exchange, at, dir, raw))
        began = opened if opened is not None else messages[0].at if messages else 0
        yield Stream(number, began, closed, _object(head), _object(facts), _object(end), messages)


def stream_numbers(connection: sqlite3.Connection, session_id: int) -> set[int]:
    """The numbers of the streams of a session."""
    query = "SELECT stream FROM streams WHERE session_id = ?"
    return {number for (number,) in connection.execute(query, (session_id,))}


def stream_head(connection: sqlite3.Connection, session_id: int, stream: int) -> dict[str, Any]:
    """What is kept of the request that opened a stream, with MCP's session id where a head names it."""
    query = "SELECT open, facts FROM streams WHERE session_id = ? AND stream = ?"
    row = connection.execute(query, (session_id, stream)).fetchone()
    head, facts = (_object(text) for text in row or (None, None))
    return {**head, "mcp_session_id": head.get("mcp_session_id") or facts.get("mcp_session_id")}


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
