"""Lines of ``store.jsonl`` as a session of this database, through the same code that reads a journal."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from mcpscope.engine.outcomes import UNCHANGED_FLAG
from mcpscope.protocol.parsing import parse
from mcpscope.store import schema
from mcpscope.store.ingest import Ingest
from mcpscope.store.jsonl import Header, Line, bad_line, read_header, sessions_in
from mcpscope.store.line_values import cut_message, digest_of, number_of, object_of, outcome_of, text_of
from mcpscope.store.reading import explained, writing
from mcpscope.store.records import Dir, Record, RecordType
from mcpscope.store.remarks import MARKED, NOTED
from mcpscope.store.removing import remove_session
from mcpscope.store.settled import settle_for
from mcpscope.store.unpack import Unpacked
from mcpscope.store.writing_out import COUNTERS, JSON_COLUMNS, SESSION_COLUMNS

LINES_AT_ONCE = 500
STEP_NS = 1_000_000  # between two lines that tell no time
BUSY_SECONDS = 30.0
_NUMBER = 1  # of the one session in the file
_DIRS = {"c2s": Dir.TO_SERVER, "s2c": Dir.TO_CLIENT}
_GIVEN_BY_FILE = tuple(name for name in SESSION_COLUMNS if name not in ("uid", "number", "name"))
_SET_SESSION = (
    f"UPDATE sessions SET journal = NULL, {', '.join(f'{name} = ?' for name in _GIVEN_BY_FILE)} WHERE id = ?"
)
_TOLD_AT_ONCE = ("label", "command", "url", "client_transport", "server_transport", "version")
_LOST = "UPDATE sessions SET journal = NULL, lost_messages = ?, gaps = ? > 0 WHERE id = ?"
_SET_UID = "UPDATE OR IGNORE sessions SET uid = ?, number = ? WHERE id = ?"
_COUNT = """
    UPDATE sessions SET bytes = (SELECT ifnull(sum(size), 0) FROM messages WHERE session_id = ?1),
                        exchanges = (SELECT count(*) FROM exchanges WHERE session_id = ?1)
    WHERE id = ?1
"""
_ADD_NOTE = """
    INSERT INTO notes (id, session_id, at, kind, text, detail) VALUES (?, ?, ?, ?, ?, ?)
"""
_SET_MESSAGE = "UPDATE messages SET fate = ?, origin = ?, marks = coalesce(?, marks) WHERE id = ?"
_SET_CUT = "UPDATE messages SET size = ?, kept = ?, sha256 = ? WHERE id = ?"
_TAKE_ID = "UPDATE sequence SET next = next + 1 RETURNING next - 1"
_ADD_FLAG = "UPDATE exchanges SET flags = ltrim(ifnull(flags, '') || ' ' || ?) WHERE id = ?"
_SET_NOTE = "UPDATE notes SET text = ?, detail = ? WHERE id = ?"
_INT64 = 1 << 62


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What an import brought. ``complete`` is False where the file has no end."""

    session_id: int
    name: str
    messages: int
    complete: bool


def take_in_all(db: Path, lines: Iterable[bytes], *, name: str = "", foreign: bool = False) -> list[TakenIn]:
    """Import a file with one or more sessions; all of it or nothing. Raises ScopeError as ``take_in``."""
    found: list[TakenIn] = []
    try:
        for part in sessions_in(lines):
            found.append(take_in(db, part, name=name, foreign=foreign))
    except BaseException:
        with writing(db, busy_seconds=BUSY_SECONDS) as connection:
            for one in found:
                remove_session(connection, one.session_id)
        raise
    return found


def take_in(db: Path, lines: Iterable[bytes], *, name: str = "", foreign: bool = False) -> TakenIn:
    """Import one session; all of it or nothing. Raises ScopeError, which names the line that is wrong.

    ``foreign`` lines were made of another program's file: what a recorder finds out is found out anew.
    """
    schema.ensure(db)
    source = iter(lines)
    header = read_header(source)
    with closing(schema.connect_rw(db, busy_seconds=BUSY_SECONDS)) as connection:
        taking = _TakingIn(connection, header, name, foreign=foreign)
        try:
            taking.begin()
            taking.all(source)
            return taking.finish()
        except BaseException as error:
            taking.undo()
            if isinstance(error, sqlite3.DatabaseError):
                raise explained(db, error) from error
            raise


class _TakingIn:
    """One session on its way in. The lines' times are counted from its start, or counted up line by line."""

    def __init__(
        self, connection: sqlite3.Connection, header: Header, name: str, *, foreign: bool = False
    ) -> None:
        self._connection = connection
        self._foreign = foreign
        self._said = session = header.session
        self._header = header
        self._steady = header.steady
        self._name = name or str(session.get("name") or "")
        self._start = time.time_ns() if header.steady else number_of(session.get("started_at"))
        self._last = self._start
        self._ingest = Ingest(connection, f"import-{session.get('uid') or ''}")
        self._messages_at: list[int] = []
        self._id = 0
        self._messages = 0
        self._asides: list[tuple[int, str, bytes, str | None]] = []
        self._flags: list[tuple[str, int]] = []  # what people said of exchanges
        self._places: list[int] = []  # ids of the messages and notes, in the order of the file
        self._ended = False
        self._repairs: list[tuple[str, tuple[Any, ...]]] = []

    def begin(self) -> None:
        opened: dict[str, Any] = {"record_name": self._name, "started_at_ns": self._start}
        if self._foreign:
            opened |= {key: self._said.get(key) for key in _TOLD_AT_ONCE}
        else:
            # What was noticed of its tools stands in the file.
            opened |= {"label": self._said.get("label"), "on_drift": "told"}
        self._apply([Unpacked(self._record(RecordType.SESSION_OPEN, self._start), [], [], opened)])
        self._id = self._ingest.sessions[_NUMBER].id

    def all(self, source: Iterator[bytes]) -> None:
        """Every line behind the header, in short transactions: recorders want to write, too."""
        number = 1
        while chunk := list(islice(source, LINES_AT_ONCE)):
            lines = []
            for raw in chunk:
                number += 1
                if raw.strip():
                    lines.append((number, Line(raw, number)))
            self._take(lines)

    def finish(self) -> TakenIn:
        last = self._said.get("ended_at")
        close = {"reason": self._said.get("end_reason") or "clean"}
        at = last if isinstance(last, int) else self._last
        self._apply([Unpacked(self._record(RecordType.SESSION_CLOSE, at), [], [], close)])
        lost = number_of(self._said.get("lost_messages"))
        given: tuple[Any, ...] = tuple(self._column(name) for name in _GIVEN_BY_FILE)
        statements: list[tuple[str, tuple[Any, ...]]] = [
            (_LOST, (lost, lost, self._id)) if self._foreign else (_SET_SESSION, (*given, self._id)),
            (_COUNT, (self._id,)),
        ]
        if self._said.get("uid"):
            statements.append(
                (_SET_UID, (str(self._said["uid"]), number_of(self._said.get("number")) or 1, self._id))
            )
        statements += [(_ADD_FLAG, (flag, id)) for flag, id in self._flags]
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            self._connection.execute(statement, values)
        for aside in self._asides:
            (id,) = self._connection.execute(_TAKE_ID).fetchone()
            self._connection.execute(_ADD_NOTE, (id, self._id, *aside))
        settle_for(self._connection, self._id, self._start, self._header.said)
        self._connection.execute("COMMIT")
        (name,) = self._connection.execute("SELECT name FROM sessions WHERE id = ?", (self._id,)).fetchone()
        return TakenIn(self._id, name or "", self._messages, self._ended)

    def undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if self._id:
            self._connection.execute("BEGIN IMMEDIATE")
            remove_session(self._connection, self._id)
            self._connection.execute("COMMIT")

    def _take(self, lines: list[tuple[int, Line]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        (next_id,) = self._connection.execute("SELECT next FROM sequence").fetchone()
        items: list[Unpacked] = []
        for number, line in lines:
            for made in self._items(number, line, next_id):
                next_id += _ids_taken(made)
                items.append(made)
        self._write(items)
        for statement, given in self._repairs:
            self._connection.execute(statement, given)
        self._repairs.clear()
        self._connection.execute("COMMIT")

    def _items(self, number: int, line: Line, id: int) -> list[Unpacked]:
        """What a line says as the journal would; ``id`` is what its first row will have."""
        said = line.said
        if "end" in said:
            self._ended = True
            return []
        at = self._last + STEP_NS if self._steady else self._start + number_of(said.get("at"))
        if "aside" not in said:
            self._last = max(self._last, at)
        if "dir" in said:
            return [self._message(number, line, at, id)]
        if "outcome" in said:
            return [self._outcome(number, line, at)]
        if "note" in said:
            return self._note(number, line, at, id)
        if "stream" in said:
            return self._stream(said, at)
        raise bad_line(number, "this is neither message, outcome, note nor stream")

    def _message(self, number: int, line: Line, at: int, id: int) -> Unpacked:
        said, raw = line.said, line.payload("message")
        if raw is None or text_of(said["dir"]) not in _DIRS:
            raise bad_line(number, "a message without its bytes or direction")
        self._messages += 1
        if self._steady:
            self._messages_at.append(at)
        self._places.append(id)
        if said.get("marked") is True:
            self._flags.append((MARKED, id))
        cut = said.get("cut")
        message = cut_message(raw, cut) if isinstance(cut, dict) else parse(raw)
        if isinstance(cut, dict):
            given = (number_of(cut.get("size")), len(raw), digest_of(cut.get("sha256")), id)
            self._repairs.append((_SET_CUT, given))
        gated = said.get("gated") is True  # its outcomes follow, and name it by its time
        kind = RecordType.SENT if said.get("origin") == "proxy" else RecordType.MESSAGE
        flags = 0 if gated else UNCHANGED_FLAG
        record = self._record(
            kind, at, dir=_DIRS[said["dir"]], stream=number_of(said.get("stream")), flags=flags
        )
        if gated or said.get("fate") or "marks" in said:
            texts = [text_of(said.get(name)) for name in ("fate", "origin", "marks")]
            self._repairs.append((_SET_MESSAGE, (*texts, id)))
        return Unpacked(record, [message], [], {})

    def _outcome(self, number: int, line: Line, at: int) -> Unpacked:
        if self._steady:
            back = number_of(line.said.get("back"))
            if not 0 <= back < len(self._messages_at):
                raise bad_line(number, "an outcome of a message that is not there")
            line.said["of"] = self._messages_at[-1 - back] - self._start
        outcome = outcome_of(line, number, self._start, at)
        record = self._record(RecordType.OUTCOME, at, payload=outcome.to_record())
        return Unpacked(record, [], [], {})

    def _note(self, number: int, line: Line, at: int, id: int) -> list[Unpacked]:
        said, text = line.said, line.payload("message")
        if text is None:
            raise bad_line(number, "a note without its text")
        about = said.get("detail")
        if isinstance(about, dict) and isinstance(place := about.get("exchange"), int):
            about["exchange"] = self._places[place - 1] if 0 < place <= len(self._places) else None
        self._places.append(id)
        if said.get("marked") is True:
            self._flags.append((MARKED, id))
        detail = json.dumps(about) if about is not None else None
        if said.get("aside") is True:
            # Written by a person, maybe long after the session: no part of what happened in it.
            self._asides.append((at, str(said["note"]), text, detail))
            self._flags.append((NOTED, about.get("exchange") or 0 if isinstance(about, dict) else 0))
            return []
        self._repairs.append((_SET_NOTE, (text, detail, id)))
        if said["note"] == "stderr":
            return [Unpacked(self._record(RecordType.STDERR, at), [], [text], {})]
        shown = {"kind": str(said["note"]), "text": text.decode("utf-8", "replace")}
        return [Unpacked(self._record(RecordType.NOTE, at), [], [], shown)]

    def _stream(self, said: dict[str, Any], at: int) -> list[Unpacked]:
        stream = number_of(said["stream"])
        if "close" in said:
            return [
                Unpacked(
                    self._record(RecordType.STREAM_CLOSE, at, stream=stream), [], [], object_of(said["close"])
                )
            ]
        head = self._record(RecordType.STREAM_OPEN, at, stream=stream)
        found = [Unpacked(head, [], [], object_of(said.get("open")))]
        if said.get("facts"):
            found.append(Unpacked(head._replace(type=RecordType.HTTP), [], [], object_of(said["facts"])))
        return found

    def _apply(self, items: list[Unpacked]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._write(items)
        self._connection.execute("COMMIT")

    def _write(self, items: list[Unpacked]) -> None:
        ingest = self._ingest
        ingest.begin()
        ingest.take_in(items)
        ingest.batch.take().write(self._connection, ingest.batch.blocks)
        ingest.end()

    def _record(
        self,
        kind: RecordType,
        at: int,
        *,
        dir: Dir = Dir.NONE,
        stream: int = 0,
        flags: int = 0,
        payload: bytes = b"",
    ) -> Record:
        return Record(kind, dir, flags, _NUMBER, stream, at, payload, (0, 0))

    def _column(self, name: str) -> Any:
        value = self._said.get(name)
        if name == "started_at":
            return self._start
        if self._steady and name in ("last_at", "ended_at"):
            return self._last
        if name in COUNTERS:
            return number_of(value)
        if name in JSON_COLUMNS and value is not None:
            return orjson.dumps(value).decode()
        if isinstance(value, str):
            return value.encode("utf-8", "backslashreplace").decode()
        return value if isinstance(value, int | None) else None


def _ids_taken(item: Unpacked) -> int:
    return len(item.messages) + len(item.lines) + (item.record.type == RecordType.NOTE)
