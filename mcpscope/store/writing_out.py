"""A recorded session as lines of ``store.jsonl``, in the order in which it happened."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

import orjson

from mcpscope.protocol.parsing import parse
from mcpscope.store.bodies import BlockReader
from mcpscope.store.jsonl import FORMAT, VERSION, line
from mcpscope.store.settled import settled_for

SESSION_COLUMNS = (
    "uid", "number", "label", "name", "note", "command", "url", "client_transport", "server_transport",
    "client_name", "client_version", "server_name", "server_version", "revision", "era", "pid", "version",
    "started_at", "last_at", "ended_at", "end_reason", "exit_code", "record_mode", "lost_messages",
    "lost_bytes", "gaps", "detail",
)  # fmt: skip
COUNTERS = frozenset({"lost_messages", "lost_bytes", "gaps"})
JSON_COLUMNS = frozenset({"command", "detail"})

_SESSION = f"SELECT {', '.join(SESSION_COLUMNS)} FROM sessions WHERE id = ?"
_MESSAGES = """
    SELECT m.id, ifnull(m.exchange_id, m.id), m.at, m.dir, m.stream, m.fate, m.origin, m.marks, m.size,
           m.kept, hex(m.sha256), m.kind, m.method, m.rpc_id, m.body_id, m.body_at
    FROM messages AS m WHERE m.session_id = ? ORDER BY m.id
"""
_NOTES = """
    SELECT id, at, kind, text, detail, EXISTS (SELECT 1 FROM exchanges AS e WHERE e.id = notes.id)
    FROM notes WHERE session_id = ? ORDER BY id
"""
_OUTCOMES = """
    SELECT o.at, m.at, ifnull(m.exchange_id, m.id), o.outcome, o.actor, o.rule, o.waited_ns, o.detail,
           o.bytes
    FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id WHERE m.session_id = ? ORDER BY o.id
"""
_MARKED = "SELECT id FROM exchanges WHERE session_id = ? AND instr(' ' || flags || ' ', ' * ')"
_GATED = "SELECT message_id FROM outcomes WHERE message_id IN (SELECT id FROM messages WHERE session_id = ?)"
_STREAMS = """
    SELECT stream, opened_at, closed_at, open, facts, close FROM streams WHERE session_id = ? ORDER BY stream
"""
HEAD, LATER = 0, 1


class Mask(Protocol):
    """What takes secrets out; ``count`` is how many it has taken."""

    @property
    def count(self) -> int: ...

    def message(self, raw: bytes) -> bytes: ...
    def value(self, value: Any) -> Any: ...
    def text(self, text: str) -> str: ...


class NoMask:
    """Everything stays as it is."""

    count = 0

    def message(self, raw: bytes) -> bytes:
        return raw

    def value(self, value: Any) -> Any:
        return value

    def text(self, text: str) -> str:
        return text


def session_lines(
    connection: sqlite3.Connection,
    session_id: int,
    mask: Mask,
    *,
    only: Collection[int] | None = None,
    make_line: Callable[..., bytes] = line,
) -> Iterator[bytes]:
    """Every line of a session; ``only`` are the ids of the exchanges to write, None is all."""
    return _Writer(connection, session_id, mask, only, make_line).lines()


class _Event(NamedTuple):
    """A line that belongs between others: at its time, a HEAD before messages of that time, LATER behind."""

    at: int
    order: int
    said: dict[str, Any]
    sent: bytes | None = None


class _Writer:
    def __init__(
        self,
        connection: sqlite3.Connection,
        session_id: int,
        mask: Mask,
        only: Collection[int] | None,
        make_line: Callable[..., bytes],
    ) -> None:
        self._connection = connection
        self._id = session_id
        self._mask = mask
        self._only = only if only is None else frozenset(only)
        self._line = make_line
        self._blocks = BlockReader(connection)
        self._start = 0
        self._messages = 0
        # What a remark is about is named by its place among the messages and notes of the file.
        self._places: dict[int, int] = {}
        self._marked = {id for (id,) in connection.execute(_MARKED, (session_id,))}
        self._gated = {id for (id,) in connection.execute(_GATED, (session_id,))}

    def lines(self) -> Iterator[bytes]:
        yield self._header()
        events = deque(sorted([*self._outcomes(), *self._stream_lines()], key=_when))
        for at, make in self._in_order():
            # Lines are made in the order of the file: the steady form counts them.
            while events and _when(events[0]) <= (at, HEAD):
                yield self._event_line(events.popleft())
            yield make()
        yield from map(self._event_line, events)
        counts = {"masked": self._mask.count, "messages": self._messages}
        yield self._line({"end": counts})

    def _event_line(self, event: _Event) -> bytes:
        return self._line(event.said, sent=event.sent)

    def _header(self) -> bytes:
        row = self._connection.execute(_SESSION, (self._id,)).fetchone()
        said: dict[str, Any] = {}
        for name, value in zip(SESSION_COLUMNS, row, strict=True):
            if name in JSON_COLUMNS:
                value = self._mask.value(_loads(value))
            elif isinstance(value, str):
                value = self._mask.text(value)
            if value is not None and value != "" and not (value == 0 and name in COUNTERS):
                said[name] = value
        self._start = said.get("started_at", 0)
        settled = self._mask.value(settled_for(self._connection, self._id))
        return self._line({"format": FORMAT, "session": said, "version": VERSION, **settled})

    def _in_order(self) -> Iterator[tuple[int, Callable[[], bytes]]]:
        """When messages and notes were, and what makes their lines."""
        notes = self._connection.execute(_NOTES, (self._id,))
        note = notes.fetchone()
        for row in self._connection.execute(_MESSAGES, (self._id,)):
            while note is not None and note[0] < row[0]:
                yield from self._note(note)
                note = notes.fetchone()
            if self._wanted(row[1]):
                self._messages += 1
                self._places[row[0]] = len(self._places) + 1
                yield row[2], partial(self._message, row)
        while note is not None:
            yield from self._note(note)
            note = notes.fetchone()

    def _wanted(self, exchange: int) -> bool:
        return self._only is None or exchange in self._only

    def _message(self, row: tuple[Any, ...]) -> bytes:
        (
            id,
            _,
            at,
            dir,
            stream,
            fate,
            origin,
            marks,
            size,
            kept,
            digest,
            kind,
            method,
            rpc_id,
            body_id,
            body_at,
        ) = row
        length = size if kept is None else kept
        raw = b"" if body_id is None else self._blocks.read(body_id, body_at, length)
        said: dict[str, Any] = {"at": at - self._start, "dir": dir, "stream": stream or None}
        said |= {"fate": fate, "origin": origin}
        said["gated"] = True if id in self._gated else None
        said["marked"] = True if id in self._marked else None
        if kept is not None or body_id is None:
            # Only a beginning was kept: what the whole message was cannot be read from it.
            said["cut"] = {
                "kind": kind,
                "method": method,
                "rpc_id": rpc_id,
                "sha256": digest or None,
                "size": size,
            }
        elif (marks or "") != " ".join(parse(raw).problems):
            said["marks"] = marks or ""
        return self._line(said, message=self._mask.message(raw))

    def _note(self, row: tuple[Any, ...]) -> Iterator[tuple[int, Callable[[], bytes]]]:
        id, at, kind, text, detail, has_row = row
        if not self._wanted(id) and not self._remarks_on_wanted(kind, detail):
            return
        raw = text if isinstance(text, bytes) else str(text).encode()
        about = self._mask.value(_loads(detail))
        if isinstance(about, dict) and "exchange" in about:
            about["exchange"] = self._places.get(about["exchange"])
        self._places[id] = len(self._places) + 1
        said: dict[str, Any] = {"at": at - self._start, "note": kind, "detail": about}
        said["marked"] = True if id in self._marked else None
        said["aside"] = None if has_row else True  # written on an exchange, and none of its own
        yield at, lambda: self._line(said, message=self._mask.message(raw))

    def _remarks_on_wanted(self, kind: str, detail: str | None) -> bool:
        said = _loads(detail) if kind == "remark" else None
        return isinstance(said, dict) and said.get("exchange") in (self._only or ())

    def _outcomes(self) -> Iterator[_Event]:
        """Each after the message that it is about, whatever the clock did."""
        for row in self._connection.execute(_OUTCOMES, (self._id,)):
            at, of, exchange, outcome, actor, rule, waited, detail, sent = row
            if not self._wanted(exchange):
                continue
            said = {
                "at": at - self._start,
                "of": of - self._start,
                "outcome": outcome,
                "actor": actor,
                "rule": rule,
                "waited_ns": waited,
                "detail": self._mask.value(_loads(detail)),
            }
            yield _Event(max(at, of), LATER, said, None if sent is None else self._mask.message(sent))

    def _stream_lines(self) -> Iterator[_Event]:
        """Heads before what the stream carried, ends behind it."""
        wanted = None if self._only is None else self._wanted_streams()
        for stream, opened, closed, head, facts, end in self._connection.execute(_STREAMS, (self._id,)):
            if wanted is not None and stream not in wanted:
                continue
            begun = self._start if opened is None else opened
            said: dict[str, Any] = {"at": begun - self._start, "stream": stream}
            said |= {"open": self._mask.value(_loads(head)), "facts": self._mask.value(_loads(facts))}
            yield _Event(begun, HEAD, said)
            if closed is not None or end:
                at = begun if closed is None else closed
                said = {
                    "at": at - self._start,
                    "stream": stream,
                    "close": self._mask.value(_loads(end)) or {},
                }
                yield _Event(at, LATER, said)

    def _wanted_streams(self) -> set[int]:
        query = "SELECT stream, ifnull(exchange_id, id) FROM messages WHERE session_id = ? AND stream > 0"
        return {
            stream
            for stream, exchange in self._connection.execute(query, (self._id,))
            if self._wanted(exchange)
        }


def _when(event: _Event) -> tuple[int, int]:
    return event.at, event.order


def _loads(text: str | None) -> Any:
    """The JSON of a column; a copy, so the caller may change it."""
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
