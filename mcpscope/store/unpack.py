"""Journal records to whole messages: the lanes of one journal, and where each has to begin again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.store.lanes import Lane, Resume
from mcpscope.store.records import RECORD_OVERHEAD, Dir, Record, RecordType
from mcpscope.store.streams import framing_of, load_object
from mcpscope.store.tail import Position

STDERR_STREAM = -1

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
_RAW_TYPES = frozenset({RecordType.OUTCOME})


class Unpacker:
    """Frames and parses one journal. ``floor``: records up to there were unpacked before a restart.

    Of those only the bytes of frames that had not ended are read again, into their lanes.
    """

    def __init__(self, floor: Position = (0, 0)) -> None:
        self.floor = floor
        self.lanes: dict[LaneKey, Lane] = {}
        self._resumes: dict[LaneKey, Resume] = {}

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
                out.append(Unpacked(record, [_parse(frame) for frame in frames], _NO_LINES, _NOTHING))
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
            [*key, lane.kind, lane.resume, lane.pieces]
            for key, lane in self.lanes.items()
            if lane.resume or lane.pieces or lane.kind != "lines"
        ]

    def restore(self, state: Iterable[Any], pieces: dict[LaneKey, list[bytes]]) -> None:
        """Take up ``snapshot``; ``pieces`` are what the lanes spilled into the database."""
        for session, dir, stream, kind, resume, count in state:
            key = (session, dir, stream)
            lane = self.lanes[key] = Lane(kind)
            if count:
                lane.unspill(pieces.get(key, []))
            if resume:
                self._resumes[key] = (resume[0], resume[1], resume[2])
                lane.resume = self._resumes[key]

    def _other(self, record: Record) -> Iterator[Unpacked]:
        kind = record.type
        if kind in (RecordType.MESSAGE, RecordType.SENT):
            if kind == RecordType.MESSAGE:
                self._forget_tail(record)
            yield Unpacked(record, [_parse(record.payload)], _NO_LINES, _NOTHING)
        elif kind == RecordType.STDERR:
            yield Unpacked(record, _NO_MESSAGES, self._feed(record, STDERR_STREAM), _NOTHING)
        elif kind == RecordType.EOF:
            yield self._end_lane((record.session, record.dir, record.stream), record)
        elif kind == RecordType.SESSION_CLOSE:
            yield from self.leftovers(record.session)
            yield Unpacked(record, _NO_MESSAGES, _NO_LINES, load_object(record.payload))
        elif kind == RecordType.STREAM_CLOSE:
            for dir in (Dir.TO_SERVER, Dir.TO_CLIENT):
                if (key := (record.session, dir, record.stream)) in self.lanes:
                    yield self._end_lane(key, record._replace(type=RecordType.EOF, dir=dir))
            yield Unpacked(record, _NO_MESSAGES, _NO_LINES, load_object(record.payload))
        elif kind in _RAW_TYPES:
            yield Unpacked(record, _NO_MESSAGES, _NO_LINES, _NOTHING)
        else:
            said = load_object(record.payload)
            self._learn(record, said)
            yield Unpacked(record, _NO_MESSAGES, _NO_LINES, said)

    def _learn(self, record: Record, said: dict[str, Any]) -> None:
        """An HTTP head says how the bodies of its stream are framed."""
        if record.stream and record.type in (RecordType.STREAM_OPEN, RecordType.HTTP):
            for dir, kind in framing_of(said):
                key = (record.session, dir, record.stream)
                if key not in self.lanes:
                    self.lanes[key] = Lane(kind)

    def _feed(self, record: Record, stream: int) -> list[bytes]:
        key = (record.session, record.dir, stream)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane("whole" if stream > 0 else "lines")
        segment, end = record.position
        payload = record.payload
        return lane.feed(payload, segment, end - len(payload) - RECORD_OVERHEAD)

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
        if not rest.strip():
            return Unpacked(record, _NO_MESSAGES, _NO_LINES, _NOTHING)
        if key[2] == STDERR_STREAM:
            return Unpacked(record, _NO_MESSAGES, [rest], _NOTHING)
        return Unpacked(record, [_parse(rest)], _NO_LINES, _NOTHING)

    def _forget_tail(self, record: Record) -> None:
        """A direction that enters the gate says the message that had begun once more, whole."""
        lane = self.lanes.get((record.session, record.dir, record.stream))
        if lane is not None and lane.framing.pending:
            tail = lane.take()
            if not record.payload.startswith(tail):
                lane.feed(tail, *record.position)


def _parse(raw: bytes) -> Message:
    try:
        return parse(raw)
    except Exception:  # one message that the parser cannot bear must not stop the recording of all others
        return Message(raw, Kind.MALFORMED, {}, problems=("unreadable",))
