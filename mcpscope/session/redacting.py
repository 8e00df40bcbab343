"""What may be written down of what passes: a journal whose records hold neither secrets nor named places.

A message has the marks of what was taken out in its body; what cannot be read is withheld whole. A failure
here writes nothing: the record counts as not made, which refuses the message where the record is required.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from mcpscope.engine.place_walk import splice
from mcpscope.engine.places import Places
from mcpscope.session.http_log import LAST_FLAG
from mcpscope.store.journal import Journal
from mcpscope.store.layout import (
    CHUNK,
    EOF,
    GAP,
    HTTP,
    MESSAGE,
    NO_DIR,
    NOTE,
    OUTCOME,
    SENT,
    STREAM_CLOSE,
    STREAM_OPEN,
    TO_SERVER,
)
from mcpscope.transports.secret_mask import Mask

if TYPE_CHECKING:
    from mcpscope.store.journal import Entry

MAX_CALLS = 4096
_ENDINGS = (b"}", b"]", b"")
WITHHELD = "withheld: what it is about is redacted"


class Redactor:
    """``mask`` knows the secrets, ``places`` where others stand, which ``mask`` then knows, too."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.places = Places()
        self.always: tuple[str, ...] = ()
        """Places that hold whatever a policy says."""
        self.alias: Callable[[str], str] = str
        self._calls: OrderedDict[tuple[int, str], set[str]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Redactor {self.mask!r} {self.places!r}>"

    @property
    def idle(self) -> bool:
        """Whether there is nothing to take out."""
        return not (self.mask or self.places or self.places.headers)

    def obey(self, texts: Sequence[str]) -> None:
        """These places from now on, and those that hold always."""
        self.places = Places(list(dict.fromkeys((*self.always, *texts))))

    def message(self, raw: bytes, session: int = 0, dir: int = 0) -> bytes:
        """A message as it may be written down."""
        if self.places:
            raw = self._by_place(raw, session, dir)
        if raw[-1:] not in _ENDINGS and self.mask:
            # The head of a message that was too long: a secret may be cut in two by its end.
            raw = raw[: len(raw) - self.mask.tail(raw)] or b" "
        return self.mask.messages(raw)

    def record(self, kind: int, dir: int, session: int, payload: bytes) -> bytes:
        """The payload of a record as it may be written."""
        if kind in (MESSAGE, SENT):
            return self.message(payload, session, dir)
        if kind == OUTCOME:
            return self._outcome(payload, session)
        if kind in (STREAM_OPEN, HTTP, STREAM_CLOSE) and (self.places or self.places.headers):
            payload = self._head(payload)
        return self.mask.mask(payload)

    def _by_place(self, raw: bytes, session: int, dir: int) -> bytes:
        said = _read(raw)
        if said is None:
            return self._withheld(raw)
        tools = self._tools(said, session, dir) if self.places.scoped else ()
        try:
            found = self.places.find(raw, tools, self.mask.placeholder)
        except (ValueError, RecursionError):
            return self._withheld(raw)
        if not found.spans:
            return raw
        self.mask.learn(found.values)
        return splice(raw, found.spans)

    def _withheld(self, raw: bytes) -> bytes:
        if not raw.strip():
            return raw
        shown = self.mask.placeholder(raw.decode("utf-8", "surrogateescape"))
        return f"{shown} ({len(raw)} bytes that cannot be read are withheld)".encode()

    def _tools(self, said: Any, session: int, dir: int) -> set[str] | None:
        """The tools that a message may be about; None where that cannot be told."""
        if not isinstance(said, dict):
            return None
        params = said.get("params")
        if said.get("method") == "tools/call":
            name = params.get("name") if isinstance(params, dict) else None
            if not isinstance(name, str):
                return None
            tools = {name, self.alias(name)}
            self._called(session, said.get("id"), tools)
            return tools
        if "method" in said:
            return set()
        if dir == TO_SERVER:
            return set()
        return self._calls.get((session, _spelled(said.get("id"))))

    def _called(self, session: int, id: Any, tools: set[str]) -> None:
        key = (session, _spelled(id))
        self._calls[key] = self._calls.pop(key, set()) | tools
        if len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)

    def _outcome(self, payload: bytes, session: int) -> bytes:
        head, mark, sent = payload.partition(b"\0")
        if self.places and b'"warnings"' in head:
            said = json.loads(head)
            if said.get("detail", {}).get("warnings"):
                said["detail"]["warnings"] = [WITHHELD]
                head = json.dumps(said, separators=(",", ":")).encode()
        head = self.mask.mask(head)
        return head + mark + self.message(sent, session) if mark else head

    def _head(self, payload: bytes) -> bytes:
        said = orjson.loads(payload)
        lines = said.get("headers")
        for line in lines if isinstance(lines, list) else ():
            if self.places.is_hidden_header(line[0]):
                line[1] = self._field(line[1])
        if said.get("mcp_session_id") and self.places.is_hidden_header("mcp-session-id"):
            said["mcp_session_id"] = self._field(said["mcp_session_id"])
        if self.places and said.get("text"):
            said["text"] = self.message(said["text"].encode()).decode("utf-8", "replace")
        return orjson.dumps(said)

    def _field(self, value: str) -> str:
        if value.startswith("[redacted:") or value.partition(" ")[2].startswith("[redacted:"):
            return value
        self.mask.learn([value])
        return self.mask.placeholder(value)


class RedactedJournal(Journal):
    """A journal of which every record has passed ``redactor``; nothing is written that it has not seen."""

    def __init__(
        self,
        folder: str,
        on_fault: Callable[[str], None],
        redactor: Redactor,
        *,
        durable: bool = False,
        required: bool = False,
    ) -> None:
        super().__init__(folder, on_fault, durable=durable, required=required)
        self.redactor = redactor
        self._beside: set[tuple[int, int]] = set()
        self._failed_before = False

    def append(
        self,
        kind: int,
        dir: int,
        session: int,
        stream: int,
        payload: bytes | memoryview,
        flags: int = 0,
        at: int = 0,
    ) -> bool:
        redactor = self.redactor
        if kind == CHUNK:
            if not redactor.places:
                return super().append(kind, dir, session, stream, payload, flags, at)
            return self._unread(dir, session, stream, flags, at)
        if redactor.idle:
            return super().append(kind, dir, session, stream, payload, flags, at)
        try:
            kept = redactor.record(kind, dir, session, bytes(payload))
        except Exception as error:  # whatever fails in the redactor, nothing that it has not seen is written
            self._count(dir, session, stream, len(payload), f"the redactor failed: {type(error).__name__}")
            return False
        return super().append(kind, dir, session, stream, kept, flags, at)

    def append_all(self, records: Sequence[Entry], at: int = 0) -> bool:
        redactor = self.redactor
        if redactor.idle:
            return super().append_all(records, at)
        if redactor.places and any(record[0] == CHUNK for record in records):
            made = [self.append(*record, at) for record in records]
            return all(made)
        try:
            kept = [self._kept(*record) for record in records]
        except Exception as error:  # as above: all of them count as lost
            for _, dir, session, stream, payload, _ in records:
                self._count(
                    dir, session, stream, len(payload), f"the redactor failed: {type(error).__name__}"
                )
            return False
        return super().append_all(kept, at)

    def _kept(
        self, kind: int, dir: int, session: int, stream: int, payload: bytes | memoryview, flags: int
    ) -> Entry:
        if kind != CHUNK:
            payload = self.redactor.record(kind, dir, session, bytes(payload))
        return kind, dir, session, stream, payload, flags

    def _unread(self, dir: int, session: int, stream: int, flags: int, at: int) -> bool:
        """Bytes beside the gate cannot be redacted by place: that they came is all that is kept."""
        if (session, stream) not in self._beside:
            self._beside.add((session, stream))
            text = f"bytes of stream {stream} that are no message are withheld: places are redacted"
            note = json.dumps({"kind": "redaction", "text": text, "stream": stream}).encode()
            super().append(NOTE, NO_DIR, session, 0, note)
        if flags & LAST_FLAG:
            return super().append(EOF, dir, session, stream, b"{}", 0, at)
        return True

    def _count(self, dir: int, session: int, stream: int, size: int, reason: str) -> None:
        if not self._failed_before:
            self._failed_before = True
            self._on_fault(reason)
        said = json.dumps({"messages": 1, "bytes": size, "reason": reason}).encode()
        super().append(GAP, dir if not stream else NO_DIR, session, stream, said)


def _read(raw: bytes) -> Any:
    """``raw`` as JSON in the most lenient reading, or None."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(raw.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _spelled(id: Any) -> str:
    return json.dumps(id)
