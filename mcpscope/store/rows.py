"""The rows of one transaction, gathered in lists and written with ``executemany``."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from mcpscope.engine.exchange import Exchange
from mcpscope.store.bodies import Block, BlockWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.store.sealing import Sealer

Row = tuple[Any, ...]

OF_PEOPLE = ("note", "*")
"""The flags of an exchange that people set: it has a note, it is marked."""

_MESSAGE_COLUMNS = (
    "id, session_id, exchange_id, at, dir, stream, kind, method, rpc_id, size, body_id, body_at, kept,"
    " sha256, marks, fate, origin"
)
_EXCHANGE_FIELDS = (
    "kind",
    "dir",
    "method",
    "tool",
    "name",
    "rpc_id",
    "status",
    "code",
    "opened_at",
    "ended_at",
    "dur_ns",
    "request_id",
    "answer_id",
    "req_bytes",
    "res_bytes",
    "flags",
    "parent_id",
    "legs",
    "summary",
    "stream",
)
# An enum is a str, but not the one that sqlite3 takes without asking its adapters, which costs a microsecond.
_ENUMS = frozenset({"kind", "dir", "status"})
_exchange_values = operator.attrgetter(
    *(f"{name}._value_" if name in _ENUMS else name for name in _EXCHANGE_FIELDS)
)

ADD_MESSAGE = f"INTO messages ({_MESSAGE_COLUMNS}) VALUES ({', '.join('?' * 17)})"
ADD_EXCHANGE = (
    f"INTO exchanges (id, session_id, {', '.join(_EXCHANGE_FIELDS)}) VALUES ({', '.join('?' * 22)})"
)
# What people said of an exchange while it was open stands in its row only: an update keeps it.
_KEPT_FLAGS = "".join(
    f" || CASE WHEN instr(' ' || flags || ' ', ' {flag} ') THEN ' {flag}' ELSE '' END" for flag in OF_PEOPLE
)
_SET = dict.fromkeys(_EXCHANGE_FIELDS, "?") | {"flags": f"ltrim(coalesce(?, ''){_KEPT_FLAGS})"}
CHANGE_EXCHANGE = (
    f"UPDATE exchanges SET {', '.join(f'{name} = {how}' for name, how in _SET.items())} WHERE id = ?"
)
ADD_NOTE = "INTO notes (id, session_id, at, kind, text, detail) VALUES (?, ?, ?, ?, ?, ?)"
ADD_OUTCOME = (
    "INTO outcomes (message_id, outcome, actor, rule, at, waited_ns, bytes, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_DEFINITION = (
    "INTO definitions (session_id, message_id, at, kind, name, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
ADD_NOTE_EXCHANGE = (
    "INTO exchanges (id, session_id, kind, status, opened_at, ended_at, summary, res_bytes)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
SET_FATE = "UPDATE messages SET fate = ? WHERE id = ?"
_TAKE_IDS = "UPDATE sequence SET next = ?"
_NEXT_ID = "SELECT next FROM sequence"

ROWS_PER_STATEMENT = 64  # saves a fifth of what a row costs, and lets the interpreter's lock go for longer
_INT64 = 1 << 63


class Part:
    """Rows of one transaction, or of a part of it, that nobody changes any more."""

    def __init__(self) -> None:
        self.messages: list[Row] = []
        self.notes: list[Row] = []
        self.note_exchanges: list[Row] = []
        self.outcomes: list[Row] = []
        self.definitions: list[Row] = []
        self.fates: list[Row] = []
        self.calls: list[Callable[[sqlite3.Connection], object]] = []
        self.blocks: list[Block] = []
        self.exchanges: list[Row] = []
        self.changed: list[Row] = []
        self.changed_of: list[int] = []
        self.sealer: Sealer | None = None

    @property
    def size(self) -> int:
        """Bytes of the bodies, before they are compressed."""
        return sum(block.size for block in self.blocks)

    def write(self, connection: sqlite3.Connection, bodies: BlockWriter) -> None:
        """Insert everything; the caller holds the write lock."""
        bodies.write(connection, self.blocks)
        _write_all(connection, ADD_MESSAGE, self.messages)
        _write_all(connection, ADD_NOTE, self.notes)
        _write_all(connection, ADD_NOTE_EXCHANGE, self.note_exchanges)
        for statement, rows in ((ADD_OUTCOME, self.outcomes), (ADD_DEFINITION, self.definitions)):
            connection.executemany("INSERT " + statement, map(_tame, rows))
        _write_all(connection, ADD_EXCHANGE, self.exchanges)
        _update_all(connection, CHANGE_EXCHANGE, self.changed)
        connection.executemany(SET_FATE, self.fates)
        for call in self.calls:
            call(connection)
        if self.sealer is not None:
            self.sealer.seal(connection, self)


class Batch:
    """Gathers what a transaction adds: ``begin`` under the write lock, ``take`` parts, ``end``."""

    def __init__(self) -> None:
        self.blocks = BlockWriter()
        self.next_id = 0
        self.rows = Part()
        self.sealer: Sealer | None = None
        self._first_id = 0
        self._touched: dict[int, tuple[int, Exchange]] = {}

    def __repr__(self) -> str:
        return f"<Batch from {self._first_id} to {self.next_id}: {len(self._touched)} exchanges>"

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take up the shared sequence where the last commit of any recorder left it."""
        (self.next_id,) = connection.execute(_NEXT_ID).fetchone()
        self._first_id = self.next_id

    def touch(self, session_id: int, exchange: Exchange) -> None:
        """The exchange was opened or changed; its row is written as it stands at the next ``take``."""
        self._touched[exchange.id] = (session_id, exchange)

    def take(self) -> Part:
        """What was gathered since the last ``take``."""
        taken, self.rows = self.rows, Part()
        taken.blocks = self.blocks.take()
        taken.sealer = self.sealer
        first = self._first_id
        for id, (session_id, exchange) in self._touched.items():
            if id >= first:
                taken.exchanges.append((id, session_id, *_exchange_values(exchange)))
            else:
                taken.changed.append((*_exchange_values(exchange), id))
                taken.changed_of.append(session_id)
        self._touched.clear()
        self._first_id = self.next_id
        return taken

    def end(self, connection: sqlite3.Connection) -> None:
        """Leave the sequence where the next transaction of any recorder takes it up."""
        connection.execute(_TAKE_IDS, (self.next_id,))


def _write_all(connection: sqlite3.Connection, statement: str, rows: list[Row]) -> None:
    if not rows:
        return
    try:
        head, values = statement.split(" VALUES ")
        full = len(rows) - len(rows) % ROWS_PER_STATEMENT
        groups = (rows[at : at + ROWS_PER_STATEMENT] for at in range(0, full, ROWS_PER_STATEMENT))
        many = f"INSERT {head} VALUES {', '.join([values] * ROWS_PER_STATEMENT)}"
        connection.executemany(many, (tuple(chain.from_iterable(group)) for group in groups))
        connection.executemany("INSERT " + statement, rows[full:])
    except (UnicodeEncodeError, OverflowError):
        # A lone surrogate or a number of 65 bits from a peer: write the rows again, those values tamed.
        connection.executemany("INSERT OR REPLACE " + statement, map(_tame, rows))


def _update_all(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    try:
        connection.executemany(statement, rows)
    except (UnicodeEncodeError, OverflowError):
        connection.executemany(statement, [_tame(row) for row in rows])


def _tame(row: Row) -> Row:
    return tuple(_tame_value(value) for value in row)


def _tame_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return str(value)
    return value
