"""Server-sent events over bytes: every event keeps the exact bytes it came in.

WHATWG HTML, "Parsing an event stream": a line ends at CR, LF or CR LF and nowhere else. What the parser
yields, joined, is what it was fed, so events that nobody edits are sent on as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BREAK = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One block up to its blank line; a comment on its own is such a block, so that it never waits.

    ``data`` is None where no ``data`` line occurred (comments, blank lines, a changed ``retry``); an empty
    ``data`` with an ``id`` is a priming event (2025-11-25). ``id`` is None where the block sets none.
    """

    raw: bytes
    data: bytes | None = None
    event: str = "message"
    id: str | None = None
    retry: int | None = None

    @property
    def has_message(self) -> bool:
        """Whether the data is to be read as a message of the protocol."""
        return bool(self.data) and self.event == "message"


class SseParser:
    """Fed with chunks of any size, yields blocks as soon as their last line has ended; linear."""

    def __init__(self) -> None:
        self.last_id = ""
        self._line: list[bytes] = []
        self._after_cr = False
        self._at_start = True
        self._clear()

    def __repr__(self) -> str:
        return f"SseParser(last_id={self.last_id!r}, pending={self.pending})"

    @property
    def pending(self) -> int:
        """Bytes of the block that has begun and not ended."""
        return sum(map(len, self._raw)) + sum(map(len, self._line))

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The blocks that end in ``chunk``."""
        events: list[SseEvent] = []
        at = 0
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                self._raw.append(b"\n")
                at = 1
        lf, cr = chunk.find(b"\n", at), chunk.find(b"\r", at)
        while lf >= 0 or cr >= 0:
            end = min(found for found in (lf, cr) if found >= 0)
            after = end + 1
            if end == cr:
                if after == len(chunk):
                    self._after_cr = True
                elif after == lf:
                    after += 1
                cr = chunk.find(b"\r", after)
            if 0 <= lf < after:
                lf = chunk.find(b"\n", after)
            self._end_line(events, chunk[at:end], chunk[end:after])
            at = after
        if at < len(chunk):
            self._line.append(chunk[at:])
        return events

    def rest(self) -> bytes:
        """The bytes of the block that has begun and not ended."""
        return b"".join((*self._raw, *self._line))

    def finish(self) -> bytes:
        """What is left when the stream ends: by the standard no event, yet bytes to be passed on."""
        rest = self.rest()
        self._line.clear()
        self._clear()
        return rest

    def _clear(self) -> None:
        self._raw: list[bytes] = []
        self._data: list[bytes] = []
        self._event = ""
        self._id: str | None = None
        self._retry: int | None = None
        self._has_fields = False

    def _end_line(self, events: list[SseEvent], piece: bytes, ending: bytes) -> None:
        line = b"".join((*self._line, piece)) if self._line else piece
        self._line.clear()
        self._raw.append(line + ending)
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            events.append(self._dispatch())
        elif line.startswith(b":"):
            if not self._has_fields:
                events.append(self._dispatch())
        else:
            self._has_fields = True
            self._field(line)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = value.decode(errors="replace")
            case b"id" if b"\0" not in value:
                self._id = self.last_id = value.decode(errors="replace")
            case b"retry" if value.isdigit():
                self._retry = int(value)
            case _:
                pass

    def _dispatch(self) -> SseEvent:
        data = b"\n".join(self._data) if self._data else None
        event = SseEvent(b"".join(self._raw), data, self._event or "message", self._id, self._retry)
        self._clear()
        return event


def with_data(event: SseEvent, data: bytes) -> bytes:
    """The bytes of ``event`` saying ``data`` instead; every other line, ``id`` too, as it was."""
    out: list[bytes] = []
    replaced = False
    for match in _LINE.finditer(event.raw):
        line, ending = match.groups()
        field = line.removeprefix(_BOM).partition(b":")[0]
        if field != b"data":
            out.append(line + ending)
        elif not replaced:
            replaced = True
            out.extend(b"data: " + part + ending for part in _BREAK.split(data))
    return b"".join(out)


def write_event(data: bytes, *, event: str = "", id: str | None = None) -> bytes:
    """A new event with ``data``; line breaks in it become several ``data`` lines."""
    head = (f"event: {event}\n" if event else "") + (f"id: {id}\n" if id is not None else "")
    lines = b"".join(b"data: " + part + b"\n" for part in _BREAK.split(data))
    return head.encode() + lines + b"\n"


def write_comment(text: str = "") -> bytes:
    """A comment: keeps a stream alive and is no event."""
    return f": {text}\n\n".encode() if text else b":\n\n"
