"""Exchanges as they end: what ``log -f`` waits for."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence

from mcpscope.engine.filter.language import Filter, parse
from mcpscope.engine.filter.predicate import OPEN_STATUSES
from mcpscope.store.query import Query
from mcpscope.store.subjects import Recorded

LONG_WAIT_NS = 1_000_000_000
REMEMBERED = 20_000
EVERYTHING = parse("")

_HIGHEST = """
    SELECT max(ifnull((SELECT max(id) FROM messages), 0), ifnull((SELECT max(id) FROM notes), 0)),
           ifnull((SELECT max(id) FROM outcomes), 0)
"""
_CHANGED = """
    SELECT ifnull(exchange_id, id) FROM messages WHERE id > :id
    UNION SELECT id FROM notes WHERE id > :id
    UNION SELECT ifnull(m.exchange_id, m.id) FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id
    WHERE o.id > :outcome
"""
_OPEN = f"""
    SELECT id FROM exchanges WHERE ended_at IS NULL AND status IN ({", ".join("?" * len(OPEN_STATUSES))})
"""


class Following:
    """Finds each exchange that passes a filter when it ends, and once when it has waited for a second.

    Starts with what changes from now on; ``begin_with`` says what was shown already.
    """

    def __init__(
        self, connection: sqlite3.Connection, filter: Filter, sessions: Sequence[int] | None = None
    ) -> None:
        self._connection = connection
        self._every = Query(connection, EVERYTHING, sessions=sessions)
        self._query = Query(connection, filter, sessions=sessions)
        self._version = 0
        self._id, self._outcome = connection.execute(_HIGHEST).fetchone()
        # Open exchanges, and whether they were shown as waiting.
        self._open = {id: False for (id,) in connection.execute(_OPEN, sorted(OPEN_STATUSES))}
        self._ended: OrderedDict[int, str] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Following after {self._id}: {len(self._open)} open>"

    def begin_with(self, shown: Sequence[Recorded]) -> None:
        """These are on the screen as they are now; what else was open has waited long enough unseen."""
        for id in self._open:
            self._open[id] = True
        for one in shown:
            self._remember(one)

    def look(self, now: int) -> list[Recorded]:
        """What to show now, in the order in which it ended; empty most of the time."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version and all(self._open.values()):
            return []
        ids = set(self._open)
        if version != self._version:
            ids |= self._changed()
            self._version = version
        found = self._every.among(sorted(ids))
        due = [one for one in found if self._is_due(one, now)]
        passing = {one.seq for one in self._query.among([one.seq for one in due])}
        for gone in set(self._open) - {one.seq for one in found}:
            del self._open[gone]
        return sorted(
            (one for one in due if one.seq in passing), key=lambda one: (one.ended_at or now, one.seq)
        )

    def _changed(self) -> set[int]:
        last = {"id": self._id, "outcome": self._outcome}
        self._id, self._outcome = self._connection.execute(_HIGHEST).fetchone()
        return {id for (id,) in self._connection.execute(_CHANGED, last)}

    def _is_due(self, one: Recorded, now: int) -> bool:
        if _is_open(one):
            waited = self._open.setdefault(one.seq, False)
            if waited or now - one.opened_at < LONG_WAIT_NS:
                return False
            self._open[one.seq] = True
            return True
        self._open.pop(one.seq, None)
        if self._ended.get(one.seq) == one.status:
            return False
        self._remember(one)
        return True

    def _remember(self, one: Recorded) -> None:
        if not _is_open(one):
            self._ended[one.seq] = one.status
            if len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)


def _is_open(one: Recorded) -> bool:
    """What waits for input or a task keeps saying so when its session has ended, but is over."""
    return one.ended_at is None and one.status in OPEN_STATUSES
