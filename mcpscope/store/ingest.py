"""Unpacked records to rows: sessions, messages with their exchanges, outcomes, notes and streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from mcpscope.engine.outcomes import UNCHANGED_FLAG
from mcpscope.engine.pending import PIPE
from mcpscope.protocol.message import Message
from mcpscope.store.adding import DIRECTIONS, Adding
from mcpscope.store.decided import take_outcome
from mcpscope.store.drifting import FLAG
from mcpscope.store.recorded import Recorded
from mcpscope.store.records import Dir, Record, RecordType
from mcpscope.store.rows import Batch
from mcpscope.store.sessions import (
    NOT_FORWARDED,
    UNCONFIRMED,
    add_session,
    count_session,
    end_session,
    take_back,
)
from mcpscope.store.statements import Statements
from mcpscope.store.stream_rows import json_text, stream_note
from mcpscope.store.unpack import Unpacked, partial_of

FROM_PROXY = "proxy"
UNDELIVERED_FLAG = 1
SUMMARY_CHARS = 200

_LAST_OF_WAY = """
    UPDATE messages SET fate = ? WHERE session_id = ? AND id >= ? AND dir = ? AND stream = ? AND fate IS NULL
"""
_ADD_GAP = """
    UPDATE sessions SET gaps = gaps + 1, lost_messages = lost_messages + ?, lost_bytes = lost_bytes + ?
    WHERE id = ?
"""


class Ingest:
    """Understands one journal's records in order and leaves their rows in ``batch``.

    Runs inside a transaction of ``connection``. ``sessions`` and what is in them are the state that is
    committed with the rows; after a failed transaction the whole object is thrown away.
    """

    def __init__(self, connection: Statements, journal_uid: str) -> None:
        self.batch = Batch()
        self.sessions: dict[int, Recorded] = {}
        self.ended: list[int] = []
        self._connection = connection
        self._uid = journal_uid
        self._later: list[Callable[[], object]] = []
        self._partial = False
        self._adding = Adding(self.batch, connection)
        self._handlers: dict[int, Callable[[Unpacked], None]] = {
            RecordType.SESSION_OPEN: self._session_open,
            RecordType.SESSION_CLOSE: self._session_close,
            RecordType.CHUNK: self._chunk,
            RecordType.EOF: self._eof,
            RecordType.MESSAGE: self._gated,
            RecordType.SENT: self._sent,
            RecordType.OUTCOME: self._outcome,
            RecordType.STDERR: self._stderr,
            RecordType.GAP: self._gap,
            RecordType.NOTE: self._note,
            RecordType.STREAM_OPEN: self._stream,
            RecordType.STREAM_CLOSE: self._stream,
            RecordType.HTTP: self._stream,
        }

    def __repr__(self) -> str:
        return f"<Ingest {self._uid} sessions={len(self.sessions)} {self.batch!r}>"

    def begin(self) -> None:
        """The transaction has the write lock."""
        self.batch.begin(self._connection)

    def take_in(self, items: Iterable[Unpacked]) -> None:
        """Turn ``items`` into rows of ``batch``; types of a later format are passed over."""
        handlers = self._handlers
        for item in items:
            handler = handlers.get(item.record.type)
            if handler is not None:
                handler(item)

    def end(self) -> None:
        """Every part is written: add what changes rows that are there."""
        self.batch.end(self._connection)
        for statement in self._later:
            statement()
        self._later.clear()
        for session in self.sessions.values():
            count_session(self._connection, session)

    def end_killed(self, leftovers: Iterable[Unpacked]) -> None:
        """The writer is gone without a word: end its sessions, and doubt what it did last."""
        self._partial = True
        self.take_in(leftovers)
        for session in list(self.sessions.values()):
            for (dir, stream), first in session.last_of.items():
                if dir in DIRECTIONS:
                    way = (UNCONFIRMED, session.id, first, DIRECTIONS[Dir(dir)].value, stream)
                    self._later.append(partial(self._connection.execute, _LAST_OF_WAY, way))
            self._end(session, session.last_at, "killed", None)

    def add_gap(self, session: Recorded, at: int, said: dict[str, Any]) -> None:
        """A counted, visible hole in the recording of ``session``."""
        messages, size = _count(said.get("messages")), _count(said.get("bytes"))
        self._later.append(partial(self._connection.execute, _ADD_GAP, (messages, size, session.id)))
        reason = str(said.get("reason") or "not recorded")
        self._add_note(session, at, "gap", f"{messages} messages, {size} bytes: {reason}".encode(), said)

    def session(self, number: int, at: int = 0) -> Recorded:
        """The running session with this number; made up where the journal does not say how it began."""
        found = self.sessions.get(number)
        if found is None:
            found = self._open_session(number, at, {})
        found.touched = True
        return found

    def _session_open(self, item: Unpacked) -> None:
        if item.record.session not in self.sessions:
            self._open_session(item.record.session, item.record.at, item.said)

    def _open_session(self, number: int, at: int, said: dict[str, Any]) -> Recorded:
        made = Recorded(add_session(self._connection, self._uid, number, at, said), number)
        made.max_body = _count(said.get("max_body"))
        made.redacts = said.get("redacts") is True
        made.drifting.notes = not said.get("on_drift")  # else the gate notes it
        made.sealed = bool(said.get("policy"))
        if made.sealed:
            self._seal(made.id, at, said)
        if "sse" in (said.get("client_transport"), said.get("server_transport")):
            made.channel = PIPE
        elif said.get("client_transport") == "stdio":
            made.channel = "stdio"
        made.time(at)
        self.sessions[number] = made
        return made

    def _seal(self, session_id: int, at: int, said: dict[str, Any]) -> None:
        """What is recorded of this session is chained."""
        from mcpscope.store.sealing import Sealer  # deferred: only a session under a policy needs it

        self.batch.sealer = self.batch.sealer or Sealer()
        facts = {name: said.get(name) for name in ("policy", "label", "started_at_ns")}
        self.batch.sealer.begin(self._connection, session_id, at, facts)

    def resume(self, session: Recorded) -> None:
        """Take up a session that was recorded before, as the last commit left it."""
        self.sessions[session.number] = session
        if session.sealed:
            from mcpscope.store.sealing import Sealer

            self.batch.sealer = self.batch.sealer or Sealer()
            self.batch.sealer.resume(self._connection, session.id)

    def _session_close(self, item: Unpacked) -> None:
        session = self.session(item.record.session, item.record.at)
        undelivered = item.said.get("undelivered")
        if item.record.flags & UNDELIVERED_FLAG and isinstance(undelivered, dict):
            for dir, size in undelivered.items():
                self._later.append(partial(take_back, self._connection, session.id, str(dir), _count(size)))
        code = item.said.get("exit_code")
        at = session.time(item.record.at)
        self._end(
            session, at, str(item.said.get("reason") or "clean"), code if isinstance(code, int) else None
        )

    def _end(self, session: Recorded, at: int, reason: str, exit_code: int | None) -> None:
        for exchange in session.exchanges.end(at):
            self.batch.touch(session.id, exchange)
        self.sessions.pop(session.number, None)
        self.ended.append(session.number)

        def finish() -> None:
            count_session(self._connection, session)
            end_session(self._connection, session.id, at, reason, exit_code)
            if self.batch.sealer is not None:
                self.batch.sealer.close(self._connection, session.id)

        self._later.append(finish)

    def _chunk(self, item: Unpacked) -> None:
        record = item.record
        session = self.session(record.session, record.at)
        session.last_of[record.dir, record.stream] = self.batch.next_id
        self._add_messages(session, record, item.messages)

    def _eof(self, item: Unpacked) -> None:
        record = item.record
        session = self.session(record.session, record.at)
        if item.messages:
            if self._partial:
                cut = [partial_of(message) for message in item.messages]
                self._add_messages(session, record, cut, fate=UNCONFIRMED)
            else:
                self._add_messages(session, record, item.messages)
        if not self._partial:
            session.last_of.pop((record.dir, record.stream), None)

    def _gated(self, item: Unpacked) -> None:
        record = item.record
        session = self.session(record.session, record.at)
        id = self.batch.next_id
        if record.flags & UNCHANGED_FLAG:
            session.last_of[record.dir, record.stream] = id
            self._add_messages(session, record, item.messages)
        else:
            session.awaiting[record.at] = id
            self._add_messages(session, record, item.messages, fate=NOT_FORWARDED)
            session.owners[id] = self._adding.owner

    def _sent(self, item: Unpacked) -> None:
        session = self.session(item.record.session, item.record.at)
        session.last_of[item.record.dir, item.record.stream] = self.batch.next_id
        self._add_messages(session, item.record, item.messages, origin=FROM_PROXY)

    def _add_messages(
        self,
        session: Recorded,
        record: Record,
        messages: list[Message],
        *,
        fate: str | None = None,
        origin: str | None = None,
    ) -> None:
        adding = self._adding
        adding.add(session, record, messages, fate, origin)
        while adding.noticed:
            noticed, at, text = adding.noticed.pop(0)
            self._add_note(noticed, at, FLAG, text.encode("utf-8", "backslashreplace"))

    def _outcome(self, item: Unpacked) -> None:
        take_outcome(self.session(item.record.session, item.record.at), item.record, self.batch)

    def _stderr(self, item: Unpacked) -> None:
        session = self.session(item.record.session, item.record.at)
        for line in item.lines:
            self._add_note(session, item.record.at, "stderr", line)

    def _gap(self, item: Unpacked) -> None:
        self.add_gap(self.session(item.record.session, item.record.at), item.record.at, item.said)

    def _note(self, item: Unpacked) -> None:
        session = self.session(item.record.session, item.record.at)
        text = str(item.said.get("text") or "").encode("utf-8", "backslashreplace")
        self._add_note(session, item.record.at, str(item.said.get("kind") or "note"), text, item.said)

    def _stream(self, item: Unpacked) -> None:
        session = self.session(item.record.session, item.record.at)
        record, said = item.record, item.said
        self.batch.rows.streams.append(stream_note(session.id, record, said))
        stream = item.record.stream
        if (channel := item.said.get("mcp_session_id")) and isinstance(channel, str):
            session.channels[stream] = channel
        if item.record.type == RecordType.STREAM_CLOSE:
            session.channels.pop(stream, None)
            hung_up = item.said.get("closed_by") == "client"
            at = session.time(item.record.at)
            for exchange in session.exchanges.close_stream(stream, at, cancelled=hung_up):
                self.batch.touch(session.id, exchange)
            for dir in (Dir.TO_SERVER, Dir.TO_CLIENT):
                session.last_of.pop((dir, stream), None)

    def _add_note(
        self, session: Recorded, at: int, kind: str, text: bytes, said: dict[str, Any] | None = None
    ) -> None:
        id = self.batch.next_id
        self.batch.next_id = id + 1
        at = session.time(at)
        detail = json_text(said) if said else None
        self.batch.rows.notes.append((id, session.id, at, kind, text, detail))
        summary = text[: 4 * SUMMARY_CHARS].decode("utf-8", "replace")[:SUMMARY_CHARS]
        shown = "stderr" if kind == "stderr" else "note"
        session.seen_exchanges += 1
        size = len(text) if kind == "stderr" else None
        self.batch.rows.note_exchanges.append((id, session.id, shown, "noted", at, at, summary, size))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 1 << 62 else 0
