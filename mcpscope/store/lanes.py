"""Chunks of one stream in one direction to whole frames, and where to begin again after a restart."""

from __future__ import annotations

from typing import Protocol

from mcpscope.protocol.framing import LineFramer
from mcpscope.protocol.sse import SseParser

MAX_PENDING_BYTES = 512 << 20  # beyond it the frame is cut: SQLite holds no value of a gigabyte

Resume = tuple[int, int, int]
"""Where a frame that has not ended begins: segment, offset of the record, bytes of its payload to skip."""


class Framing(Protocol):
    """How chunks become frames; ``pending`` is the length of what is in no frame yet, ``rest`` its bytes."""

    @property
    def pending(self) -> int: ...
    def feed(self, chunk: bytes) -> list[bytes]: ...
    def rest(self) -> bytes: ...
    def take(self) -> bytes: ...


class Lines:
    """stdio: a line is a frame."""

    kind = "lines"

    def __init__(self) -> None:
        self._framer = LineFramer()

    @property
    def pending(self) -> int:
        return self._framer.pending

    def feed(self, chunk: bytes) -> list[bytes]:
        return self._framer.lines(chunk)

    def rest(self) -> bytes:
        return self._framer.rest()

    def take(self) -> bytes:
        return self._framer.take()


class Events:
    """A response that is an event stream: the data of an event is a frame."""

    kind = "events"

    def __init__(self) -> None:
        self._parser = SseParser()
        self._pending = 0

    @property
    def pending(self) -> int:
        return self._pending

    def feed(self, chunk: bytes) -> list[bytes]:
        events = self._parser.feed(chunk)
        self._pending += len(chunk) - sum(len(event.raw) for event in events)
        return [event.data for event in events if event.has_message and event.data]

    def rest(self) -> bytes:
        return self._parser.rest()

    def take(self) -> bytes:
        # By the standard an event cut off by the end is none; but bytes of it were forwarded.
        self._pending = 0
        return self._parser.finish()


class Whole:
    """An HTTP body: all of it is one frame."""

    kind = "whole"

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.pending = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        if chunk:
            self._parts.append(chunk)
            self.pending += len(chunk)
        return []

    def rest(self) -> bytes:
        return b"".join(self._parts)

    def take(self) -> bytes:
        whole = self.rest()
        self._parts.clear()
        self.pending = 0
        return whole


FRAMINGS: dict[str, type[Lines] | type[Events] | type[Whole]] = {
    framing.kind: framing for framing in (Lines, Events, Whole)
}


class Lane:
    """One stream in one direction. What has no end yet is named by ``resume`` and is not kept elsewhere.

    Once the journal goes on to other segments, ``spill`` gives out what is pending for a table of the
    database, so that one endless line keeps no old segment alive; ``pieces`` counts those spills.
    """

    __slots__ = ("_spilled", "framing", "headless", "kind", "pieces", "resume")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.framing: Framing = FRAMINGS[kind]()
        self.resume: Resume | None = None
        self.pieces = 0
        self.headless = False  # the first frame begins in a hole of the recording
        self._spilled = 0

    def __repr__(self) -> str:
        return f"<Lane {self.kind} pending={self.framing.pending} resume={self.resume} pieces={self.pieces}>"

    def feed(self, chunk: bytes, segment: int, start: int, skip: int = 0) -> list[bytes]:
        """Frames that end in ``chunk``: the payload, but for ``skip`` bytes, of the record at ``start``."""
        framing = self.framing
        frames = framing.feed(chunk)
        pending = framing.pending
        if pending <= len(chunk):
            # What is pending began in this chunk (or exactly here: nothing was pending before).
            self.resume = (segment, start, skip + len(chunk) - pending) if pending else None
            self._spilled = 0
        elif self.resume is None:
            self.resume = (segment, start, skip)
        if pending > MAX_PENDING_BYTES:
            frames.append(self.take())
        return frames

    def take(self) -> bytes:
        """What is pending, as one last frame; may be empty."""
        self.resume = None
        self._spilled = 0
        return self.framing.take()

    @property
    def outlived(self) -> bool:
        """Whether pieces are in the database of a frame that has ended since."""
        return self.pieces > 0 and self._spilled == 0

    def spill(self) -> bytes:
        """The pending bytes that were not given out before; they need not be read from the journal again."""
        data = self.framing.rest()
        fresh = data[self._spilled :]
        self._spilled = len(data)
        self.pieces += 1
        self.resume = None
        return fresh

    def unspill(self, pieces: list[bytes]) -> None:
        """Take up again what ``spill`` gave out before a restart."""
        data = b"".join(pieces)
        self.framing.feed(data)
        # Less than ``data`` where that begins with the LF of the CR that had ended the event before.
        self._spilled = self.framing.pending
        self.pieces = len(pieces)
