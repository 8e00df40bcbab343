"""Messages of one record to rows: each with its exchange, its body and what it says of who talks to whom."""

from __future__ import annotations

import hashlib

from mcpscope.engine.catalog import DefinitionKind
from mcpscope.engine.exchange import Exchange
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction, Message
from mcpscope.store.drifting import FLAG
from mcpscope.store.inserting import Row
from mcpscope.store.recorded import ENVELOPE, INTRODUCTORY, Recorded
from mcpscope.store.records import Dir, Record
from mcpscope.store.rows import Batch
from mcpscope.store.statements import Statements

# A word of ``messages.marks``: values were taken out of this message before it was written down. In its
# body each has left ``[redacted:XXXXXXXX]``, eight digits of a digest keyed with the local key; a replay
# leaves such a request out. What could not be read is that placeholder alone, with its size.
REDACTED, REDACTED_MARK = "redacted", b"[redacted:"
UNPLACED = "unplaced"

DIRECTIONS = {Dir.TO_SERVER: Direction.TO_SERVER, Dir.TO_CLIENT: Direction.TO_CLIENT}


class Adding:
    """Leaves the rows of messages in ``batch``.

    ``owner`` is the exchange of the last message; ``noticed`` are notes to be written behind it, emptied by
    whoever writes them.
    """

    def __init__(self, batch: Batch, connection: Statements) -> None:
        self.owner = 0
        self.noticed: list[tuple[Recorded, int, str]] = []
        self._batch = batch
        self._connection = connection

    def add(
        self,
        session: Recorded,
        record: Record,
        messages: list[Message],
        fate: str | None = None,
        origin: str | None = None,
    ) -> None:
        """Rows for ``messages``, which ended in ``record``."""
        direction = DIRECTIONS.get(record.dir, Direction.TO_SERVER)
        dir, stream, at = direction.value, record.stream, session.time(record.at)
        channel = (session.channel or session.channels.get(stream, "")) if stream else ""
        session_id, observe = session.id, session.exchanges.observe
        # The hot path of the recorder: what is asked for once a message is looked up once a chunk.
        batch, touched = self._batch, self._batch.touched
        add_row, add_body = batch.rows.messages.append, batch.blocks.add
        is_unusual = bool(fate or origin or session.redacts or session.max_body)
        owner, opened, total = 0, 0, 0
        first_id = batch.next_id
        for id, message in enumerate(messages, first_id):
            raw, marks, method = message.raw, message.problems, message.method
            try:
                changed = observe(message, id, at, direction, stream, channel)
            except Exception:  # a message that cannot be placed is still recorded, and so are all after it
                changed, marks = [], (*marks, UNPLACED)
            size = len(raw)
            total += size
            if changed:
                first = changed[0]
                owner = first.id
                opened += owner == id
                for exchange in changed:
                    touched[exchange.id] = (session_id, exchange)
                if (method or first.method) in INTRODUCTORY or _has_envelope(message):
                    self._learn(session, first, message, id, record.at)
            else:
                owner = 0
            kind = message.kind._value_
            rpc_id = spelled(message.id) if message.has_id else ""
            row = (id, session_id, owner or None, at, dir, stream, kind, method, rpc_id, size)
            if marks or is_unusual:
                self._add_unusual(session, row, raw, marks, (fate, origin))
            else:
                add_row(row + add_body(session_id, id, raw))  # in the short form of store.inserting
        if messages:
            self.owner = owner or id
        batch.next_id = first_id + len(messages)
        session.seen_messages += len(messages)
        session.seen_exchanges += opened
        session.seen_bytes += total

    def _add_unusual(
        self, session: Recorded, row: Row, raw: bytes, marks: tuple[str, ...], ends: tuple[str | None, ...]
    ) -> None:
        """The row of a message of which more is to be said, or of which not all is kept."""
        id, size = row[0], row[-1]
        if session.redacts and REDACTED_MARK in raw:
            marks = (*marks, REDACTED)
        kept = digest = None
        if 0 < session.max_body < size:
            kept, digest = session.max_body, hashlib.sha256(raw).digest()
            raw = raw[:kept]
        place = self._batch.blocks.add(session.id, id, raw)
        said = " ".join(marks) or None
        named = (row[7] or None, row[8] or None)
        self._batch.rows.messages.append((*row[:7], *named, size, *place, kept, digest, said, *ends))

    def _learn(self, session: Recorded, exchange: Exchange, message: Message, id: int, at: int) -> None:
        """Take in who talks to whom and what is offered, and say which tools are not as they were."""
        offered = session.learn(exchange, message, id, session.time(at))
        if not offered:
            return
        self._batch.rows.definitions += offered
        names = [str(row[4]) for row in offered if row[3] == DefinitionKind.TOOL]
        if not names:
            return
        found = session.drifting.look(self._connection, session.catalog, names)
        if found:
            exchange.add_flag(FLAG)
            self.noticed += [(session, at, text) for text in found if session.drifting.notes]


def _has_envelope(message: Message) -> bool:
    """Whether it may say who its sender is; the large part of a message is not looked at for that."""
    holder = message.body.get("params" if message.method else "result")
    return type(holder) is dict and "_meta" in holder and ENVELOPE in message.raw
