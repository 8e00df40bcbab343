"""Reading the chain: a session's seals, what they cover, and the ends written down elsewhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcpscope.store import seals
from mcpscope.store.findings import Audit, Checked
from mcpscope.store.row_checks import RowChecks
from mcpscope.store.seals import CLOSE, FIELDS, OPEN, REMOVED, Entry, as_bytes

# What sqlite3 raises for a damaged file; a spoiled name in it even shows in the text of the error.
UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)

_SEALS = """
    SELECT number, at, kind, total, entries, before, mac FROM seals WHERE session_id = ? ORDER BY number
"""
_SESSIONS = """
    SELECT session_id FROM seals
    UNION SELECT id FROM sessions WHERE journal IS NOT NULL
    AND CASE WHEN json_valid(detail) THEN detail ->> '$.policy' END IS NOT NULL
"""
_SESSION = f"SELECT {', '.join(FIELDS['session'])} FROM sessions WHERE id = ?"


def sealed_sessions(connection: sqlite3.Connection) -> list[int]:
    """The ids of all sessions that were recorded here under a policy, in order.

    All that is read from ``connection`` from now on is of one moment: recorders may go on writing.
    """
    connection.text_factory = _lenient
    try:
        if not connection.in_transaction:
            connection.execute("BEGIN")
        return sorted(row[0] for row in connection.execute(_SESSIONS) if isinstance(row[0], int))
    except UnicodeDecodeError as error:
        raise sqlite3.DatabaseError("a name in it is spoiled") from error


def examine(
    connection: sqlite3.Connection, ids: Sequence[int], key: bytes, heads: dict[str, dict[str, Any]]
) -> Audit:
    """Check these sessions, what is missing beside them, and the file itself."""
    found = Audit([one for id in ids if (one := verify(connection, id, key, heads)) is not None])
    try:
        found.missing = gone(connection, heads)
    except UNREADABLE as error:
        found.damage.append(str(error))
    found.damage += [text for text in damage_of(connection) if text not in found.damage]
    return found


def verify(
    connection: sqlite3.Connection, session_id: int, key: bytes, heads: dict[str, dict[str, Any]]
) -> Checked | None:
    """Check one session; None for one that was removed. ``heads`` are the ends written down elsewhere."""
    found = Checked(session_id)
    try:
        rows = connection.execute(_SEALS, (session_id,)).fetchall()
        if len(rows) == 1 and rows[0][2] == REMOVED:
            return _removed(found, _as_written(rows[0]), key)
        sealed = _chain(found, rows, key)
        _against_session(connection, found, rows)
        _against_head(found, rows, heads)
        if not found.other_key:
            RowChecks(connection, found, sealed, key).compare()
    except UNREADABLE as error:
        found.add("database", 0, f"cannot be read here: {error}")
    return found


def read_heads(path: Path) -> dict[str, dict[str, Any]]:
    """The ends of chains that recorders wrote down, by the uid of their session."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            said = json.loads(line)
            found[str(said["uid"])] = said
        except (ValueError, KeyError, TypeError):
            continue  # a line torn by a crash says nothing
    return found


def gone(connection: sqlite3.Connection, heads: dict[str, dict[str, Any]]) -> list[str]:
    """Sealed sessions of this database that are not in it any more, and that no command of ours removed."""
    journals = {row[0] for row in connection.execute("SELECT uid FROM journals")}
    known = {row[0] for row in connection.execute("SELECT uid FROM sessions")}
    for (data,) in connection.execute("SELECT entries FROM seals WHERE kind = ?", (REMOVED,)):
        known.add(_json(data).get("uid"))
    kept = {uid for uid in heads if uid.rpartition(".")[0] in journals}
    return sorted(kept - known)


def damage_of(connection: sqlite3.Connection) -> list[str]:
    """What SQLite itself finds wrong with the file."""
    try:
        rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
    except UNREADABLE as error:
        return [str(error)]
    return [str(text) for (text,) in rows if text != "ok"]


def _removed(found: Checked, row: tuple[Any, ...], key: bytes) -> Checked | None:
    number, at, kind, total, entries, before, mac = row
    if mac == seals.linked(key, before, kind, (number, at, total), entries):
        return None
    found.uid = str(_json(entries).get("uid") or "")
    found.add("session", 0, "it was removed, but not by mcpscope with this key")
    return found


def _chain(found: Checked, rows: list[tuple[Any, ...]], key: bytes) -> list[Entry]:
    """Check the seals themselves; returns the entries of all of them."""
    if not rows:
        found.add("session", 0, "it was recorded under a policy, and all its seals are gone")
        return []
    said = _json(as_bytes(rows[0][4])) if rows[0][2] == OPEN else {}
    found.uid, found.label = str(said.get("uid") or ""), str(said.get("label") or "")
    found.policy = str(said.get("policy") or "")
    if said.get("key") not in (None, seals.key_id(key)):
        found.other_key = True
        found.add(
            "session", 0, f"it was sealed with another key ({said['key']}, this one is {seals.key_id(key)})"
        )
        return []
    entries: list[Entry] = []
    expected, before, total = 0, b"", 0
    for row in rows:
        number, at, kind, count, data, previous, mac = _as_written(row)
        if number != expected:
            found.add("seal", number, f"{_numbers('seal', expected, number - 1)} before it missing")
        elif previous != before:
            found.add("seal", number, "does not follow the one before it")
        inside = [] if kind == OPEN else list(seals.unpacked(data))
        if mac != seals.linked(key, previous, kind, (number, at, count), data):
            found.add("seal", number, "was changed")
        elif number == expected and count != total + len(inside):
            found.add("seal", number, f"covers {len(inside)} rows and says {count - total}")
        entries += inside
        expected, before, total = number + 1, mac, count
    found.seals, found.rows, found.head = len(rows), total, before.hex()
    found.end = "sealed" if rows[-1][2] == CLOSE else "open"
    if found.end == "open":
        found.last_id = max((one.id for one in entries if one.kind == "message"), default=0)
    return entries


def _as_written(row: tuple[Any, ...]) -> tuple[int, int, str, int, bytes, bytes, bytes]:
    """A seal with columns of the right kinds, whatever stands in them: its digest will not fit then."""
    number, at, count = (value if isinstance(value, int) else -1 for value in (row[0], row[1], row[3]))
    data, before, mac = (value if isinstance(value, bytes) else b"" for value in row[4:])
    return number, at, str(row[2]), count, data, before, mac


def _against_session(connection: sqlite3.Connection, found: Checked, rows: list[tuple[Any, ...]]) -> None:
    row = connection.execute(_SESSION, (found.session_id,)).fetchone()
    if row is None:
        found.add("session", 0, "its row is missing")
        return
    facts = dict(zip(FIELDS["session"], row, strict=True))
    found.uid, found.label = found.uid or facts["uid"], found.label or facts["label"] or ""
    found.end_reason = facts["end_reason"] or ""
    found.journal = facts["journal"] or ""
    if rows and not found.other_key and facts["uid"] != found.uid:
        found.add("session", 0, f"its seals are those of {found.uid}, not of {facts['uid']}")
    if found.end == "open" and rows and facts["ended_at"] is not None:
        after = f" after message {found.last_id}" if found.last_id else ""
        found.add(
            "session", 0, f"it has ended, but its last seals are missing: the tail{after} may be cut off"
        )


def _against_head(found: Checked, rows: list[tuple[Any, ...]], heads: dict[str, dict[str, Any]]) -> None:
    head = heads.get(found.uid)
    if head is None or not rows or found.other_key:
        return
    if head.get("mac") == found.head:
        return
    sealed = f"{head.get('total')} rows in {head.get('number', 0) + 1} seals"
    found.add("session", 0, f"its end is cut off or another: {sealed} were written down when it ended")


def _lenient(data: bytes) -> str:
    """A text that somebody has spoiled is to be compared, too."""
    return data.decode("utf-8", "surrogateescape")


def _numbers(word: str, first: int, last: int) -> str:
    return f"{word} {first} is" if first == last else f"{word}s {first} to {last} are"


def _json(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
