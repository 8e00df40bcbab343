"""What was spent of the limits of all proxies of this user: one small database beside the recordings.

A row is one message's share of one counter. While the message is on its way the row has a lease: until then
its proxy may give it back. A proxy that is killed gives nothing back: what was on its way may have been done,
so it stays spent, and nobody gives back what is older than its lease.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from mcpscope.engine.limits import BookFault, Refused, Reserved, Spending, Tally, Want, decide
from mcpscope.paths import private_folder, state_folder

FILE = "limits.db"
LEASE_NS = 3600 * 1_000_000_000
BUSY_SECONDS = 1.0
"""How long a call waits for other proxies that reserve; each takes a fraction of a millisecond."""
AGAIN_SECONDS = 0.005
HURRY_SECONDS = 2.0
HURRIED_SECONDS = 0.05
"""For some time after one that waited in vain the others wait no longer: all that passes waits with them."""
TIDY_EVERY = 256
UNITS = 10**6
"""An amount is summed by SQLite where it is so many times a whole number, and not too large; else here."""
MAX_UNITS = 1 << 40

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    amount TEXT NOT NULL,
    units INTEGER,
    until INTEGER NOT NULL,
    lease INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS spent_key ON spent (key, at, units);
CREATE INDEX IF NOT EXISTS spent_until ON spent (until);
"""
_TOTAL = "SELECT count(*), count(units), coalesce(sum(units), 0) FROM spent WHERE key = ? AND at >= ?"
_SPENT = "SELECT at, amount FROM spent WHERE key = ? AND at >= ? ORDER BY at"
_COUNTED = "SELECT key, amount, until, lease > ? FROM spent WHERE until >= ? ORDER BY key, at"
_SPEND = "INSERT INTO spent (id, key, at, amount, units, until, lease) VALUES (?, ?, ?, ?, ?, ?, ?)"
_GIVE_BACK = "DELETE FROM spent WHERE id = ? AND lease >= ?"
_KEEP = "UPDATE spent SET lease = 0 WHERE id = ?"
_TIDY = "DELETE FROM spent WHERE until < ?"


def default_path() -> str:
    """Where all proxies of this user count, whatever database they record into."""
    return f"{state_folder()}/{FILE}"


class Counted(NamedTuple):
    """What is spent of one counter, how many messages are on their way, when (unix ns) the first is free."""

    key: str
    used: Decimal
    on_their_way: int
    first_free: int


class LimitBook:
    """``engine.limits.Book`` over the database at ``path``, made when it is needed first."""

    def __init__(self, path: str = "") -> None:
        self._path = path or default_path()
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._since_tidy = 0
        self._hurry_until = 0.0
        self._hurried = False

    def __repr__(self) -> str:
        return f"<LimitBook {self._path}>"

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def reserve(self, wants: Sequence[Want], at: int) -> Reserved | Refused:
        """See Book."""
        try:
            connection = self._begin()
            try:
                found = self._reserve(connection, wants, at)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("ROLLBACK" if isinstance(found, Refused) else "COMMIT")
        except (sqlite3.Error, OSError, ArithmeticError) as error:
            raise self._fault(error) from None
        return found

    def give_back(self, reserved: Reserved, at: int) -> None:
        """See Book; what is older than its lease stays spent."""
        self._all(_GIVE_BACK, [(mark, at) for mark in reserved])

    def keep(self, reserved: Reserved) -> None:
        """See Book."""
        self._all(_KEEP, [(mark,) for mark in reserved])

    def counted(self, at: int) -> list[Counted]:
        """What is spent at ``at`` of every counter that has something spent."""
        try:
            connection = self._begin()
            rows = connection.execute(_COUNTED, (at, at)).fetchall()
            connection.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from None
        found: dict[str, Counted] = {}
        for key, amount, until, on_its_way in rows:
            was = found.get(key, Counted(key, Decimal(0), 0, until))
            used, way = was.used + Decimal(amount), was.on_their_way + bool(on_its_way)
            found[key] = Counted(key, used, way, min(was.first_free, until))
        return list(found.values())

    def forget(self, key: str) -> int:
        """Give back all that is spent of one counter; how many messages that were."""
        try:
            connection = self._begin()
            gone = connection.execute("DELETE FROM spent WHERE key = ?", (key,)).rowcount
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from None
        return gone

    def _reserve(self, connection: sqlite3.Connection, wants: Sequence[Want], at: int) -> Reserved | Refused:
        self._since_tidy += 1
        if self._since_tidy >= TIDY_EVERY:
            self._since_tidy = 0
            connection.execute(_TIDY, (at,))

        refused = decide(wants, lambda want: _tally(connection, want.key, want.since(at)), at)
        if refused is not None:
            return refused
        marks: list[int] = []
        for want in wants:
            if not want.amount:
                continue
            # A number that is never used again: who gives back late gives back nobody else's.
            mark = secrets.randbits(62)
            units, until = _units(want.amount), want.until(at)
            connection.execute(_SPEND, (mark, want.key, at, str(want.amount), units, until, at + LEASE_NS))
            marks.append(mark)
        return tuple(marks)

    def _all(self, statement: str, rows: list[tuple[int, ...]]) -> None:
        try:
            connection = self._begin()
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from None

    def _begin(self) -> sqlite3.Connection:
        """A connection that alone may write now; another file under the same name is opened anew."""
        if self._connection is None or _identity(self._path) != self._file:
            self.close()
            self._connection = self._open()
            self._file = _identity(self._path)
        if self._hurried and time.monotonic() >= self._hurry_until:
            self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            self._hurried = False
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def _open(self) -> sqlite3.Connection:
        private_folder(os.path.dirname(self._path) or ".")  # noqa: PTH120  # the wire does without pathlib
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(self._path, flags, 0o600))
        self._hurried = time.monotonic() < self._hurry_until
        wait = HURRIED_SECONDS if self._hurried else BUSY_SECONDS
        # One engine after the other uses it, not always on one thread.
        connection = sqlite3.connect(self._path, timeout=wait, isolation_level=None, check_same_thread=False)
        end = time.monotonic() + wait
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(_SCHEMA)
                return connection
            except sqlite3.OperationalError as error:
                # SQLite itself does not wait where others make the same file at the same time.
                if "locked" not in str(error) or time.monotonic() > end:
                    connection.close()
                    raise
                time.sleep(AGAIN_SECONDS)

    def _fault(self, error: Exception) -> BookFault:
        self.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            self._hurry_until = time.monotonic() + HURRY_SECONDS
        return BookFault(f"{self._path}: {error}")


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116  # the wire does without pathlib
    return found.st_dev, found.st_ino


def _tally(connection: sqlite3.Connection, key: str, since: int) -> Tally:
    def entries() -> Iterator[Spending]:
        for when, amount in connection.execute(_SPENT, (key, since)):
            yield when, Decimal(amount)

    rows, plain, units = connection.execute(_TOTAL, (key, since)).fetchone()
    if rows == plain:
        return Tally(Decimal(units) / UNITS, entries)
    return Tally(sum((amount for _, amount in entries()), Decimal(0)), entries)


def _units(amount: Decimal) -> int | None:
    found = amount * UNITS
    return int(found) if found == found.to_integral_value() and abs(found) < MAX_UNITS else None
