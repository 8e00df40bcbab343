"""The rows of one session against the entries of its seals: what is missing, added, moved or another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from mcpscope.store.bodies import BlockReader
from mcpscope.store.findings import Checked
from mcpscope.store.seals import BODY, FIELDS, Entry, as_bytes, entry, own_flags

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


class RowChecks:
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
        self._places = {id(one): place for place, one in enumerate(sealed)}
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
            made = entry(self._key, "outcome", message_id, values, None if sent is None else as_bytes(sent))
            if chain != made.facts + made.body:
                self._found.add("outcome of message", message_id, "does not fit the digest beside it")
            yield made

    def _plain(self, kind: str, query: str) -> Iterator[Entry]:
        for id, body, *values in self._connection.execute(query, (self._id,)):
            yield entry(self._key, kind, id, values, as_bytes(body))

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
        """Several rows of one message, each with its entry; outcomes in the order of their entries."""
        sealed = self._sealed[kind]
        name = kind if kind == "note" else f"{kind} of message"
        found: list[Entry] = []
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
                found.append(same)
        for id, left in sealed.items():
            for _ in left:
                self._found.add(name, id, "is missing")
        if kind == "outcome":
            self._moved(name, found)

    def _moved(self, name: str, found: list[Entry]) -> None:
        """The rows have no other name than their place: nothing else tells which came last."""
        places = [self._places[id(one)] for one in found]
        for one, place, due in zip(found, places, sorted(places), strict=True):
            if place != due:
                self._found.add(name, one.id, "stands in another place than it was sealed in")

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


def _same(expected: Entry, row: Entry) -> bool:
    return (expected.facts, expected.body) == (row.facts, row.body)


def _difference(expected: Entry, row: Entry) -> str:
    parts = []
    names = FIELDS[row.kind]
    if expected.facts != row.facts:
        named = [name for name, old, new in zip(names, expected.hints, row.hints, strict=False) if old != new]
        parts.append(f"its {' and '.join(named) or 'facts'}")
    if expected.body != row.body:
        parts.append(f"its {BODY[row.kind]}")
    return f"{', '.join(parts)} {'were' if len(parts) > 1 or ' and ' in parts[0] else 'was'} changed"
