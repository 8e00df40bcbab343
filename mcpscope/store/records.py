"""The journal's record format: what one proxy writes, one ``writev`` a record, before it forwards.

A segment is ``SEGMENT_HEADER`` and records up to the first zero length (segments are preallocated, so the
file's size says nothing); no record has an empty payload. A record is a header, a payload and a trailer that
repeats the length: the kernel copies a write in order, so a record with its trailer is whole, and one without
it is the torn last write of a killed process, or of a failed one if the segment has a successor. Numbers are
little-endian.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from mcpscope.store.layout import (
    FORMAT_VERSION,
    MAX_PAYLOAD_BYTES,
    RECORD_HEADER,
    RECORD_OVERHEAD,
    RECORD_TRAILER,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    TRAILER_MARK,
)

__all__ = [
    "FORMAT_VERSION",
    "MAX_PAYLOAD_BYTES",
    "RECORD_HEADER",
    "RECORD_OVERHEAD",
    "RECORD_TRAILER",
    "SEGMENT_HEADER",
    "SEGMENT_MAGIC",
    "TRAILER_MARK",
    "Dir",
    "Record",
    "RecordType",
]


class RecordType(IntEnum):
    """What a record says. JSON payloads are UTF-8 objects; unknown types are skipped by their length."""

    SESSION_OPEN = 1  # JSON: label, command or url, pid, transports, record name ...; numbers the session
    SESSION_CLOSE = 2  # JSON: reason, exit_code
    STREAM_OPEN = 3  # JSON: the HTTP head of a request, or what else opened the stream
    STREAM_CLOSE = 4  # JSON: status, headers, who closed, first and last byte times
    CHUNK = 5  # bytes as read in the fast lane, before they are forwarded; messages are found later
    MESSAGE = 6  # one whole message as received in the gate, before it is judged
    SENT = 7  # one whole message that we wrote ourselves (an answer, a synthetic notification)
    OUTCOME = 8  # JSON of engine.outcomes.Outcome, then NUL and the bytes sent if they differ
    STDERR = 9  # bytes the server wrote to its standard error
    EOF = 10  # this direction has ended
    GAP = 11  # JSON: messages, bytes and reason of what could not be recorded
    NOTE = 12  # JSON: kind, text; policy reloads, switches of lane, UI actions
    HTTP = 13  # JSON: a fact of a stream that is known later (response head, first byte)


class Dir(IntEnum):
    """The direction byte of a record."""

    NONE = 0
    TO_SERVER = 1
    TO_CLIENT = 2


class Record(NamedTuple):
    """One record read back. ``position`` is (segment number, offset just behind it).

    A tuple, for a reader makes one for every chunk and a frozen dataclass costs six times as much.
    """

    type: int
    dir: Dir
    flags: int
    session: int
    stream: int
    at: int
    payload: bytes
    position: tuple[int, int]
