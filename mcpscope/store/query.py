"""Filters over recorded exchanges: pages in either order, streamed, and stopped when nobody waits any more.

Candidates come from the sparsest list of ids that the filter names (a tool, a method, a status, a session,
the full-text index), in chunks; SQL decides what it can and the predicate the rest.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from itertools import islice

from mcpscope.engine.filter.language import Filter
from mcpscope.engine.filter.regexes import searcher
from mcpscope.store.drivers import LAST_ID, ByIndex, Driver, Drivers
from mcpscope.store.filter_sql import REGEX_FUNCTION, regex_function, to_sql
from mcpscope.store.subjects import COLUMNS, Loader, Recorded

FIRST_CHUNK = 128
MAX_CHUNK = 4096
PROBE_IDS = 1000
DENSE_SHARE = 4  # a list with more than a quarter of the ids is no help
OPERATIONS_BETWEEN_CHECKS = 20_000


class Stopped(Exception):
    """The query was given up because its caller no longer wants the answer."""


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection what the conditions of filters call."""
    connection.create_function(REGEX_FUNCTION, 2, regex_function(searcher), deterministic=True)


class Query:
    """One filter over one database. ``sessions`` narrows it to these; ``stop`` is asked now and then.

    Not for use by two threads at once, and the connection's progress handler is its own while it runs.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        filter: Filter,
        *,
        sessions: Sequence[int] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        prepare(connection)
        self._connection = connection
        self._filter = filter
        self._stop = stop
        self._where = to_sql(filter)
        self._passes = filter.predicate()
        self._loader = Loader(connection)
        self._sessions = None if sessions is None else list(sessions)
        self._drivers = Drivers(connection).of(filter.tree, self._sessions)
        self._low, self._high = 0, LAST_ID

    def __repr__(self) -> str:
        return f"<Query {self._filter.text!r} exact={self._where.exact}>"

    @property
    def is_everything(self) -> bool:
        """Whether the filter lets every exchange through."""
        return self._filter.is_empty

    def newest(self, before: int = LAST_ID, *, limit: int | None = None) -> Iterator[Recorded]:
        """Exchanges with an id below ``before``, the newest first."""
        return islice(self._found(before, newest_first=True, hint=limit), limit)

    def oldest(self, after: int = 0, *, limit: int | None = None) -> Iterator[Recorded]:
        """Exchanges with an id above ``after``, the oldest first."""
        return islice(self._found(after, newest_first=False, hint=limit), limit)

    def last(self, count: int) -> list[Recorded]:
        """The newest ``count``, the oldest of them first."""
        return list(self.newest(limit=count))[::-1]

    def among(self, ids: Sequence[int]) -> list[Recorded]:
        """Those of ``ids`` that exist and pass, the oldest first; for rows that have just changed."""
        self._loader.forget()
        found: list[Recorded] = []
        for start in range(0, len(ids), MAX_CHUNK):
            found.extend(self._decide(ids[start : start + MAX_CHUNK], newest_first=False))
        return found

    def count(self) -> int:
        """How many exchanges pass."""
        if not self._where.exact:
            return sum(1 for _ in self.newest())
        scope, given = self._scope()
        sql = f"SELECT count(*) FROM exchanges AS e WHERE ({self._where.sql}){scope}"
        with _Stopping(self._connection, self._stop):
            return int(self._connection.execute(sql, [*self._where.params, *given]).fetchone()[0])

    def _found(self, start: int, *, newest_first: bool, hint: int | None) -> Iterator[Recorded]:
        size = min(MAX_CHUNK, max(FIRST_CHUNK, hint or 0))
        # Sessions lie close together among all ids: no list need be walked outside of them.
        self._low, self._high = self._bounds()
        start = min(start, self._high + 1) if newest_first else max(start, self._low - 1)
        with _Stopping(self._connection, self._stop):
            driver = self._choose()
        if driver is None:
            yield from self._scan(start, size, newest_first=newest_first)
            return
        with _ended(driver.streams(start, newest_first=newest_first)) as streams:
            ids = _distinct(merge(*streams, reverse=newest_first))
            while True:
                with _Stopping(self._connection, self._stop):
                    chunk = list(islice(ids, size))
                    found = self._decide(chunk, newest_first=newest_first)
                yield from found
                if len(chunk) < size or not self._low <= chunk[-1] <= self._high:
                    return
                size = min(MAX_CHUNK, size * 2)

    def _scan(self, start: int, size: int, *, newest_first: bool) -> Iterator[Recorded]:
        """By pages along the ids themselves; a page of an exact filter is found by SQL alone."""
        side, order = ("<", "DESC") if newest_first else (">", "ASC")
        scope, given = self._scope()
        sql = (
            f"SELECT {COLUMNS} FROM exchanges AS e NOT INDEXED WHERE e.id {side} ? AND e.id BETWEEN ? AND ?"
            f" AND ({self._where.sql}){scope} ORDER BY e.id {order} LIMIT ?"
        )
        given = [*self._where.params, *given]
        while True:
            with _Stopping(self._connection, self._stop):
                rows = self._connection.execute(sql, [start, self._low, self._high, *given, size]).fetchall()
                found = self._passing(rows)
            yield from found
            if len(rows) < size:
                return
            start = rows[-1][0]
            size = min(MAX_CHUNK, size * 2)

    def _decide(self, ids: Sequence[int], *, newest_first: bool) -> list[Recorded]:
        scope, given = self._scope()
        sql = (
            f"SELECT {COLUMNS} FROM exchanges AS e WHERE e.id IN (SELECT value FROM json_each(?))"
            f" AND ({self._where.sql}){scope} ORDER BY e.id {'DESC' if newest_first else 'ASC'}"
        )
        rows = self._connection.execute(sql, [json.dumps(list(ids)), *self._where.params, *given]).fetchall()
        return self._passing(rows)

    def _passing(self, rows: list[tuple[object, ...]]) -> list[Recorded]:
        subjects = [Recorded(row, self._loader) for row in rows]
        if self._where.exact:
            return subjects
        found = []
        for subject in subjects:
            if self._stop is not None and self._stop():
                raise Stopped
            if self._passes(subject):
                found.append(subject)
        return found

    def _scope(self) -> tuple[str, list[int]]:
        """The sessions as a condition that no index is taken for: the drivers have them already."""
        if self._sessions is None:
            return "", []
        return f" AND +e.session_id IN ({', '.join('?' * len(self._sessions))})", self._sessions

    def _choose(self) -> Driver | None:
        """The driver whose newest ids reach back furthest; None if a scan is as good."""
        if not self._drivers:
            return None
        reaches = [driver.reach(self._high + 1, PROBE_IDS) for driver in self._drivers]
        furthest = min(reaches)
        if self._high - furthest < PROBE_IDS * DENSE_SHARE and furthest > self._low:
            return None
        return self._drivers[reaches.index(furthest)]

    def _bounds(self) -> tuple[int, int]:
        """The ids between which everything lies that can pass."""
        (high,) = self._connection.execute("SELECT ifnull(max(id), 0) FROM exchanges").fetchone()
        low = 0
        for driver in self._drivers:
            if isinstance(driver, ByIndex) and driver.in_sessions:
                first, last = driver.bounds()
                low, high = max(low, first), min(high, last)
        return low, high


class _Stopping:
    """While it runs, SQLite asks ``stop``; then the statement fails and ``Stopped`` comes out."""

    def __init__(self, connection: sqlite3.Connection, stop: Callable[[], bool] | None) -> None:
        self._connection = connection
        self._stop = stop

    def __enter__(self) -> None:
        if self._stop is not None:
            self._connection.set_progress_handler(self._stop, OPERATIONS_BETWEEN_CHECKS)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._stop is not None:
            self._connection.set_progress_handler(None, 0)
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise Stopped from None


@contextmanager
def _ended(streams: list[Iterator[int]]) -> Iterator[list[Iterator[int]]]:
    """``streams``, whose statements end with the block: the failure that was its end may live for longer."""
    try:
        yield streams
    finally:
        for stream in streams:
            if isinstance(stream, Generator):
                stream.close()


def _distinct(ids: Iterator[int]) -> Iterator[int]:
    """Sorted ids, each once."""
    previous = None
    for id in ids:
        if id != previous:
            yield id
            previous = id
