"""Reading the chain: every row of a session compared with what was sealed, and what differs, by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcpscope.store import seals
from mcpscope.store.bodies import BlockReader
from mcpscope.store.seals import BODY, CLOSE, FIELDS, OPEN, REMOVED, Entry, entry, own_flags

MAX_FINDINGS = 1000
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
_MESSAGES = f"""
    SELECT id, body_id, body_at, coalesce(kept, size), fate, {", ".join(FIELDS["message"])}
    FROM messages WHERE session_id = ? ORDER BY id
"""
_OUTCOMES = """
    SELECT o.message_id, o.chain, o.bytes, o.outcome, o.actor, o.rule, o.at, o.waited_ns, o.detail
    FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id WHERE m.session_id = ? ORDER BY o.id
"""
_NOTES = "SELECT id, text, at, kind, detail FROM notes WHERE session_id = ? AND kind != 'remark' ORDER BY id"
_DEFINITIONS = """
    SELECT message_id, body, at, kind, name, digest FROM definitions WHERE session_id = ? ORDER BY id
"""
_EXCHANGES = f"SELECT id, {', '.join(FIELDS['exchange'])} FROM exchanges WHERE session_id = ? ORDER BY id"
_STREAMS = f"SELECT stream, {', '.join(FIELDS['stream'])} FROM streams WHERE session_id = ? ORDER BY stream"
_FLAGS_AT = FIELDS["exchange"].index("flags")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as it was sealed: ``kind`` of row, its ``id`` (0: the session as a whole), and how."""

    kind: str
    id: int
    what: str

    @property
    def text(self) -> str:
        place = f"{self.kind} {self.id}" if self.id else self.kind
        return f"{place}: {self.what}"


@dataclass(slots=True)
class Checked:
    """One session. ``end`` is ``sealed``, or ``open`` where its recorder has not come to the end."""

    session_id: int
    uid: str = ""
    label: str = ""
    policy: str = ""
    end: str = "open"
    end_reason: str = ""
    journal: str = ""
    seals: int = 0
    rows: int = 0
    last_id: int = 0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)
    other_key: bool = False

    @property
    def intact(self) -> bool:
        return not self.findings

    def add(self, kind: str, id: int, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(kind, id, what))


@dataclass(slots=True)
class Audit:
    """A database: its sessions under a policy, the uids of those gone, what SQLite says of the file."""

    checked: list[Checked]
    missing: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not (self.missing or self.damage) and all(one.intact for one in self.checked)


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
            _Rows(connection, found, sealed, key).compare()
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
    said = _json(_bytes(rows[0][4])) if rows[0][2] == OPEN else {}
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


class _Rows:
    """The rows of one session against the entries of its seals."""

    def __init__(
        self, connection: sqlite3.Connection, found: Checked, sealed: list[Entry], key: bytes
    ) -> None:
        self._connection = connection
        self._found = found
        self._key = key
        self._id = found.session_id
        self._changed: list[tuple[Entry, Entry]] = []
        self._sealed: dict[str, dict[int, list[Entry]]] = {kind: {} for kind in FIELDS}
        for one in sealed:
            self._sealed[one.kind].setdefault(one.id, []).append(one)

    def compare(self) -> None:
        self._messages()
        self._several("outcome", self._outcomes())
        self._several("note", self._plain("note", _NOTES))
        self._several("definition", self._plain("definition", _DEFINITIONS))
        self._latest("exchange", self._exchanges())
        if self._found.end == "sealed":
            self._latest("stream", self._bare("stream", _STREAMS, (self._id,)))
            row = self._connection.execute(_SESSION, (self._id,)).fetchone()
            if row is not None:
                self._latest("session", iter([entry(self._key, "session", self._id, row)]))
        self._swapped()

    def _messages(self) -> None:
        reader = BlockReader(self._connection)
        fates = {id: found[-1] for id, found in self._sealed["fate"].items()}
        nothing = entry(self._key, "fate", 0, (None,)).facts

        def read() -> Iterator[Entry]:
            for id, body_id, body_at, size, fate, *values in self._connection.execute(_MESSAGES, (self._id,)):
                body = _read(reader, body_id, body_at, size) if size else b""
                expected = fates.pop(id, None)
                now = entry(self._key, "fate", id, (fate,)).facts
                if now != (nothing if expected is None else expected.facts):
                    self._found.add("message", id, f"what became of it ({fate or 'forwarded'}) was changed")
                yield entry(self._key, "message", id, values, body)

        self._latest("message", read())

    def _outcomes(self) -> Iterator[Entry]:
        for message_id, chain, sent, *values in self._connection.execute(_OUTCOMES, (self._id,)):
            made = entry(self._key, "outcome", message_id, values, None if sent is None else _bytes(sent))
            if chain != made.facts + made.body:
                self._found.add("outcome of message", message_id, "does not fit the digest beside it")
            yield made

    def _plain(self, kind: str, query: str) -> Iterator[Entry]:
        for id, body, *values in self._connection.execute(query, (self._id,)):
            yield entry(self._key, kind, id, values, _bytes(body))

    def _bare(self, kind: str, query: str, given: tuple[int, ...]) -> Iterator[Entry]:
        for id, *values in self._connection.execute(query, given):
            yield entry(self._key, kind, id, values)

    def _exchanges(self) -> Iterator[Entry]:
        for id, *values in self._connection.execute(_EXCHANGES, (self._id,)):
            values[_FLAGS_AT] = own_flags(values[_FLAGS_AT])
            yield entry(self._key, "exchange", id, values)

    def _latest(self, kind: str, rows: Iterator[Entry]) -> None:
        """One row an id; of several entries the last one holds."""
        sealed = {id: found[-1] for id, found in self._sealed[kind].items()}
        for row in rows:
            expected = sealed.pop(row.id, None)
            if expected is None:
                self._found.add(kind, row.id, "was added: no seal covers it")
            elif not _same(expected, row):
                self._differs(kind, expected, row)
        for id in sealed:
            self._found.add(kind, id, "is missing")

    def _several(self, kind: str, rows: Iterator[Entry]) -> None:
        """Rows of one message in their order, each with its entry."""
        sealed = self._sealed[kind]
        name = kind if kind == "note" else f"{kind} of message"
        for row in rows:
            left = sealed.get(row.id)
            if not left:
                self._found.add(name, row.id, "was added: no seal covers it")
                continue
            same = next((one for one in left if _same(one, row)), None)
            if same is None:
                self._differs(name, left.pop(0), row)
            else:
                left.remove(same)
        for id, left in sealed.items():
            for _ in left:
                self._found.add(name, id, "is missing")

    def _differs(self, name: str, expected: Entry, row: Entry) -> None:
        if row.kind == "message":
            self._changed.append((expected, row))
            return
        self._found.add(name, row.id, _difference(expected, row))

    def _swapped(self) -> None:
        """Messages that are not what they were: some may only have changed places."""
        places = {(one.facts, one.body): one.id for one, _ in self._changed}
        bodies = {one.body: one.id for one, _ in self._changed}
        for expected, row in self._changed:
            other = places.get((row.facts, row.body), row.id)
            moved = bodies.get(row.body, row.id)
            if other != row.id:
                self._found.add("message", row.id, f"stands where message {other} stood: they were swapped")
            elif row.facts == expected.facts and moved != row.id:
                self._found.add("message", row.id, f"has the body of message {moved}")
            else:
                self._found.add("message", row.id, _difference(expected, row))


def _read(reader: BlockReader, body_id: Any, at: Any, size: Any) -> bytes:
    try:
        return reader.read(body_id, at, size)
    except (TypeError, ValueError, OverflowError):
        return b""  # somebody wrote there what no recorder writes


def _bytes(value: Any) -> bytes:
    """A value as bytes, also where a column for bytes holds something else now."""
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else repr(value).encode()


def _same(expected: Entry, row: Entry) -> bool:
    return (expected.facts, expected.body) == (row.facts, row.body)


def _lenient(data: bytes) -> str:
    """A text that somebody has spoiled is to be compared, too."""
    return data.decode("utf-8", "surrogateescape")


def _difference(expected: Entry, row: Entry) -> str:
    parts = []
    names = FIELDS[row.kind]
    if expected.facts != row.facts:
        named = [name for name, old, new in zip(names, expected.hints, row.hints, strict=False) if old != new]
        parts.append(f"its {' and '.join(named) or 'facts'}")
    if expected.body != row.body:
        parts.append(f"its {BODY[row.kind]}")
    return f"{', '.join(parts)} {'were' if len(parts) > 1 or ' and ' in parts[0] else 'was'} changed"


def _numbers(word: str, first: int, last: int) -> str:
    return f"{word} {first} is" if first == last else f"{word}s {first} to {last} are"


def _json(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
