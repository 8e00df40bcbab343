"""Journal records to whole messages: the lanes of one journal, and where each has to begin again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.surface import read
from mcpscope.store.checkpoint import load_state
from mcpscope.store.lanes import FRAMINGS, Lane, Resume
from mcpscope.store.records import RECORD_OVERHEAD, Dir, Record, RecordType
from mcpscope.store.tail import Position

STDERR_STREAM = -1
PARTIAL = "partial"
LAST_FLAG = 1  # of a CHUNK of an HTTP stream: the body ends with it

LaneKey = tuple[int, int, int]
"""Session number, direction byte, stream."""


class Unpacked(NamedTuple):
    """A record with the messages (or, for STDERR, the lines) that ended in it."""

    record: Record
    messages: list[Message]
    lines: list[bytes]
    said: dict[str, Any]


_NO_MESSAGES: list[Message] = []
_NO_LINES: list[bytes] = []
_NOTHING: dict[str, Any] = {}


class Unpacker:
    """Frames and parses one journal. ``floor``: records up to there were unpacked before a restart.

    Of those only the bytes of frames that had not ended are read again, into their lanes.
    """

    def __init__(self, floor: Position = (0, 0)) -> None:
        self.floor = floor
        self.lanes: dict[LaneKey, Lane] = {}
        self.ended_in_pieces: list[LaneKey] = []
        """Lanes that are gone whose pieces nobody needs any more; emptied by who reads it."""
        self._resumes: dict[LaneKey, Resume] = {}
        self._readers: dict[int, Callable[[Record], Iterator[Unpacked]]] = {
            RecordType.MESSAGE: self._message,
            RecordType.SENT: self._message,
            RecordType.OUTCOME: self._as_it_is,
            RecordType.STDERR: self._stderr,
            RecordType.EOF: self._eof,
            RecordType.SESSION_CLOSE: self._session_close,
            RecordType.STREAM_OPEN: self._head,
            RecordType.HTTP: self._head,
            RecordType.STREAM_CLOSE: self._stream_close,
            RecordType.GAP: self._gap,
        }

    def __repr__(self) -> str:
        return f"<Unpacker lanes={len(self.lanes)} floor={self.floor}>"

    @property
    def begin(self) -> Position:
        """Where reading has to begin so that every unfinished frame is whole again."""
        starts = [(resume[0], resume[1]) for resume in self._resumes.values()]
        return min([self.floor, *starts])

    def unpack(self, records: list[Record]) -> list[Unpacked]:
        """What ``records`` say, in their order."""
        out: list[Unpacked] = []
        for record in records:
            if record.position <= self.floor:
                self._read_again(record)
            elif record.type == RecordType.CHUNK:
                frames = self._feed(record, record.stream)
                out.append(Unpacked(record, self._parsed(record, frames), _NO_LINES, _NOTHING))
                if record.flags & LAST_FLAG and record.stream:
                    key = (record.session, record.dir, record.stream)
                    out.append(self._end_lane(key, record._replace(type=RecordType.EOF)))
            else:
                out.extend(self._other(record))
        return out

    def leftovers(self, session: int | None = None) -> list[Unpacked]:
        """What is pending in the lanes of ``session`` (None: all), which end here and are gone."""
        out: list[Unpacked] = []
        for key in [key for key in self.lanes if session in (None, key[0])]:
            record = Record(RecordType.EOF, Dir(key[1]), 0, key[0], max(key[2], 0), 0, b"", self.floor)
            if key[2] == STDERR_STREAM:
                record = record._replace(type=RecordType.STDERR)
            out.append(self._end_lane(key, record))
        return [item for item in out if item.messages or item.lines]

    def snapshot(self) -> list[Any]:
        """The lanes with unfinished frames, as JSON."""
        return [
            [*key, lane.kind, lane.resume, lane.pieces, lane.headless]
            for key, lane in self.lanes.items()
            if lane.resume or lane.pieces or lane.headless or lane.kind != "lines"
        ]

    def restore(self, state: Iterable[Any], pieces: dict[LaneKey, list[bytes]]) -> None:
        """Take up ``snapshot``; ``pieces`` are what the lanes spilled into the database."""
        for session, dir, stream, kind, resume, count, headless in state:
            key = (session, dir, stream)
            lane = self.lanes[key] = Lane(kind)
            lane.headless = headless
            if count:
                lane.unspill(pieces.get(key, [])[:count])
            if resume:
                self._resumes[key] = (resume[0], resume[1], resume[2])
                lane.resume = self._resumes[key]

    def _other(self, record: Record) -> Iterable[Unpacked]:
        reader = self._readers.get(record.type)
        if reader is not None:
            return reader(record)
        return (Unpacked(record, _NO_MESSAGES, _NO_LINES, load_state(record.payload)),)

    def _message(self, record: Record) -> Iterator[Unpacked]:
        if record.type == RecordType.MESSAGE:
            self._forget_tail(record)
        yield Unpacked(record, [_parse(record.payload)], _NO_LINES, _NOTHING)

    def _as_it_is(self, record: Record) -> Iterator[Unpacked]:
        yield Unpacked(record, _NO_MESSAGES, _NO_LINES, _NOTHING)

    def _stderr(self, record: Record) -> Iterator[Unpacked]:
        yield Unpacked(record, _NO_MESSAGES, self._feed(record, STDERR_STREAM), _NOTHING)

    def _eof(self, record: Record) -> Iterator[Unpacked]:
        yield self._end_lane((record.session, record.dir, record.stream), record)

    def _session_close(self, record: Record) -> Iterator[Unpacked]:
        yield from self.leftovers(record.session)
        yield Unpacked(record, _NO_MESSAGES, _NO_LINES, load_state(record.payload))

    def _stream_close(self, record: Record) -> Iterator[Unpacked]:
        for dir in (Dir.TO_SERVER, Dir.TO_CLIENT):
            if (key := (record.session, dir, record.stream)) in self.lanes:
                yield self._end_lane(key, record._replace(type=RecordType.EOF, dir=dir))
        yield Unpacked(record, _NO_MESSAGES, _NO_LINES, load_state(record.payload))

    def _head(self, record: Record) -> Iterator[Unpacked]:
        """An HTTP head says how the body behind it is framed."""
        said = load_state(record.payload)
        dir = Dir.TO_SERVER if record.type == RecordType.STREAM_OPEN else Dir.TO_CLIENT
        key = (record.session, dir, record.stream)
        if record.stream and key not in self.lanes and said.get("body") in FRAMINGS:
            self.lanes[key] = Lane(said["body"])
        yield Unpacked(record, _NO_MESSAGES, _NO_LINES, said)

    def _gap(self, record: Record) -> Iterator[Unpacked]:
        """A hole in a direction: what had begun has no end, and what comes next may lack its beginning."""
        said = load_state(record.payload)
        dirs = (Dir.TO_SERVER, Dir.TO_CLIENT) if said.get("damaged") else (record.dir,) if record.dir else ()
        for dir in dirs:
            key = (record.session, dir, 0)
            had_begun = key in self.lanes and self.lanes[key].framing.pending > 0
            item = self._end_lane(key, record._replace(type=RecordType.EOF, dir=dir))
            yield item._replace(messages=[partial_of(message) for message in item.messages])
            lane = self.lanes[key] = Lane("lines")
            lane.headless = had_begun if said.get("damaged") else said.get("boundary") is False
        yield Unpacked(record, _NO_MESSAGES, _NO_LINES, said)

    def _feed(self, record: Record, stream: int) -> list[bytes]:
        key = (record.session, record.dir, stream)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane("whole" if stream > 0 else "lines")
        segment, end = record.position
        payload = record.payload
        return lane.feed(payload, segment, end - len(payload) - RECORD_OVERHEAD)

    def _parsed(self, record: Record, frames: list[bytes]) -> list[Message]:
        try:
            messages = [read(frame) for frame in frames]
        except Exception:  # see _parse
            messages = [_parse(frame) for frame in frames]
        lane = self.lanes[record.session, record.dir, record.stream]
        if lane.headless and messages:
            lane.headless = False
            messages[0] = partial_of(messages[0])
        return messages

    def _read_again(self, record: Record) -> None:
        if record.type not in (RecordType.CHUNK, RecordType.STDERR):
            return
        stream = STDERR_STREAM if record.type == RecordType.STDERR else record.stream
        key = (record.session, record.dir, stream)
        resume = self._resumes.get(key)
        if resume is None:
            return
        segment, end = record.position
        start = end - len(record.payload) - RECORD_OVERHEAD
        if (segment, start) < resume[:2]:
            return
        skip = resume[2] if (segment, start) == resume[:2] else 0
        self.lanes[key].feed(record.payload[skip:], segment, start, skip)

    def _end_lane(self, key: LaneKey, record: Record) -> Unpacked:
        lane = self.lanes.pop(key, None)
        rest = lane.take() if lane is not None else b""
        if lane is not None and lane.pieces:
            self.ended_in_pieces.append(key)
        if not rest.strip():
            return Unpacked(record, _NO_MESSAGES, _NO_LINES, _NOTHING)
        if key[2] == STDERR_STREAM:
            return Unpacked(record, _NO_MESSAGES, [rest], _NOTHING)
        return Unpacked(record, [_parse(rest)], _NO_LINES, _NOTHING)

    def _forget_tail(self, record: Record) -> None:
        """A direction that enters the gate says the message that had begun once more, whole."""
        lane = self.lanes.get((record.session, record.dir, record.stream))
        if lane is not None and lane.framing.pending:
            began, tail = lane.resume, lane.take()
            if not record.payload.startswith(tail):
                lane.feed(tail, *record.position)
                lane.resume = began


def partial_of(message: Message) -> Message:
    """``message``, marked as lacking its end or its beginning."""
    return replace(message, problems=(*message.problems, PARTIAL))


def _parse(raw: bytes) -> Message:
    try:
        return read(raw)
    except Exception:  # one message that the parser cannot bear must not stop the recording of all others
        return Message(raw, Kind.MALFORMED, {}, problems=("unreadable",))
