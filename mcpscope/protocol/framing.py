"""One line, one frame: stdio framing over bytes, whatever size the chunks have."""

from __future__ import annotations

from typing import NamedTuple

_LONG_LINE_BYTES = 1024


class Frame(NamedTuple):
    """The bytes of one line without its end, and where the whole line lay in this direction's stream.

    ``start`` is the offset of the first byte of ``raw``; ``end`` lies behind the line end, so that
    ``end - start - len(raw)`` tells how the line ended: 1 for LF, 2 for CR LF, 0 for a tail without one.
    """

    raw: bytes
    start: int
    end: int

    @property
    def ending(self) -> bytes:
        return b"\r\n"[2 - (self.end - self.start - len(self.raw)) :]


class LineFramer:
    """Splits one direction at byte 0x0A only; drops blank lines; linear in what it is fed.

    U+2028, NEL and a CR inside a line end nothing ("Transports", stdio: messages are delimited by newlines).
    ``offset`` is that of the first byte fed.
    """

    def __init__(self, offset: int = 0) -> None:
        self._offset = offset
        self._parts: list[bytes] = []
        self._pending = 0

    def __repr__(self) -> str:
        return f"LineFramer(offset={self._offset}, pending={self._pending})"

    @property
    def pending(self) -> int:
        """Bytes of the line that has begun and not ended; a caller that caps lines looks here."""
        return self._pending

    @property
    def offset(self) -> int:
        """The offset of the first byte that is in no frame yet."""
        return self._offset

    def feed(self, chunk: bytes) -> list[Frame]:
        """The lines that end in ``chunk``."""
        end = chunk.find(b"\n")
        if end < 0:
            if chunk:
                self._parts.append(chunk)
                self._pending += len(chunk)
            return []
        frames: list[Frame] = []
        start = 0
        if self._parts:
            line = b"".join((*self._parts, chunk[:end]))
            self._parts.clear()
            self._pending = 0
            self._add(frames, line)
            start = end + 1
            end = chunk.find(b"\n", start)
        while end >= 0:
            self._add(frames, chunk[start:end])
            start = end + 1
            end = chunk.find(b"\n", start)
        if start < len(chunk):
            self._parts.append(chunk[start:])
            self._pending = len(chunk) - start
        return frames

    def lines(self, chunk: bytes) -> list[bytes]:
        """``raw`` of each frame that ``feed`` would give, in a third of the time, without offsets."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self.feed(chunk)
            return []
        whole = b"".join((*self._parts, chunk[:end])) if self._parts else chunk[:end]
        rest = chunk[end + 1 :]
        self._parts = [rest] if rest else []
        self._pending = len(rest)
        self._offset += len(whole) + 1
        found = _split(whole)
        if b"\r" in whole:
            found = [line[:-1] if line.endswith(b"\r") else line for line in found]
        return [line for line in found if line and not line.isspace()]

    def finish(self) -> Frame | None:
        """The last line where the stream ended without a line end."""
        tail = self.take()
        if not tail.strip():
            return None
        start = self._offset - len(tail)
        return Frame(tail, start, self._offset)

    def rest(self) -> bytes:
        """The pending bytes."""
        return b"".join(self._parts)

    def take(self) -> bytes:
        """The pending bytes, which are then no longer this framer's (a direction that leaves the gate)."""
        tail = self.rest()
        self._parts.clear()
        self._pending = 0
        self._offset += len(tail)
        return tail

    def _add(self, frames: list[Frame], line: bytes) -> None:
        start = self._offset
        self._offset = end = start + len(line) + 1
        if line.endswith(b"\r"):
            line = line[:-1]
        if line and not line.isspace():
            frames.append(Frame(line, start, end))


def _split(whole: bytes) -> list[bytes]:
    """``whole.split(b"\\n")``, which looks at one byte after the other where lines are long."""
    if whole.count(b"\n") * _LONG_LINE_BYTES > len(whole):
        return whole.split(b"\n")
    found, start = [], 0
    while (end := whole.find(b"\n", start)) >= 0:
        found.append(whole[start:end])
        start = end + 1
    found.append(whole[start:] if start else whole)
    return found
