"""The full-text index: filled behind the recorder in short transactions, read as a list of candidates.

It holds the trigrams of the folded text of each exchange's messages under the exchange's id, so that these
come out in order. Messages that come later add to the same id: an index without positions only knows which
trigrams an id has, and FTS5 merges what several insertions say of one. What it has not taken in yet, or not
as a whole, is a candidate always; entries of removed sessions lead nowhere, for ids are never used again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from mcpscope.engine.filter.readable import folded
from mcpscope.paths import default_db, journal_root
from mcpscope.store import schema
from mcpscope.store.bodies import BlockReader
from mcpscope.store.filter_sql import REMARKED
from mcpscope.store.own_process import own_process
from mcpscope.store.prefilter import quoted

MAX_TEXT_CHARS = 200_000
SAMPLE = 64
IDS_OF_COMMON = 8  # a message has an id as an exchange has: twice as many ids as exchanges
BATCH_MESSAGES = 400
BATCH_BYTES = 512 << 10
BUSY_SECONDS = 0.2
INLINE_SECONDS = 0.3
IDLE_SECONDS = 0.05
MAX_IDLE_ROUNDS = 20
NICENESS = 19

_EXISTS = "SELECT count(*) FROM sqlite_master WHERE name = 'texts'"
_HIGH = "SELECT high FROM texts_state"
_NEXT = """
    SELECT id, ifnull(exchange_id, id), body_id, body_at, ifnull(kept, size) FROM messages
    WHERE id > :high ORDER BY id LIMIT :count
"""
_NEXT_NOTES = "SELECT id, text FROM notes WHERE id > :high AND id <= :until ORDER BY id"
_LAST_NOTE = "SELECT ifnull(max(id), 0) FROM notes"
_FRESH = """
    SELECT ifnull(exchange_id, id) AS id FROM messages WHERE id > ?1
    UNION SELECT id FROM notes WHERE id > ?1 ORDER BY 1
"""
_ALWAYS = f"SELECT exchange_id AS id FROM texts_always UNION {REMARKED} ORDER BY 1"

Entry = tuple[int, str]


class TextIndex:
    """The index as a reader sees it; ``usable`` is False in a database without it or while it is empty."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        (exists,) = connection.execute(_EXISTS).fetchone()
        self.high: int = connection.execute(_HIGH).fetchone()[0] if exists else 0

    @property
    def usable(self) -> bool:
        return self.high > 0

    def is_common(self, gram: str) -> bool:
        """Whether at least one in four of the newest exchanges has the trigram."""
        sql = f"SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid DESC LIMIT 1 OFFSET {SAMPLE}"
        row = self._connection.execute(sql, (quoted(gram),)).fetchone()
        return row is not None and self.high - row[0] < SAMPLE * IDS_OF_COMMON

    def matching(self, expression: str, start: int, *, newest_first: bool) -> Iterator[int]:
        """Ids of exchanges on one side of ``start`` whose text may match, in order."""
        side, order = ("<", "DESC") if newest_first else (">", "ASC")
        sql = f"SELECT rowid FROM texts WHERE texts MATCH ? AND rowid {side} ? ORDER BY rowid {order}"
        return (id for (id,) in self._connection.execute(sql, (expression, start)))

    def rest(self, start: int, *, newest_first: bool) -> Iterator[int]:
        """Ids of exchanges that must be looked at whatever the index says."""
        found = {id for (id,) in self._connection.execute(_FRESH, (self.high,))}
        found.update(id for (id,) in self._connection.execute(_ALWAYS))
        inside = [id for id in found if (id < start if newest_first else id > start)]
        return iter(sorted(inside, reverse=newest_first))


class Filler:
    """Brings the index up to date, a short transaction for each ``step``. Any process may be one."""

    def __init__(self, path: Path) -> None:
        self._connection = schema.connect_rw(path, busy_seconds=BUSY_SECONDS)
        self._blocks = BlockReader(self._connection)

    def close(self) -> None:
        self._connection.close()

    def step(self) -> bool:
        """Take in the next messages; False when there are none. Raises sqlite3.OperationalError."""
        connection = self._connection
        if not connection.execute(_EXISTS).fetchone()[0]:
            return False
        (high,) = connection.execute(_HIGH).fetchone()
        entries, cut, until = self._read(high)
        if until == high:
            return False
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute(_HIGH).fetchone()[0] == high:
                connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", entries)
                connection.executemany("INSERT OR IGNORE INTO texts_always VALUES (?)", [(id,) for id in cut])
                connection.execute("UPDATE texts_state SET high = ?", (until,))
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return True

    def _read(self, high: int) -> tuple[list[Entry], set[int], int]:
        """Entries above ``high``, exchanges that they do not cover, and the id up to which they go."""
        texts: dict[int, list[str]] = {}
        cut: set[int] = set()
        size, last = 0, high
        rows = self._connection.execute(_NEXT, {"high": high, "count": BATCH_MESSAGES}).fetchall()
        for id, exchange, body_id, body_at, length in rows:
            raw = b"" if body_id is None else self._blocks.read(body_id, body_at, length)
            text = folded(raw)
            if len(text) > MAX_TEXT_CHARS:
                cut.add(exchange)
            else:
                texts.setdefault(exchange, []).append(text)
            size, last = size + len(raw), id
            if size > BATCH_BYTES:
                break
        if len(rows) < BATCH_MESSAGES and (not rows or last == rows[-1][0]):
            last = max(last, self._connection.execute(_LAST_NOTE).fetchone()[0])
        for id, text in self._connection.execute(_NEXT_NOTES, {"high": high, "until": last}):
            note = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            texts.setdefault(id, []).append(note.casefold())
        return [(id, _storable("\n".join(parts))) for id, parts in sorted(texts.items())], cut, last


def fill(path: Path, *, steps: int = 1_000_000, seconds: float = float("inf")) -> int:
    """Take in what is there in at most ``steps`` transactions, giving way to others; returns how many."""
    deadline = time.monotonic() + seconds
    done = 0
    try:
        with closing(Filler(path)) as filler:
            while done < steps and time.monotonic() < deadline and filler.step():
                done += 1
    except sqlite3.OperationalError:
        pass  # somebody else writes, or nobody may: what is not in the index is searched without it
    return done


def catch_up(path: Path) -> None:
    """Bring the index of our own database up to date: a little now, a lot by a process in the background.

    Never waits for a writer, and leaves every database alone that was named with ``--db``.
    """
    if path != default_db() or not path.is_file():
        return
    fill(path, seconds=INLINE_SECONDS)
    if fill(path, steps=1):
        argv = own_process("mcpscope.store.fulltext", str(path))
        none = subprocess.DEVNULL
        subprocess.Popen(argv, stdin=none, stdout=none, stderr=none, start_new_session=True, close_fds=True)


def main(path: Path) -> None:
    """Fill the index to its end, if nobody else is at it, out of everybody's way."""
    os.nice(NICENESS)
    lock = os.open(journal_root(path) / "texts.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    idle = 0
    while idle < MAX_IDLE_ROUNDS:
        idle = 0 if fill(path, steps=50) else idle + 1
        time.sleep(IDLE_SECONDS)


def _storable(text: str) -> str:
    """Text that SQLite takes; what is replaced is never asked for (see prefilter)."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
