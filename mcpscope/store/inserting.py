"""INSERT of many rows at a time, the usual ones in a short form.

sqlite3 asks each value that is no number or text for an adapter, which takes longer than storing it, and a
message has five columns that are mostly NULL. So a usual row comes without them, and its statement does not
name them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

Row = tuple[Any, ...]

ROWS_PER_STATEMENT = 64  # saves a fifth of what a row costs, and lets the interpreter's lock go for longer
_INT64 = 1 << 63

_WHOLE_MESSAGE = (
    "id, session_id, exchange_id, at, dir, stream, kind, method, rpc_id, size, body_id, body_at, kept,"
    " sha256, marks, fate, origin"
)
_WHOLE_EXCHANGE = (
    "id, session_id, kind, dir, method, tool, name, rpc_id, status, code, opened_at, ended_at, dur_ns,"
    " request_id, answer_id, req_bytes, res_bytes, flags, parent_id, legs, summary, stream"
)
_SHORT_MESSAGE = _WHOLE_MESSAGE.partition(", kept")[0]
_SHORT_EXCHANGE = (
    "id, session_id, kind, dir, method, tool, name, rpc_id, status, opened_at, ended_at, dur_ns,"
    " request_id, answer_id, req_bytes, res_bytes, summary, stream"
)
_SHORT_MESSAGE_VALUES = len(_SHORT_MESSAGE.split(","))
_SHORT_EXCHANGE_VALUES = len(_SHORT_EXCHANGE.split(","))
_NOTHING_MORE = (None,) * 5


class Insert:
    """The INSERT of one table. A row is whole, or short: then ``whole`` completes it.

    ``short`` are the columns of a short row, each with what becomes of its value; ``fixed`` are SQL for
    columns that it has no value for.
    """

    def __init__(
        self,
        table: str,
        columns: str,
        short: dict[str, str],
        fixed: dict[str, str],
        whole: Callable[[Row], Row],
    ) -> None:
        holes = ", ".join("?" * len(columns.split(",")))
        given = ", ".join([*short.values(), *fixed.values()])
        self._width = len(short)
        self._whole = whole
        self._one = f"INTO {table} ({columns}) VALUES ({holes})"
        self._many = f"INSERT {self._one}" + f", ({holes})" * (ROWS_PER_STATEMENT - 1)
        self._short_one = f"INSERT INTO {table} ({', '.join([*short, *fixed])}) VALUES ({given})"
        self._short_many = self._short_one + f", ({given})" * (ROWS_PER_STATEMENT - 1)

    def write(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        """Insert ``rows``; the caller holds the write lock."""
        try:
            full = len(rows) - len(rows) % ROWS_PER_STATEMENT
            for at in range(0, full, ROWS_PER_STATEMENT):
                self._write_many(connection, rows[at : at + ROWS_PER_STATEMENT])
            self._write_rest(connection, rows[full:])
        except (UnicodeEncodeError, OverflowError):
            # A lone surrogate or a number of 65 bits from a peer: write the rows again, those values tamed.
            tamed = (tame(self._whole(row)) for row in rows)
            connection.executemany("INSERT OR REPLACE " + self._one, tamed)

    def _write_many(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        values = tuple(chain.from_iterable(rows))
        if len(values) == self._width * ROWS_PER_STATEMENT:
            connection.execute(self._short_many, values)
        else:
            connection.execute(self._many, tuple(chain.from_iterable(map(self._whole, rows))))

    def _write_rest(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        if all(len(row) == self._width for row in rows):
            connection.executemany(self._short_one, rows)
        else:
            connection.executemany("INSERT " + self._one, map(self._whole, rows))


def whole_message(row: Row) -> Row:
    """The row of a message with all its columns; a short one has "" for no method and no id."""
    if len(row) != _SHORT_MESSAGE_VALUES:
        return row
    return (*row[:7], row[7] or None, row[8] or None, *row[9:], *_NOTHING_MORE)


def whole_exchange(row: Row) -> Row:
    """The row of an exchange with all its columns; a short one was answered and has nothing rare."""
    if len(row) != _SHORT_EXCHANGE_VALUES:
        return row
    return (*row[:9], None, *row[9:16], "", None, 1, *row[16:])


def tame(row: Row) -> Row:
    """``row`` with values that SQLite can hold: a lone surrogate is spelled, a large number is text."""
    return tuple(_tame_value(value) for value in row)


def write_rows(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """One statement a row that brings its id, for what is rare; values that SQLite cannot hold are tamed."""
    if not rows:
        return
    try:
        connection.executemany(statement, rows)
    except (UnicodeEncodeError, OverflowError):
        again = statement.replace("INSERT ", "INSERT OR REPLACE ", 1)
        connection.executemany(again, map(tame, rows))


def _tame_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return str(value)
    return value


def _given(columns: str) -> dict[str, str]:
    return dict.fromkeys(columns.split(", "), "?")


MESSAGES = Insert(
    "messages",
    _WHOLE_MESSAGE,
    _given(_SHORT_MESSAGE) | {"method": "nullif(?, '')", "rpc_id": "nullif(?, '')"},
    {},
    whole_message,
)
EXCHANGES = Insert(
    "exchanges", _WHOLE_EXCHANGE, _given(_SHORT_EXCHANGE), {"flags": "''", "legs": "1"}, whole_exchange
)
