"""The rows of one transaction, gathered in lists and written with ``executemany``."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable

from mcpscope.engine.exchange import Exchange
from mcpscope.store.bodies import Block, BlockWriter, PlainBlock
from mcpscope.store.inserting import EXCHANGES, MESSAGES, Row, tame, write_rows
from mcpscope.store.stream_rows import StreamNote, write_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.store.sealing import Sealer
    from mcpscope.store.statements import Statements

OF_PEOPLE = ("note", "*")
"""The flags of an exchange that people set: it has a note, it is marked."""

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


def _values(*names: str) -> Callable[[Exchange], Row]:
    return operator.attrgetter(*(f"{name}._value_" if name in _ENUMS else name for name in names))


_exchange_values = _values(*_EXCHANGE_FIELDS)
_RARE = frozenset({"code", "flags", "parent_id", "legs"})
_usual_values = _values(*(name for name in _EXCHANGE_FIELDS if name not in _RARE))

# What people said of an exchange while it was open stands in its row only: an update keeps it.
_KEPT_FLAGS = "".join(
    f" || CASE WHEN instr(' ' || flags || ' ', ' {flag} ') THEN ' {flag}' ELSE '' END" for flag in OF_PEOPLE
)
_SET = dict.fromkeys(_EXCHANGE_FIELDS, "?") | {"flags": f"ltrim(coalesce(?, ''){_KEPT_FLAGS})"}
CHANGE_EXCHANGE = (
    f"UPDATE exchanges SET {', '.join(f'{name} = {how}' for name, how in _SET.items())} WHERE id = ?"
)
ADD_NOTE = "INSERT INTO notes (id, session_id, at, kind, text, detail) VALUES (?, ?, ?, ?, ?, ?)"
ADD_OUTCOME = (
    "INSERT INTO outcomes (message_id, outcome, actor, rule, at, waited_ns, bytes, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_DEFINITION = (
    "INSERT INTO definitions (session_id, message_id, at, kind, name, digest, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
ADD_NOTE_EXCHANGE = (
    "INSERT INTO exchanges (id, session_id, kind, status, opened_at, ended_at, summary, res_bytes)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
SET_FATE = "UPDATE messages SET fate = ? WHERE id = ?"
_TAKE_IDS = "UPDATE sequence SET next = ?"
_NEXT_ID = "SELECT next FROM sequence"


_Table = list[Row]
Rows = tuple[_Table, _Table, _Table, _Table, _Table, _Table, _Table, _Table, list[StreamNote]]
"""Messages, notes and their exchanges, outcomes, definitions, exchanges new and changed, fates, streams."""


class Part:
    """Rows of one transaction, or of a part of it, that nobody changes any more."""

    def __init__(self) -> None:
        self.messages: list[Row] = []
        self.notes: list[Row] = []
        self.note_exchanges: list[Row] = []
        self.outcomes: list[Row] = []
        self.definitions: list[Row] = []
        self.fates: list[Row] = []
        self.streams: list[StreamNote] = []
        self.blocks: list[Block] = []
        self.exchanges: list[Row] = []
        self.changed: list[Row] = []
        self.changed_of: list[int] = []
        self.sealer: Sealer | None = None

    def write(self, connection: sqlite3.Connection, bodies: BlockWriter) -> None:
        """Insert everything; the caller holds the write lock."""
        write_rows_of(connection, bodies, [block.packed for block in self.blocks], self.rows())
        self.finish(connection)

    def rows(self) -> Rows:
        """All but the bodies, of values that another process understands as well."""
        return (
            self.messages,
            self.notes,
            self.note_exchanges,
            self.outcomes,
            self.definitions,
            self.exchanges,
            self.changed,
            self.fates,
            self.streams,
        )

    def finish(self, connection: Statements) -> None:
        """Seal the rows, which are written, where their session is sealed."""
        if self.sealer is not None:
            self.sealer.seal(connection, self)


def write_rows_of(
    connection: sqlite3.Connection, bodies: BlockWriter, blocks: list[PlainBlock], rows: Rows
) -> None:
    """Insert the bodies and rows of a part; the caller holds the write lock."""
    messages, notes, note_exchanges, outcomes, definitions, exchanges, changed, fates, streams = rows
    bodies.write(connection, blocks)
    MESSAGES.write(connection, messages)
    write_rows(connection, ADD_NOTE, notes)
    write_rows(connection, ADD_NOTE_EXCHANGE, note_exchanges)
    # Tamed at once: to write them again would double them, for they bring no ids.
    connection.executemany(ADD_OUTCOME, map(tame, outcomes))
    connection.executemany(ADD_DEFINITION, map(tame, definitions))
    EXCHANGES.write(connection, exchanges)
    write_rows(connection, CHANGE_EXCHANGE, changed)
    connection.executemany(SET_FATE, fates)
    write_streams(connection, streams)


class Batch:
    """Gathers what a transaction adds: ``begin`` under the write lock, ``take`` parts, ``end``."""

    def __init__(self) -> None:
        self.blocks = BlockWriter()
        self.next_id = 0
        self.rows = Part()
        self.sealer: Sealer | None = None
        self._first_id = 0
        self.touched: dict[int, tuple[int, Exchange]] = {}
        """Exchanges that were opened or changed, with their session; ``take`` writes them as they stand."""

    def __repr__(self) -> str:
        return f"<Batch from {self._first_id} to {self.next_id}: {len(self.touched)} exchanges>"

    def begin(self, connection: Statements) -> None:
        """Take up the shared sequence where the last commit of any recorder left it."""
        (self.next_id,) = connection.execute(_NEXT_ID).fetchone()
        self._first_id = self.next_id

    def touch(self, session_id: int, exchange: Exchange) -> None:
        """The exchange was opened or changed; its row is written as it stands at the next ``take``."""
        self.touched[exchange.id] = (session_id, exchange)

    def take(self) -> Part:
        """What was gathered since the last ``take``."""
        taken, self.rows = self.rows, Part()
        taken.blocks = self.blocks.take()
        taken.sealer = self.sealer
        first = self._first_id
        for id, (session_id, exchange) in self.touched.items():
            if id < first:
                taken.changed.append((*_exchange_values(exchange), id))
                taken.changed_of.append(session_id)
            elif _is_usual(exchange):
                taken.exchanges.append((id, session_id, *_usual_values(exchange)))
            else:
                taken.exchanges.append((id, session_id, *_exchange_values(exchange)))
        self.touched.clear()
        self._first_id = self.next_id
        return taken

    def end(self, connection: Statements) -> None:
        """Leave the sequence where the next transaction of any recorder takes it up."""
        connection.execute(_TAKE_IDS, (self.next_id,))


def _is_usual(exchange: Exchange) -> bool:
    """Whether a short row says all of it: a request with its answer, and nothing rare about it."""
    return (
        exchange.answer_id is not None
        and exchange.ended_at is not None
        and not exchange.flags
        and exchange.code is None
        and exchange.parent_id is None
        and exchange.legs == 1
        and exchange.request_id is not None
    )
