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

from mcpscope.store.checkpoint import write_checkpoint
from mcpscope.store.ingest import Ingest
from mcpscope.store.progress import Progress
from mcpscope.store.records import Record
from mcpscope.store.schema import connect_rw, ensure
from mcpscope.store.statements import Statements
from mcpscope.store.tail import Position, Tail
from mcpscope.store.unpack import Unpacked, Unpacker

RECORDER_LOCK = "recorder.lock"
BUSY_SECONDS = 5.0
FULL_RECORDS = FULL_MESSAGES = 1000  # a part of a transaction; while it is written the next is read
FULL_BYTES = 2 << 20
PARTS_PER_TRANSACTION = 8
FEW_PARTS = 3  # so many are no burst yet; more are written by a scribe
MANY_FREE_PAGES = 2000


class Follower:
    """Brings the journal in ``folder`` into the database at ``db``; the caller holds its recorder lock.

    ``may_have_scribe`` says that this process has no other thread and no other connection (store.scribe).

    ``step`` raises ``sqlite3.Error`` and ``OSError`` as the database gives them: nothing is lost then, for
    the next step begins again at the last commit. ScopeError means that this database will not do.
    """

    def __init__(
        self, folder: Path, db: Path, *, busy_seconds: float = BUSY_SECONDS, may_have_scribe: bool = False
    ) -> None:
        self.folder = folder
        self.finished = False
        self._db = db
        self._busy_seconds = busy_seconds
        self._may_have_scribe = may_have_scribe
        self._with_scribe = False
        self._connection: Statements | None = None
        self._checkpointed: Position = (0, 0)
        self._stored: tuple[Position, dict[str, Any]] | None = None
        self._untidy = False

    def __repr__(self) -> str:
        return f"<Follower {self.folder.name} finished={self.finished}>"

    @property
    def has_scribe(self) -> bool:
        """Whether a second process writes."""
        return self._with_scribe

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
        if self._with_scribe:
            self.close()  # caught up: one process does again

    def checkpoint(self) -> None:
        """Let the gate know how far the database is, if that has changed; called when there is time.

        Where it cannot be written the gate knows less of the past, and that is all.
        """
        if self._connection is not None and _identity(self._db) != self._file:
            self.close()  # somebody removed or replaced the database: the next step begins in the new one
        if self._connection is None or self._tail.position == self._checkpointed:
            return
        try:
            self._connection.execute("SELECT 1").fetchall()  # a scribe may be behind, and may have failed
        except sqlite3.Error:
            self.close()
        else:
            self._write_checkpoint(self._tail.position, self._known())

    def _known(self) -> dict[str, Any]:
        """What a gate needs to go on from here."""
        sessions = [session.checkpoint() for session in self._ingest.sessions.values()]
        return {"sessions": sessions, "lanes": self._unpacker.snapshot()}

    def _write_checkpoint(self, position: Position, known: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            write_checkpoint(self.folder, position, known)
        self._checkpointed = position

    def close(self) -> None:
        """Forget everything that is not committed; ``step`` may be called again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._tail.close()
        self._with_scribe = False
        self._stored = None

    def _behind(self) -> None:
        """A whole transaction was not all there is: go on with a scribe, until there is time."""
        if self._with_scribe or self._ingest.batch.sealer is not None or _cores() < 2:
            return
        self.close()
        self._with_scribe = True

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
        most = PARTS_PER_TRANSACTION if self._with_scribe or not self._may_have_scribe else FEW_PARTS
        with self._transaction():
            self._ingest.begin()
            self._free_segments()  # the answer to this has come: so the last commit is done, too
            while True:
                self._ingest.take_in(items)
                parts += 1
                records = self._tail.read() if parts < most else []
                if not records:
                    break
                self._put(self._ingest.batch.take())
                items, more = self._fill(records)
                count += more
            self._write_rest()
            self._progress.save(self._tail.position, self._unpacker, self._ingest)
        self._untidy = True
        if self._tail.position[0] > self._checkpointed[0]:
            self._stored = self._tail.position, self._known()
        if not self._with_scribe:
            self._free_segments()
            if parts == most and self._may_have_scribe:
                self._behind()
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

    def _write_rest(self) -> None:
        self._put(self._ingest.batch.take())
        self._ingest.end()

    def _finish(self) -> None:
        leftovers = self._unpacker.leftovers()
        with self._transaction() as connection:
            self._ingest.begin()
            self._ingest.end_killed(leftovers)
            self._write_rest()
            self._progress.end(self._tail.position)
            connection.execute("SELECT 1").fetchall()
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
        connection = self._connection = self._connect()
        self._file = _identity(self._db)
        try:
            self._progress = Progress(connection, self.folder.name)
            self._unpacker = Unpacker(self._progress.position)
            self._ingest = Ingest(connection, self.folder.name)
            self._progress.restore(self._unpacker, self._ingest)
            self._tail = Tail(self.folder, self._unpacker.begin)
        except BaseException:
            connection.close()
            self._connection = None
            raise
        if self._progress.ended:
            self._remove()
        return not self._progress.ended

    def _connect(self) -> Statements:
        if self._with_scribe:
            from mcpscope.store.scribe import Scribe  # deferred: most recorders never fall behind

            try:
                scribe = Scribe(self._db, busy_seconds=self._busy_seconds)
            except OSError:
                self._with_scribe = False  # no process or descriptor to be had
            else:
                self._put = scribe.put
                return scribe
        connection = connect_rw(self._db, busy_seconds=self._busy_seconds)
        self._put = lambda part: part.write(connection, self._ingest.batch.blocks)
        return connection

    def _free_segments(self) -> None:
        """Remove the segments that are stored whole."""
        stored, self._stored = self._stored, None
        if stored is not None:
            self._write_checkpoint(*stored)  # before the records go that a gate would otherwise read
            self._tail.delete_before(stored[0][0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Statements]:
        """Over a scribe it is committed for sure when the next question is answered."""
        connection = self._connection
        assert connection is not None  # step() has loaded it
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def _shrink(connection: Statements) -> None:
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
