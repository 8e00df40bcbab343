"""The rows of ``sessions`` and ``streams`` as the recorder writes them."""

from __future__ import annotations

import json
from typing import Any

import orjson

from mcpscope.store.recorded import Recorded
from mcpscope.store.statements import Statements

NOT_FORWARDED = "not forwarded"
UNCONFIRMED = "unconfirmed"

_ADD = """
    INSERT INTO sessions (uid, journal, number, label, name, command, url, client_transport, server_transport,
                          pid, version, started_at, last_at, record_mode, detail)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_COUNT = """
    UPDATE sessions SET messages = messages + ?, exchanges = exchanges + ?, bytes = bytes + ?, last_at = ?
    WHERE id = ?
"""
_END = "UPDATE sessions SET ended_at = ?, end_reason = ?, exit_code = ? WHERE id = ?"
_NAME_TAKEN = "SELECT count(*) FROM sessions WHERE name = ?"
_TIE_TO_RUN = """
    UPDATE sessions SET replay_of =
        (SELECT recording_id FROM runs WHERE session_name = :name ORDER BY id DESC)
    WHERE id = :id AND :name IS NOT NULL
"""
_FIND_UID = "SELECT count(*) FROM sessions WHERE uid = ?"
_INTRODUCE = """
    UPDATE sessions SET client_name = ?, client_version = ?, server_name = ?, server_version = ?,
                        revision = ?, era = ? WHERE id = ?
"""
_NAME_KEYS = {"resource": "uri", "template": "uriTemplate"}
_DEFINITIONS = """
    SELECT kind, at, digest, body FROM definitions
    WHERE id IN (SELECT max(id) FROM definitions WHERE session_id = ? GROUP BY kind, name) ORDER BY id
"""
_NEWEST_OF_DIR = """
    SELECT id, size FROM messages WHERE session_id = ? AND dir = ? AND origin IS NULL
    ORDER BY id DESC LIMIT 100000
"""
_SET_FATE = "UPDATE messages SET fate = ? WHERE id = ?"


def add_session(connection: Statements, uid: str, number: int, at: int, said: dict[str, Any]) -> int:
    """Insert the session that a SESSION_OPEN describes (``{}`` where there was none); returns its id."""
    started = said.get("started_at_ns")
    command = said.get("command")
    unique = f"{uid}.{number}"
    while connection.execute(_FIND_UID, (unique,)).fetchone()[0]:
        unique += "+"  # a damaged journal opens the same session twice
    row = (
        unique,
        uid,
        number,
        _text(said.get("label")),
        _free_name(connection, _text(said.get("record_name"))),
        orjson.dumps(command).decode("utf-8", "replace") if command else None,
        _text(said.get("url")),
        _text(said.get("client_transport")),
        _text(said.get("server_transport")),
        _number(said.get("pid")),
        _text(said.get("version")),
        _number(started) or at,
        at,
        _text(said.get("record_mode")),
        orjson.dumps(said).decode("utf-8", "replace") if said else None,
    )
    made = connection.execute(_ADD, row).lastrowid
    assert made is not None  # an INSERT without conflict clause has a row id
    connection.execute(_TIE_TO_RUN, {"id": made, "name": _text(said.get("record_name"))})
    return made


def count_session(connection: Statements, session: Recorded) -> None:
    """Add to the session's counters what this transaction brought, and start counting anew."""
    if session.seen_messages or session.seen_exchanges:
        counts = (
            session.seen_messages,
            session.seen_exchanges,
            session.seen_bytes,
            session.last_at,
            session.id,
        )
        connection.execute(_COUNT, counts)
        session.seen_messages = session.seen_exchanges = session.seen_bytes = 0
    if session.introduced:
        facts = session.identity.facts
        era = facts.era.value if facts.era else None
        names = (facts.client_name, facts.client_version, facts.server_name, facts.server_version)
        connection.execute(
            _INTRODUCE, (*(_text(name) for name in names), _text(facts.revision), era, session.id)
        )
        session.introduced = False


def take_back(connection: Statements, session_id: int, dir: str, undelivered: int) -> None:
    """The last ``undelivered`` bytes of a direction were recorded and never written on."""
    for id, size in connection.execute(_NEWEST_OF_DIR, (session_id, dir)).fetchall():
        if undelivered <= 0:
            return
        whole = size <= undelivered
        connection.execute(_SET_FATE, (NOT_FORWARDED if whole else UNCONFIRMED, id))
        undelivered -= size + 1


def restore_catalog(connection: Statements, session: Recorded) -> None:
    """What the session's server offers, from the rows that say so."""
    rows = connection.execute(_DEFINITIONS, (session.id,)).fetchall()
    known = []
    for kind, at, digest, text in rows:
        body = json.loads(text)
        # Not the column: a name that SQLite cannot hold is spelled differently there.
        known.append([kind, body[_NAME_KEYS.get(kind, "name")], at, digest, body])
    session.catalog.restore({"changes": len(known), "definitions": json.dumps(known)})


def end_session(connection: Statements, id: int, at: int, reason: str, exit_code: int | None) -> None:
    connection.execute(_END, (at, _text(reason), exit_code, id))


def _free_name(connection: Statements, name: str | None) -> str | None:
    """``name``, or with a number behind it where a recording has it already."""
    tried, number = name, 1
    while tried and connection.execute(_NAME_TAKEN, (tried,)).fetchone()[0]:
        number += 1
        tried = f"{name}-{number}"
    return tried


def _text(value: Any) -> str | None:
    return str(value).encode("utf-8", "backslashreplace").decode() if value not in (None, "") else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and abs(value) < 1 << 62 else None
