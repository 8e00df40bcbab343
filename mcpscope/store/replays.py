"""Runs of recordings as they are stored: verdicts, and the revisions that reviews make.

A run's own traffic is a session like any other, recorded by the proxy it went through; here lies what was
found when it was compared. Revisions are appended: masks and accepted answers never overwrite older ones.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcpscope.engine.filter.language import Filter
from mcpscope.errors import Exit, ScopeError
from mcpscope.store import schema
from mcpscope.store.bodies import BlockReader
from mcpscope.store.directory import Directory
from mcpscope.store.query import Query
from mcpscope.store.reading import prepare, reading
from mcpscope.store.settled import settled_for

FLUSH_SECONDS = 0.2

_MESSAGES = """
    SELECT m.id, m.at, m.dir, m.body_id, m.body_at, coalesce(m.kept, m.size), m.origin, m.fate,
           o.outcome, o.bytes, coalesce(m.marks, ''), coalesce(m.stream, 0),
           coalesce(e.status, '')
    FROM messages AS m
    LEFT JOIN exchanges AS e ON e.id = coalesce(m.exchange_id, m.id)
    LEFT JOIN outcomes AS o ON o.id = (SELECT max(id) FROM outcomes WHERE message_id = m.id)
    WHERE m.session_id = ? ORDER BY m.at, m.id
"""
_BEGIN = """
    INSERT INTO runs (recording_id, revision, session_name, target, started_at, state, pid)
    VALUES (?, ?, ?, ?, ?, 'running', ?)
"""
_VERDICT = """
    INSERT INTO verdicts (run_id, number, seq, label, verdict, was_ns, now_ns, why, was, now, detail)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_REVISE = """
    INSERT INTO revisions (recording_id, number, at, masks, answers, maps) VALUES (?, ?, ?, ?, ?, ?)
"""
_RUNS = """
    SELECT r.id, r.recording_id, r.revision, r.session_name, r.target, r.started_at, r.ended_at, r.state,
           r.pid,
           coalesce(s.name, s.label, s.command, s.url, '')
    FROM runs AS r LEFT JOIN sessions AS s ON s.id = r.recording_id
"""


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One message of a session as stored. ``left`` are the bytes that left it where a gate changed them.

    ``stream`` is what it travelled on, 0 on stdio; ``status`` is that of its exchange.
    """

    id: int
    at: int
    dir: str
    raw: bytes
    origin: str
    fate: str
    outcome: str
    left: bytes | None
    marks: str
    stream: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. ``state`` is running, finished, stopped or killed (its process is gone)."""

    id: int
    recording_id: int
    revision: int
    session_name: str
    target: str
    started_at: int
    ended_at: int | None
    state: str
    recording: str
    pid: int = 0


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One stored verdict; ``was``/``now`` are the answers as JSON text, ``detail`` the differences."""

    number: int
    seq: int
    label: str
    verdict: str
    was_ns: int | None
    now_ns: int | None
    why: str
    was: Any = None
    now: Any = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revision:
    """What reviews have settled for a recording: masks, and accepted answers by the seq of their request."""

    number: int = 0
    masks: tuple[str, ...] = ()
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)


def messages(path: Path, session_id: int) -> Iterator[RecordedMessage]:
    """Every message of a session in its order, bodies read as they are needed."""
    connection = schema.connect_ro(path)
    try:
        blocks = BlockReader(connection)
        for row in connection.execute(_MESSAGES, (session_id,)):
            id, at, dir, body_id, body_at, kept, origin, fate, outcome, left, marks, stream, status = row
            raw = blocks.read(body_id, body_at, kept) if body_id is not None else b""
            fates = (origin or "peer", fate or "forwarded", outcome or "")
            yield RecordedMessage(id, at, dir, raw, *fates, left, marks, stream, status)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Found:
    """A recorded session by which name it was asked for; ``command`` is a JSON array, empty for a URL.

    ``imported``: it came from a file, so somebody else may have written what its command is.
    """

    id: int
    name: str
    command: str
    url: str
    server_transport: str
    imported: bool


def find(path: Path, word: str) -> Found:
    """The session that ``word`` means everywhere; ScopeError if none. The database is brought up to date."""
    if path.exists():
        prepare(path)
    with reading(path) as connection:
        session = Directory(connection).find(word)
    called = session.name or session.label or session.uid
    imported = bool(session.imported)
    return Found(session.id, called, session.command, session.url, session.server_transport, imported)


def masks_of(path: Path, recording_id: int) -> tuple[str, ...]:
    """The masks that the newest revision of a recording has."""
    with closing(schema.connect_ro(path)) as connection:
        return masks_in(connection, recording_id)


def masks_in(connection: sqlite3.Connection, recording_id: int) -> tuple[str, ...]:
    """As ``masks_of``, over an open connection."""
    return tuple(settled_for(connection, recording_id).get("masks", ()))


def matching(path: Path, session_id: int, filter: Filter) -> set[int]:
    """The ids of the session's exchanges that pass ``filter``."""
    connection = schema.connect_ro(path)
    try:
        return {one.seq for one in Query(connection, filter, sessions=[session_id]).oldest()}
    finally:
        connection.close()


class Replays:
    """The writer and reader of runs in one database; used by one thread."""

    def __init__(self, path: Path) -> None:
        prepare(path)
        self._path = path
        self._connection = schema.connect_rw(path, busy_seconds=30)
        self._waiting: list[tuple[Any, ...]] = []
        self._flushed = 0.0

    def __repr__(self) -> str:
        return f"<Replays {self._path}>"

    def close(self) -> None:
        self._connection.close()

    def begin(self, recording_id: int, revision: int, target: str, name: str = "") -> tuple[int, str]:
        """Open a run; returns its number and the name its session shall be recorded under."""
        now = time.time_ns()
        with self._write() as connection:
            cursor = connection.execute(_BEGIN, (recording_id, revision, "", target, now, os.getpid()))
            run = int(cursor.lastrowid or 0)
            chosen = name or f"run-{run}"
            connection.execute("UPDATE runs SET session_name = ? WHERE id = ?", (chosen, run))
        return run, chosen

    def add(self, run: int, row: VerdictRow) -> None:
        """Keep one verdict; it is in the database within FLUSH_SECONDS of the next one, or at ``finish``."""
        times = (row.was_ns, row.now_ns)
        packed = (_pack(row.was), _pack(row.now), _pack(row.detail))
        self._waiting.append((run, row.number, row.seq, row.label, row.verdict, *times, row.why, *packed))
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the verdicts that wait; a killed run leaves what was flushed."""
        self._flushed = time.monotonic()
        with self._write() as connection:
            connection.executemany(_VERDICT, self._waiting)
        self._waiting.clear()

    def amend(self, run: int, row: VerdictRow) -> None:
        """Put a later judgement in the place of a verdict."""
        query = "UPDATE verdicts SET verdict = ?, why = ?, detail = ? WHERE run_id = ? AND seq = ?"
        with self._write() as connection:
            connection.execute(query, (row.verdict, row.why, _pack(row.detail), run, row.seq))

    def finish(self, run: int, state: str) -> None:
        """Close a run."""
        self.flush()
        with self._write() as connection:
            query = "UPDATE runs SET ended_at = ?, state = ? WHERE id = ?"
            connection.execute(query, (time.time_ns(), state, run))

    def runs(self, recording_id: int | None = None) -> list[RunRow]:
        """Runs, the newest first."""
        where, given = ("WHERE r.recording_id = ?", (recording_id,)) if recording_id is not None else ("", ())
        rows = self._connection.execute(f"{_RUNS} {where} ORDER BY r.id DESC", given)
        return [_run(row) for row in rows]

    def run(self, id: int) -> RunRow:
        """One run; raises ScopeError (``no_such_run``)."""
        row = self._connection.execute(_RUNS + " WHERE r.id = ?", (id,)).fetchone()
        if row is None:
            raise ScopeError(
                f"there is no run {id}",
                code="no_such_run",
                exit=Exit.STORE,
                hint="mcpscope review lists them",
            )
        return _run(row)

    def verdicts(self, run: int) -> list[VerdictRow]:
        """The verdicts of one run in their order."""
        query = "SELECT number, seq, label, verdict, was_ns, now_ns, why, was, now, detail FROM verdicts"
        rows = self._connection.execute(query + " WHERE run_id = ? ORDER BY seq, id", (run,))
        return [_verdict(*row) for row in rows]

    def revision(self, recording_id: int, number: int | None = None) -> Revision:
        """A revision of a recording, the newest unless one is named; the recording itself is revision 0."""
        query = "SELECT number, masks, answers, maps FROM revisions WHERE recording_id = ?"
        if number is None:
            row = self._connection.execute(query + " ORDER BY number DESC", (recording_id,)).fetchone()
        else:
            row = self._connection.execute(query + " AND number = ?", (recording_id, number)).fetchone()
        if row is None:
            return Revision()
        answers = {int(seq): body for seq, body in (_unpack(row[2]) or {}).items()}
        return Revision(row[0], tuple(_unpack(row[1]) or ()), answers, _unpack(row[3]) or {})

    def revise(self, recording_id: int, new: Revision) -> Revision:
        """Append a revision behind the newest one and return it with its number."""
        with self._write() as connection:
            query = "SELECT coalesce(max(number), 0) + 1 FROM revisions WHERE recording_id = ?"
            (number,) = connection.execute(query, (recording_id,)).fetchone()
            connection.execute(
                _REVISE,
                (
                    recording_id,
                    number,
                    time.time_ns(),
                    _pack(list(new.masks)),
                    _pack({str(seq): body for seq, body in new.answers.items()}),
                    _pack(new.maps),
                ),
            )
        return Revision(number, new.masks, new.answers, new.maps)

    def _write(self) -> sqlite3.Connection:
        # ``with connection`` commits or rolls back; the transaction itself is begun by hand (isolation None).
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection


def _verdict(*row: Any) -> VerdictRow:
    number, seq, label, verdict, was_ns, now_ns, why, was, now, detail = row
    found = _unpack(was), _unpack(now), _unpack(detail) or {}
    return VerdictRow(number, seq, label, verdict, was_ns, now_ns, why, *found)


def _run(row: tuple[Any, ...]) -> RunRow:
    id, recording_id, revision, name, target, started, ended, state, pid, recording = row
    if state == "running" and not _alive(pid):
        state = "killed"
    return RunRow(id, recording_id, revision, name, target, started, ended, state, recording, pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pack(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"), default=str)


def _unpack(text: str | None) -> Any:
    return None if text is None else json.loads(text)
