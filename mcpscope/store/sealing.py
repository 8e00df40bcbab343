"""The recorder's side of the chain: seals over what it writes of sessions under a policy.

Sealed is what is stored, in the transaction that stores it. The end of each session is written down once more
beside the key, so that a database that lost its last rows and the seals over them is found out, too.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcpscope.paths import private_folder, state_folder
from mcpscope.store import seals
from mcpscope.store.inserting import whole_exchange, whole_message
from mcpscope.store.local_key import KEY_FILE, local_key
from mcpscope.store.seals import CLOSE, FIELDS, KEY_PURPOSE, OPEN, REMOVED, ROWS, Entry, entry, own_flags
from mcpscope.store.statements import Statements

if TYPE_CHECKING:
    from mcpscope.store.inserting import Row
    from mcpscope.store.rows import Part

HEADS_FILE = "audit.heads"
_ADD = """
    INSERT INTO seals (session_id, number, at, kind, total, entries, before, mac)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_SET_CHAIN = """
    UPDATE outcomes SET chain = ? WHERE id =
        (SELECT id FROM outcomes WHERE message_id = ? AND chain IS NULL ORDER BY id LIMIT 1)
"""
_LAST = "SELECT number, total, kind, mac FROM seals WHERE session_id = ? ORDER BY number DESC LIMIT 1"
_UID = "SELECT uid FROM sessions WHERE id = ?"
_FIRST = "SELECT entries FROM seals WHERE session_id = ? AND number = 0"
_OWNER = "SELECT session_id FROM messages WHERE id = ?"
_FATES = "SELECT id, fate FROM messages WHERE session_id = ? AND fate IS NOT NULL"
_STREAMS = f"SELECT stream, {', '.join(FIELDS['stream'])} FROM streams WHERE session_id = ?"
_SESSION = f"SELECT {', '.join(FIELDS['session'])} FROM sessions WHERE id = ?"
_OF_SESSION = "SELECT session_id, max(number) FROM seals WHERE session_id = ?"
_NOTE_EXCHANGE = ("kind", "status", "opened_at", "ended_at", "summary", "res_bytes")
_FLAGS_AT = FIELDS["exchange"].index("flags")


class _Chain:
    """The end of one session's chain."""

    def __init__(self, number: int, total: int, mac: bytes) -> None:
        self.number = number
        self.total = total
        self.mac = mac


class Sealer:
    """Seals the rows of sessions that ``begin`` or ``resume`` has named; others cost a look at a set.

    Its state follows what was written: after a failed transaction it is thrown away with all the rest.
    """

    def __init__(self) -> None:
        self._chains: dict[int, _Chain] = {}
        self._key = b""

    def __repr__(self) -> str:
        return f"<Sealer sessions={sorted(self._chains)}>"

    @property
    def idle(self) -> bool:
        """Whether no session is sealed."""
        return not self._chains

    def begin(self, connection: Statements, session_id: int, at: int, said: dict[str, Any]) -> None:
        """Open the chain of a session; ``said`` is what its first seal says. Raises OSError without a key."""
        self._key = self._key or key_for(connection)
        self._chains[session_id] = _Chain(-1, 0, b"")
        (uid,) = connection.execute(_UID, (session_id,)).fetchone()
        text = json.dumps({**said, "uid": uid, "key": seals.key_id(self._key)}, sort_keys=True).encode()
        self._link(connection, session_id, OPEN, at, text, 0)

    def resume(self, connection: Statements, session_id: int) -> None:
        """Take up the chain of a session that another recorder has begun, if it has one."""
        row = connection.execute(_LAST, (session_id,)).fetchone()
        if row is not None and row[2] in (OPEN, ROWS):
            self._key = self._key or key_for(connection)
            first = connection.execute(_FIRST, (session_id,)).fetchone()
            if first is None or seals.key_id(self._key).encode() not in first[0]:
                return  # begun with a key that is not ours: its end stays open
            self._chains[session_id] = _Chain(row[0], row[1], row[3])

    def seal(self, connection: Statements, part: Part) -> None:
        """Add a seal over the rows of ``part``, which are written, for every session that has some."""
        if self.idle:
            return
        found: dict[int, list[Entry]] = {}
        for session_id, made in self._entries(connection, part):
            if session_id in self._chains:
                found.setdefault(session_id, []).append(made)
        for session_id, entries in found.items():
            self._rows(connection, session_id, entries)

    def close(self, connection: Statements, session_id: int) -> None:
        """The session's last seal: its row, its streams and what became of its messages in the end."""
        if session_id not in self._chains:
            return
        key = self._key
        entries = [entry(key, "fate", id, (fate,)) for id, fate in connection.execute(_FATES, (session_id,))]
        for stream, *values in connection.execute(_STREAMS, (session_id,)):
            entries.append(entry(key, "stream", stream, values))
        row = connection.execute(_SESSION, (session_id,)).fetchone()
        entries.append(entry(key, "session", session_id, row))
        data = b"".join(map(seals.packed, entries))
        self._link(connection, session_id, CLOSE, time.time_ns(), data, len(entries))
        chain = self._chains.pop(session_id)
        _write_head(
            {
                "uid": row[0],
                "number": chain.number,
                "total": chain.total,
                "mac": chain.mac.hex(),
                "key": seals.key_id(key),
            }
        )

    def _rows(self, connection: Statements, session_id: int, entries: list[Entry]) -> None:
        data = b"".join(map(seals.packed, entries))
        self._link(connection, session_id, ROWS, time.time_ns(), data, len(entries))
        chained = [(one.facts + one.body, one.id) for one in entries if one.kind == "outcome"]
        connection.executemany(_SET_CHAIN, chained)

    def _link(
        self, connection: Statements, session_id: int, kind: str, at: int, data: bytes, count: int
    ) -> None:
        chain = self._chains[session_id]
        number, total, before = chain.number + 1, chain.total + count, chain.mac
        mac = seals.linked(self._key, before, kind, (number, at, total), data)
        connection.execute(_ADD, (session_id, number, at, kind, total, data, before, mac))
        chain.number, chain.total, chain.mac = number, total, mac

    def _entries(self, connection: Statements, part: Part) -> Iterator[tuple[int, Entry]]:
        key = self._key
        bodies = {(block.id, at): body for block in part.blocks for at, body in _placed(block.parts)}
        for row in map(whole_message, part.messages):
            yield row[1], _message(key, row, bodies)
            if row[15] is not None:
                yield row[1], entry(key, "fate", row[0], (row[15],))
        for row in part.outcomes:
            yield _owner(connection, row[0]), entry(key, "outcome", row[0], (*row[1:6], row[7]), row[6])
        for fate, id in part.fates:
            yield _owner(connection, id), entry(key, "fate", id, (fate,))
        for id, session_id, at, kind, text, detail in part.notes:
            yield session_id, entry(key, "note", id, (at, kind, detail), text)
        for session_id, message_id, at, kind, name, digest, body in part.definitions:
            yield session_id, entry(key, "definition", message_id, (at, kind, name, digest), body)
        yield from self._exchanges(part)

    def _exchanges(self, part: Part) -> Iterator[tuple[int, Entry]]:
        for row in part.note_exchanges:
            known = dict(zip(_NOTE_EXCHANGE, row[2:], strict=True)) | {"stream": 0}
            values = [known.get(name) for name in FIELDS["exchange"]]
            yield row[1], entry(self._key, "exchange", row[0], values)
        for row in map(whole_exchange, part.exchanges):
            yield row[1], _exchange(self._key, row[0], row[2:])
        for session_id, row in zip(part.changed_of, part.changed, strict=True):
            yield session_id, _exchange(self._key, row[-1], row[:-1])


def tombstone(connection: Statements, session_id: int, uid: str) -> None:
    """A session that had seals was removed by us: its chain gives way to one seal that says so."""
    if connection.execute(_OF_SESSION, (session_id,)).fetchone()[1] is None:
        return
    connection.execute("DELETE FROM seals WHERE session_id = ?", (session_id,))
    try:
        key = key_for(connection)
    except (OSError, ValueError):
        return  # without a key nobody can tell it from a removal by somebody else
    at, data = time.time_ns(), json.dumps({"uid": uid}).encode()
    mac = seals.linked(key, b"", REMOVED, (0, at, 0), data)
    connection.execute(_ADD, (session_id, 0, at, REMOVED, 0, data, b"", mac))


def key_for(connection: Statements) -> bytes:
    """The key of this database: the one beside it, else that of the state folder, made where there is none.

    A database in another state folder than ours is one whose proxy was started in another environment.
    """
    path = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
    beside = Path(path).parent / KEY_FILE
    return local_key(KEY_PURPOSE, str(beside) if path and beside.exists() else "")


def heads_path() -> str:
    """Where the ends of chains are written down beside the database."""
    return f"{state_folder()}/{HEADS_FILE}"


def _write_head(said: dict[str, Any]) -> None:
    try:
        private_folder(state_folder())
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(heads_path(), flags, 0o600)
    except OSError:
        return  # the seal in the database says the same
    try:
        os.write(fd, json.dumps(said).encode() + b"\n")
    finally:
        os.close(fd)


def _message(key: bytes, row: Row, bodies: dict[tuple[int, int], bytes]) -> Entry:
    kept, sha256, marks, origin = row[12], row[13], row[14], row[16]
    body = bodies[row[10], row[11]] if row[9] and kept != 0 else b""
    values = (*row[2:10], kept, sha256, marks, origin)
    return entry(key, "message", row[0], values, body)


def _exchange(key: bytes, id: int, row: Row) -> Entry:
    values = list(row)
    values[_FLAGS_AT] = own_flags(values[_FLAGS_AT])
    return entry(key, "exchange", id, values)


def _placed(parts: list[bytes]) -> Iterator[tuple[int, bytes]]:
    at = 0
    for part in parts:
        if part:
            yield at, part
        at += len(part)


def _owner(connection: Statements, message_id: int) -> int:
    row = connection.execute(_OWNER, (message_id,)).fetchone()
    return row[0] if row is not None else 0
