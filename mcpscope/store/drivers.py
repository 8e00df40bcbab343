"""Lists of ids outside of which a filter matches nothing: by a name, a number, a state, or full text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from mcpscope.engine.filter.ast import And, Names, Node, Number, Op, Or, States
from mcpscope.engine.filter.fields import STATES, State
from mcpscope.engine.filter.predicate import OPEN_STATUSES, name_matcher
from mcpscope.store.filter_sql import (
    NUMBER_COLUMNS,
    SESSION_COLUMNS,
    Where,
    compared,
    has_flag,
    match_column,
    where_of,
)
from mcpscope.store.fulltext import TextIndex
from mcpscope.store.prefilter import expression_of
from mcpscope.store.rare import BIG, BIG_BYTES, CODE, FLAGS, SLOW, SLOW_NS, UNASKED, RareIndex

LAST_ID = (1 << 63) - 1
MAX_VALUES = 64
MAX_NAMES = 2000
MAX_RARE = 20_000
_COLUMNS = {"tool": "exchanges_tool", "method": "exchanges_method", "status": "exchanges_status"}


class Driver(Protocol):
    """A list of ids of exchanges, in parts that are each in order."""

    def reach(self, below: int, count: int) -> int:
        """The id of about the ``count``-th newest under ``below``, 0 if there are fewer; low is sparse."""
        ...

    def streams(self, start: int, *, newest_first: bool) -> list[Iterator[int]]:
        """Ids on one side of ``start``, which may repeat."""
        ...


class ByIndex:
    """Exchanges whose ``column`` is one of ``values``; ``in_sessions`` if these are sessions."""

    def __init__(
        self, connection: sqlite3.Connection, column: str, index: str, values: Sequence[object]
    ) -> None:
        self._connection = connection
        self._from = f"SELECT id FROM exchanges INDEXED BY {index} WHERE {column} = ? AND id"
        self._values = values
        self.in_sessions = column == "session_id"

    def reach(self, below: int, count: int) -> int:
        sql = f"{self._from} < ? ORDER BY id DESC LIMIT 1 OFFSET ?"
        rows = [self._connection.execute(sql, (value, below, count)).fetchone() for value in self._values]
        return max((row[0] for row in rows if row), default=0)

    def streams(self, start: int, *, newest_first: bool) -> list[Iterator[int]]:
        sql = self._from + (" < ? ORDER BY id DESC" if newest_first else " > ? ORDER BY id")
        return [_ids(self._connection.execute(sql, (value, start))) for value in self._values]

    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest id, (0, -1) where there is none."""
        sql = f"{self._from} < ? ORDER BY id"
        found: list[int] = []
        for value in self._values:
            for order in ("ASC", "DESC"):
                row = self._connection.execute(f"{sql} {order} LIMIT 1", (value, LAST_ID)).fetchone()
                found.extend(row or ())
        return (min(found), max(found)) if found else (0, -1)


class ByRarity:
    """Exchanges of a partial index that meet a condition on its columns; more than a few are no help."""

    def __init__(self, connection: sqlite3.Connection, index: RareIndex, where: Where) -> None:
        self._connection = connection
        self._from = (
            f"SELECT id FROM exchanges AS e INDEXED BY {index.name} WHERE {index.condition} AND {where.sql}"
        )
        self._given = where.params

    def reach(self, below: int, count: int) -> int:
        sql = f"{self._from} LIMIT {MAX_RARE + 1}"
        found = sorted(id for (id,) in self._connection.execute(sql, self._given) if id < below)
        if len(found) > MAX_RARE:
            return below
        return found[-1 - count] if count < len(found) else 0

    def streams(self, start: int, *, newest_first: bool) -> list[Iterator[int]]:
        order = "< ? ORDER BY id DESC" if newest_first else "> ? ORDER BY id"
        sql = f"{self._from} AND id {order}"
        return [_ids(self._connection.execute(sql, [*self._given, start]))]


class ByText:
    """Exchanges with a message that the full-text index names, or that it does not know yet."""

    def __init__(self, index: TextIndex, expression: str) -> None:
        self._index = index
        self._expression = expression

    def reach(self, below: int, count: int) -> int:
        found = self._index.matching(self._expression, below, newest_first=True)
        return next(islice(found, count, None), 0)

    def streams(self, start: int, *, newest_first: bool) -> list[Iterator[int]]:
        return [
            self._index.matching(self._expression, start, newest_first=newest_first),
            self._index.rest(start, newest_first=newest_first),
        ]


class Union:
    """Any of several."""

    def __init__(self, parts: Sequence[Driver]) -> None:
        self._parts = parts

    def reach(self, below: int, count: int) -> int:
        return max(part.reach(below, count) for part in self._parts)

    def streams(self, start: int, *, newest_first: bool) -> list[Iterator[int]]:
        return [one for part in self._parts for one in part.streams(start, newest_first=newest_first)]


class Drivers:
    """Finds the drivers of one filter."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._index = TextIndex(connection)
        rare = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = ?"
        self._has_rare = bool(connection.execute(rare, (UNASKED.name,)).fetchone()[0])

    def of(self, node: Node, sessions: Sequence[int] | None) -> list[Driver]:
        """Every driver that holds for the whole filter; the caller takes one."""
        found = self._all(node)
        if sessions is not None:
            found.extend(self._in_sessions(sessions))
        expression = expression_of(node, self._index.is_common) if self._index.usable else ""
        return [*found, ByText(self._index, expression)] if expression else found

    def _all(self, node: Node) -> list[Driver]:
        match node:
            case And(items):
                return [driver for item in items for driver in self._all(item)]
            case Or(items):
                parts = [self._all(item) for item in items]
                # Of what several drivers of one part offer, the last is the most special.
                return [Union([part[-1] for part in parts])] if all(parts) else []
            case Names(field) if field in _COLUMNS:
                return self._by_names(node)
            case Names(field) if field in SESSION_COLUMNS:
                return self._by_sessions(node)
            case Names("kind" | "dir") if self._has_rare:
                return self._by_kind(node)
            case Number() if self._has_rare:
                return self._by_number(node)
            case States(words):
                return self._by_states([STATES[word] for word in words])
            case _:
                return []

    def _by_names(self, node: Names) -> list[Driver]:
        if node.op is Op.EQUAL or (node.op is Op.MATCH and not any(word.is_glob for word in node.values)):
            values = [word.text for word in node.values if word.text]
        else:
            matches = name_matcher(node)
            known = self._names(node.field)
            if known is None:
                return []
            values = [name for name in known if matches(name)]
        if len(values) > MAX_VALUES:
            return []
        return [ByIndex(self._connection, node.field, _COLUMNS[node.field], list(dict.fromkeys(values)))]

    def _by_kind(self, node: Names) -> list[Driver]:
        words = {word.text for word in node.values}
        usual = {"c2s"} if node.field == "dir" else {"request", "response"}
        return [] if words & usual else [self._rare(UNASKED, where_of(node, None))]

    def _by_number(self, node: Number) -> list[Driver]:
        at_least = node.op in (Op.MATCH, Op.EQUAL, Op.GREATER, Op.GREATER_EQUAL)
        where = compared(NUMBER_COLUMNS[node.field], node) if node.field in NUMBER_COLUMNS else Where("1")
        match node.field:
            case "code":
                return [self._rare(CODE, where)]
            case "dur" if at_least and min(node.values) >= SLOW_NS:
                return [Union([self._rare(SLOW, where), self._open()])]
            case "size" | "req" | "res" if at_least and min(node.values) >= BIG_BYTES:
                return [self._rare(BIG, where)]  # what one side has, both have together
            case _:
                return []

    def _by_states(self, states: list[State]) -> list[Driver]:
        statuses = sorted({status for state in states for status in state.statuses})
        parts: list[Driver] = self._by_status(statuses) if statuses else []
        special = [
            state for state in states if state.flags or state.kinds or state.slow_ns or state.big_bytes
        ]
        if special and not self._has_rare:
            return []
        for state in special:
            parts += [self._rare(FLAGS, has_flag(flag)) for flag in state.flags]
            if state.kinds:
                listed = ", ".join(f"'{kind}'" for kind in state.kinds)
                parts.append(self._rare(UNASKED, Where(f"e.kind IN ({listed})")))
            if state.slow_ns:
                parts += [self._rare(SLOW, Where("e.dur_ns >= ?", [state.slow_ns])), self._open()]
            if state.big_bytes:
                parts.append(self._rare(BIG, Where(f"{NUMBER_COLUMNS['size']} >= ?", [state.big_bytes])))
        return [parts[0] if len(parts) == 1 else Union(parts)]

    def _rare(self, index: RareIndex, where: Where) -> Driver:
        return ByRarity(self._connection, index, where)

    def _open(self) -> Driver:
        """What waits still has a duration that grows."""
        return self._by_status(sorted(OPEN_STATUSES))[0]

    def _by_status(self, statuses: list[str]) -> list[Driver]:
        return [ByIndex(self._connection, "status", _COLUMNS["status"], statuses)]

    def _by_sessions(self, node: Names) -> list[Driver]:
        parts = [match_column(column, node) for column in SESSION_COLUMNS[node.field]]
        condition = " OR ".join(f"({part.sql})" for part in parts)
        values = [value for part in parts for value in part.params]
        sql = f"SELECT s.id FROM sessions AS s WHERE {condition} LIMIT {MAX_VALUES + 1}"
        return self._in_sessions([id for (id,) in self._connection.execute(sql, values)])

    def _in_sessions(self, ids: Sequence[int]) -> list[Driver]:
        if len(ids) > MAX_VALUES:
            return []
        return [ByIndex(self._connection, "session_id", "exchanges_session", ids)]

    def _names(self, column: str) -> list[str] | None:
        """The distinct values of an indexed column, one jump each; None if there are too many."""
        sql = (
            f"WITH RECURSIVE one(name) AS (SELECT min({column}) FROM exchanges WHERE {column} IS NOT NULL"
            f" UNION ALL SELECT (SELECT min({column}) FROM exchanges WHERE {column} > one.name) FROM one"
            f" WHERE one.name IS NOT NULL LIMIT {MAX_NAMES + 2}) SELECT name FROM one WHERE name IS NOT NULL"
        )
        found = [str(name) for (name,) in self._connection.execute(sql)]
        return found if len(found) <= MAX_NAMES else None


def _ids(cursor: sqlite3.Cursor) -> Iterator[int]:
    for (id,) in cursor:
        yield id
