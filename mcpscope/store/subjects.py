"""Recorded exchanges as a filter sees them: a row, and its messages when they are asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse
from mcpscope.store.bodies import BlockReader

COLUMNS = (
    "e.id, e.session_id, e.kind, e.dir, e.method, e.tool, e.name, e.rpc_id, e.status, e.code, e.opened_at,"
    " e.ended_at, e.dur_ns, e.request_id, e.answer_id, e.req_bytes, e.res_bytes, e.flags, e.parent_id,"
    " e.legs, e.summary, e.stream"
)

_SESSION = "SELECT id, name, label, uid, client_name, server_name FROM sessions WHERE id = ?"
_MESSAGE = "SELECT body_id, body_at, ifnull(kept, size) FROM messages WHERE id = ?"
_MESSAGES = (
    _MESSAGE + " UNION ALL SELECT body_id, body_at, ifnull(kept, size) FROM messages"
    " WHERE exchange_id = ? AND exchange_id != id"
)
_SAID = "SELECT dir, at, body_id, body_at, ifnull(kept, size) FROM messages"
_SAID = f"{_SAID} WHERE id = ? UNION ALL {_SAID} WHERE exchange_id = ? AND exchange_id != id"
_NOTE = "SELECT text FROM notes WHERE id = ?"
_REMARKS = (
    "SELECT json_extract(detail, '$.exchange'), text FROM notes WHERE kind = 'remark'"
    " AND json_valid(detail) AND json_type(detail, '$.exchange') = 'integer' ORDER BY id"
)
_OF_EXCHANGE = (
    "message_id IN (SELECT ? UNION ALL SELECT id FROM messages WHERE exchange_id = ? AND exchange_id != id)"
)
_RULES = f"SELECT DISTINCT rule FROM outcomes WHERE rule IS NOT NULL AND {_OF_EXCHANGE}"
_WAITED = (
    "SELECT sum(waited) FROM (SELECT max(waited_ns) AS waited FROM outcomes"
    f" WHERE waited_ns > 0 AND {_OF_EXCHANGE} GROUP BY message_id)"
)


class Session(NamedTuple):
    """The names of a session that fields ask for."""

    session_names: tuple[str, ...]
    client_names: tuple[str, ...]
    server_names: tuple[str, ...]


class Said(NamedTuple):
    """One message of an exchange: where it went, when (unix ns), its bytes."""

    dir: str
    at: int
    raw: bytes


class Loader:
    """What a row has elsewhere in the database; one for each connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._blocks = BlockReader(connection)
        self._sessions: dict[int, Session] = {}
        self._remarks: dict[int, list[str]] | None = None

    def session(self, id: int) -> Session:
        found = self._sessions.get(id)
        if found is None:
            row = self._connection.execute(_SESSION, (id,)).fetchone() or (id, *(None,) * 5)
            _, name, label, uid, client, server = row
            names = tuple(str(one) for one in (id, name, label, uid) if one)
            found = Session(names, (client,) if client else (), tuple(one for one in (server, label) if one))
            self._sessions[id] = found
        return found

    def forget(self) -> None:
        """Names and remarks change while a session is recorded; they are asked again from here on."""
        self._sessions.clear()
        self._remarks = None

    def body(self, message_id: int) -> bytes | None:
        """The bytes of one message; None where there is no such message."""
        row = self._connection.execute(_MESSAGE, (message_id,)).fetchone()
        return None if row is None else self._read(*row)

    def bodies(self, exchange_id: int) -> list[bytes]:
        rows = self._connection.execute(_MESSAGES, (exchange_id, exchange_id)).fetchall()
        return [self._read(*row) for row in rows]

    def said(self, exchange_id: int) -> list[Said]:
        rows = self._connection.execute(_SAID, (exchange_id, exchange_id)).fetchall()
        return [Said(dir, at, self._read(*where)) for dir, at, *where in rows]

    def note(self, id: int) -> str | None:
        row = self._connection.execute(_NOTE, (id,)).fetchone()
        return None if row is None else _text(row[0])

    def remarks(self, exchange_id: int) -> Sequence[str]:
        """What people wrote about an exchange; there are few of them, so they are read at once."""
        if self._remarks is None:
            self._remarks = {}
            for id, text in self._connection.execute(_REMARKS):
                self._remarks.setdefault(id, []).append(_text(text))
        return self._remarks.get(exchange_id, ())

    def rules(self, exchange_id: int) -> tuple[str, ...]:
        rows = self._connection.execute(_RULES, (exchange_id, exchange_id))
        return tuple(rule for (rule,) in rows)

    def waited(self, exchange_id: int) -> int | None:
        (waited,) = self._connection.execute(_WAITED, (exchange_id, exchange_id)).fetchone()
        return int(waited) if waited is not None else None

    def _read(self, body_id: int | None, at: int | None, size: int) -> bytes:
        return b"" if body_id is None else self._blocks.read(body_id, at or 0, size)


class Recorded:
    """One exchange of the database; a Subject for filters, with what a list shows of it."""

    __slots__ = (
        "_answer",
        "_loader",
        "_request",
        "answer_id",
        "code",
        "dir",
        "dur_ns",
        "ended_at",
        "flags",
        "kind",
        "legs",
        "method",
        "name",
        "opened_at",
        "parent_id",
        "req_bytes",
        "request_id",
        "res_bytes",
        "rpc_id",
        "seq",
        "session_id",
        "status",
        "stream",
        "summary",
        "tool",
    )

    def __init__(self, row: Sequence[Any], loader: Loader) -> None:
        self.seq: int
        self.session_id: int
        self.kind: str
        self.status: str
        self.opened_at: int
        self.ended_at: int | None
        self.dur_ns: int | None
        self.request_id: int | None
        self.answer_id: int | None
        self.req_bytes: int | None
        self.res_bytes: int | None
        self.parent_id: int | None
        self.stream: int
        self.seq, self.session_id, self.kind, dir, method, tool, name, rpc_id, *row = row
        self.status, code, self.opened_at, self.ended_at, self.dur_ns, self.request_id, *row = row
        self.answer_id, self.req_bytes, self.res_bytes, flags, self.parent_id, legs, *row = row
        summary, self.stream = row
        self.dir: str = dir or ""
        self.method: str = method or ""
        self.tool: str = tool or ""
        self.name: str = name or ""
        self.rpc_id: str = rpc_id or ""
        self.code: int | None = None if isinstance(code, str) else code
        self.flags: Sequence[str] = flags.split(" ") if flags else ()
        self.legs: int = legs or 1
        self.summary: str = summary or ""
        self._loader = loader
        self._request: Message | bool | None = False
        self._answer: Message | bool | None = False

    def __repr__(self) -> str:
        return f"<Recorded {self.seq} {self.method} {self.status}>"

    @property
    def kinds(self) -> Sequence[str]:
        answered = self.answer_id is not None or self.kind == "answer"
        return (self.kind, "response") if answered else (self.kind,)

    @property
    def uri(self) -> str:
        return self.name if "resources/" in self.method else ""

    @property
    def session_names(self) -> Sequence[str]:
        return self._loader.session(self.session_id).session_names

    @property
    def session_title(self) -> str:
        """The session's name or label, else its number."""
        names = self._loader.session(self.session_id).session_names
        return names[1] if len(names) > 2 else f"#{self.session_id}"

    @property
    def client_names(self) -> Sequence[str]:
        return self._loader.session(self.session_id).client_names

    @property
    def server_names(self) -> Sequence[str]:
        return self._loader.session(self.session_id).server_names

    @property
    def wait_ns(self) -> int | None:
        return self._loader.waited(self.seq)

    @property
    def rules(self) -> Sequence[str]:
        return self._loader.rules(self.seq)

    @property
    def request(self) -> Message | None:
        if isinstance(self._request, bool):
            self._request = self._message(self.request_id)
        return self._request

    @property
    def answer(self) -> Message | None:
        if isinstance(self._answer, bool):
            self._answer = self._message(self.answer_id)
        return self._answer

    @property
    def bodies(self) -> Iterable[bytes]:
        return self._loader.bodies(self.seq)

    @property
    def said(self) -> Sequence[Said]:
        """Each of its messages, in wire order."""
        return self._loader.said(self.seq)

    @property
    def notes(self) -> Sequence[str]:
        remarks = self._loader.remarks(self.seq)
        if self.kind not in ("stderr", "note"):
            return remarks
        text = self._loader.note(self.seq)
        return remarks if text is None else (text, *remarks)

    def _message(self, id: int | None) -> Message | None:
        raw = None if id is None else self._loader.body(id)
        return None if raw is None else parse(raw)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
