"""One journal into the database, step by step; everything it knows is committed with the rows it wrote."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcpscope.store.checkpoint import dump_state, load_state, write_checkpoint
from mcpscope.store.ingest import Ingest
from mcpscope.store.recorded import Recorded
from mcpscope.store.records import Record
from mcpscope.store.schema import connect_rw, ensure
from mcpscope.store.sessions import restore_catalog
from mcpscope.store.tail import Position, Tail
from mcpscope.store.unpack import LaneKey, Unpacked, Unpacker
from mcpscope.store.writer import Writer

RECORDER_LOCK = "recorder.lock"
BUSY_SECONDS = 5.0
FULL_RECORDS = FULL_MESSAGES = 1000  # a part of a transaction; while it is written the next is read
FULL_BYTES = 2 << 20
PARTS_PER_TRANSACTION = 8
MANY_FREE_PAGES = 2000

_FIND = "SELECT id, segment, offset, state, ended FROM journals WHERE uid = ?"
_ADD = "INSERT INTO journals (uid, segment, offset) VALUES (?, 0, 0)"
_ADVANCE = "UPDATE journals SET segment = ?, offset = ?, state = ? WHERE id = ?"
_END = "UPDATE journals SET segment = ?, offset = ?, state = NULL, ended = 1 WHERE id = ?"
_PIECES = """
    SELECT session, dir, stream, data FROM partials WHERE journal_id = ? ORDER BY session, dir, stream, piece
"""
_ADD_PIECE = "INSERT OR REPLACE INTO partials VALUES (?, ?, ?, ?, ?, ?)"
_DROP_PIECES = "DELETE FROM partials WHERE journal_id = ? AND session = ? AND dir = ? AND stream = ?"
_STATES = "SELECT state FROM states WHERE journal_id = ? ORDER BY session"
_KEEP_STATE = "INSERT OR REPLACE INTO states (journal_id, session, state) VALUES (?, ?, ?)"
_DROP_STATE = "DELETE FROM states WHERE journal_id = ? AND session = ?"
_DROP_ALL_STATES = "DELETE FROM states WHERE journal_id = ?"
_DROP_ALL_PIECES = "DELETE FROM partials WHERE journal_id = ?"


class Follower:
    """Brings the journal in ``folder`` into the database at ``db``; the caller holds its recorder lock.

    ``step`` raises ``sqlite3.Error`` and ``OSError`` as the database gives them: nothing is lost then, for
    the next step begins again at the last commit. ScopeError means that this database will not do.
    """

    def __init__(self, folder: Path, db: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.folder = folder
        self.finished = False
        self._db = db
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None
        self._checkpointed: Position = (0, 0)
        self._untidy = False

    def __repr__(self) -> str:
        return f"<Follower {self.folder.name} finished={self.finished}>"

    def step(self) -> int:
        """Bring in what is there, about a thousand messages at most; returns how many records that were.

        At the end of a journal whose writer is gone it ends what is open, removes the folder and is
        ``finished``.
        """
        if self.finished:
            return 0
        if self._connection is None and not self._load():
            return 0
        try:
            return self._step()
        except BaseException:
            self.close()
            raise

    def tidy(self) -> None:
        """Bring SQLite's own log into the file; for when there is time, and no harm where there is none."""
        if self._connection is not None and self._untidy:
            self._untidy = False
            with contextlib.suppress(sqlite3.Error):
                _shrink(self._connection)
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def checkpoint(self) -> None:
        """Let the gate know how far the database is, if that has changed; called when there is time.

        Where it cannot be written the gate knows less of the past, and that is all.
        """
        if self._connection is not None and _identity(self._db) != self._file:
            self.close()  # somebody removed or replaced the database: the next step begins in the new one
        if self._connection is not None and self._tail.position != self._checkpointed:
            sessions = [session.checkpoint() for session in self._ingest.sessions.values()]
            state = {"sessions": sessions, "lanes": self._unpacker.snapshot()}
            with contextlib.suppress(OSError):
                write_checkpoint(self.folder, self._tail.position, state)
            self._checkpointed = self._tail.position

    def close(self) -> None:
        """Forget everything that is not committed; ``step`` may be called again."""
        if self._connection is not None:
            self._writer.close()
            self._connection.close()
            self._connection = None
            self._tail.close()

    def _step(self) -> int:
        # Asked before reading: what a writer that is gone by now has written is all there.
        over = not self._tail.writer_lives()
        records = self._tail.read()
        while records and self._tail.position <= self._unpacker.floor:
            self._unpacker.unpack(records)  # read again for the frames that begin in them
            records = self._tail.read()
        if not records:
            if over:
                self._finish()
            return 0
        items, count = self._fill(records)
        parts = 0
        with self._transaction() as connection:
            self._ingest.begin()
            while True:
                self._ingest.take_in(items)
                parts += 1
                records = self._tail.read() if parts < PARTS_PER_TRANSACTION else []
                if not records:
                    break
                self._writer.put(self._ingest.batch.take())
                items, more = self._fill(records)
                count += more
            self._write_rest(connection)
            self._save(connection)
        self._untidy = True
        self._free_segments()
        return count

    def _fill(self, records: list[Record]) -> tuple[list[Unpacked], int]:
        """A part's worth of unpacked records, beginning with ``records``: the items and how many records."""
        items = self._unpacker.unpack(records)
        count, size = len(records), _size(records)
        while len(items) < FULL_RECORDS and size < FULL_BYTES and _messages(items) < FULL_MESSAGES:
            if not (records := self._tail.read()):
                break
            items += self._unpacker.unpack(records)
            count += len(records)
            size += _size(records)
        return items, count

    def _write_rest(self, connection: sqlite3.Connection) -> None:
        self._writer.wait()
        self._ingest.batch.take().write(connection, self._ingest.batch.blocks)
        self._ingest.end()

    def _finish(self) -> None:
        leftovers = self._unpacker.leftovers()
        with self._transaction() as connection:
            self._ingest.begin()
            self._ingest.end_killed(leftovers)
            self._write_rest(connection)
            connection.execute(_DROP_ALL_PIECES, (self._journal_id,))
            connection.execute(_DROP_ALL_STATES, (self._journal_id,))
            connection.execute(_END, (*self._tail.position, self._journal_id))
        with contextlib.suppress(sqlite3.Error):
            _shrink(connection)
        self._remove()

    def _remove(self) -> None:
        self.finished = True
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _load(self) -> bool:
        """Take up where the last commit left this journal; False if it was finished, but for its folder."""
        ensure(self._db)
        connection = self._connection = connect_rw(self._db, busy_seconds=self._busy_seconds)
        self._file = _identity(self._db)
        try:
            row = connection.execute(_FIND, (self.folder.name,)).fetchone()
            if row is None:
                connection.execute(_ADD, (self.folder.name,))
                row = connection.execute(_FIND, (self.folder.name,)).fetchone()
            self._journal_id, segment, offset, state, ended = row
            floor = (segment, offset)
            self._unpacker = Unpacker(floor)
            self._ingest = Ingest(connection, self.folder.name, self._settle)
            self._writer = Writer(connection, self._ingest.batch.blocks)
            if state is not None:
                self._restore(connection, load_state(state))
            self._tail = Tail(self.folder, self._unpacker.begin)
        except BaseException:
            connection.close()
            self._connection = None
            raise
        if ended:
            self._remove()
        return not ended

    def _restore(self, connection: sqlite3.Connection, state: dict[str, Any]) -> None:
        pieces: dict[LaneKey, list[bytes]] = {}
        for session, dir, stream, data in connection.execute(_PIECES, (self._journal_id,)):
            pieces.setdefault((session, dir, stream), []).append(data)
        self._unpacker.restore(state["lanes"], pieces)
        for (known,) in connection.execute(_STATES, (self._journal_id,)).fetchall():
            session = Recorded.restore(load_state(known))
            restore_catalog(connection, session)
            self._ingest.resume(session)

    def _settle(self) -> None:
        self._writer.wait()

    def _save(self, connection: sqlite3.Connection) -> None:
        position = self._tail.position
        self._spill(connection, position[0])
        for session in self._ingest.sessions.values():
            if session.touched:
                session.touched, session.state = False, session.snapshot()
                row = (self._journal_id, session.number, dump_state(session.state))
                connection.execute(_KEEP_STATE, row)
        gone = [(self._journal_id, number) for number in self._ingest.ended]
        connection.executemany(_DROP_STATE, gone)
        self._ingest.ended.clear()
        lanes = {"lanes": self._unpacker.snapshot()}
        connection.execute(_ADVANCE, (*position, dump_state(lanes), self._journal_id))

    def _spill(self, connection: sqlite3.Connection, segment: int) -> None:
        """Move what has begun in an older segment and not ended into the database."""
        ended, self._unpacker.ended_in_pieces = self._unpacker.ended_in_pieces, []
        connection.executemany(_DROP_PIECES, [(self._journal_id, *key) for key in ended])
        for key, lane in self._unpacker.lanes.items():
            if lane.outlived:
                connection.execute(_DROP_PIECES, (self._journal_id, *key))
                lane.pieces = 0
            if lane.resume is not None and lane.resume[0] < segment:
                data = lane.spill()
                connection.execute(_ADD_PIECE, (self._journal_id, *key, lane.pieces, data))

    def _free_segments(self) -> None:
        segment = self._tail.position[0]
        if segment > self._checkpointed[0]:
            self.checkpoint()  # before the records go that a gate would otherwise read
            self._tail.delete_before(segment)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        assert connection is not None  # step() has loaded it
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            self._writer.close()
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def _shrink(connection: sqlite3.Connection) -> None:
    """Give back what a long line has left behind that lay in pieces for a while."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free > MANY_FREE_PAGES:
        # execute() would stop after the first page: this pragma takes a step for each and has no rows.
        connection.executescript(f"PRAGMA incremental_vacuum({free})")


def _identity(db: Path) -> tuple[int, int] | None:
    try:
        found = db.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _size(records: list[Record]) -> int:
    return sum(len(record.payload) for record in records)


def _messages(items: list[Unpacked]) -> int:
    return sum(len(item.messages) for item in items)


def lock_recorder(folder: Path) -> int:
    """Become the journal's one recorder: a descriptor that holds the lock, -1 if somebody else has it.

    Raises FileNotFoundError where the journal was drained meanwhile.
    """
    fd = os.open(folder / RECORDER_LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return -1
    return fd
