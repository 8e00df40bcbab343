"""Findings about a recorded session, read from the database a page at a time."""

from __future__ import annotations

from mcpscope.lint.finding import Finding
from mcpscope.lint.linter import Linter
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.store.calls import post_headers
from mcpscope.store.directory import SessionInfo
from mcpscope.store.reader import Frame, Reader

PAGE = 1000
KEPT_STREAMS = 10_000
"""A POST is read within this many streams of its opening."""


class RecordedSession:
    """One session as its peers sent it: ``more`` takes in a page, ``messages`` is how many it had so far."""

    def __init__(self, session: int, started_at: int = 0) -> None:
        self.session = session
        self.last, self.messages = 0, 0
        self.at = started_at
        self._linter = Linter()
        self._stream = 0
        self._headers: dict[int, list[tuple[str, str]]] = {}

    def __repr__(self) -> str:
        return f"<RecordedSession {self.session} up to message {self.last}>"

    def more(self, reader: Reader, limit: int = PAGE) -> int:
        """Take in up to ``limit`` further messages and notes; how many there were."""
        frames = reader.frames(self.session, after=self.last, limit=limit)
        newest = max((frame.stream for frame in frames), default=0)
        if newest > self._stream:
            self._headers = {
                stream: headers for stream, headers in self._headers.items() if stream > newest - KEPT_STREAMS
            } | post_headers(reader.connection, self.session, self._stream)
            self._stream = newest
        for frame in frames:
            self._take(frame)
        return len(frames)

    def _take(self, frame: Frame) -> None:
        self.last, self.at = frame.id, frame.at
        self.messages += bool(frame.dir)
        if not frame.dir or frame.origin != "peer" or len(frame.raw) != frame.size:
            return
        direction = Direction(frame.dir)
        posted = direction is Direction.TO_SERVER
        self._linter.observe(
            parse(frame.raw),
            id=frame.id,
            at=frame.at,
            direction=direction,
            stream=frame.stream,
            headers=self._headers.get(frame.stream) if posted else None,
        )

    def so_far(self) -> list[Finding]:
        """What is found in what was taken in, while more may come."""
        return self._linter.so_far()

    def end(self, *, complete: bool) -> list[Finding]:
        """What is found in all of it; ``complete`` False where its end was not recorded."""
        return self._linter.end(self.at, complete=complete)


def findings_of(reader: Reader, info: SessionInfo) -> list[Finding]:
    """Everything wrong with one recorded session."""
    session = RecordedSession(info.id, info.started_at)
    while session.more(reader):
        pass
    return session.end(complete=info.ended_at is not None and info.end_reason != "killed")
