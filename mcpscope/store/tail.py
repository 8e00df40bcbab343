"""Reading one journal in order, while it is written or after its writer died."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mcpscope.store.records import (
    FORMAT_VERSION,
    MAX_PAYLOAD_BYTES,
    RECORD_HEADER,
    RECORD_OVERHEAD,
    RECORD_TRAILER,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    TRAILER_MARK,
    Dir,
    Record,
    RecordType,
)

FIRST_READ_BYTES = 32 << 10
MAX_READ_BYTES = 256 << 10
LOCK_NAME = "lock"

Position = tuple[int, int]

_DIRS = (Dir.NONE, Dir.TO_SERVER, Dir.TO_CLIENT)
_HEADER_BYTES = RECORD_HEADER.size
_TRAILER_BYTES = RECORD_TRAILER.size
_read_header = RECORD_HEADER.unpack_from
_read_trailer = RECORD_TRAILER.unpack_from


class NewerJournal(Exception):
    """The journal was written by a newer mcpscope, which will take it in."""


class Tail:
    """The records of the journal in ``folder``, from ``position`` on; ``(0, 0)`` is its beginning.

    ``read`` never waits. Where a stretch had to be skipped because it is not made of records, it gives out a
    GAP record that says so; the torn last record of a killed writer, which was never forwarded, is no gap.
    """

    def __init__(self, folder: Path, position: Position = (0, 0)) -> None:
        self.folder = folder
        self._gaps: list[Record] = []
        self._last: tuple[int, int] = (1, 0)  # session and time of the last record
        self._segment, self._offset = position
        self._fd = -1
        self._want = FIRST_READ_BYTES
        self._lock_fd = -1

    def __repr__(self) -> str:
        return f"<Tail {self.folder.name} at {self._segment}:{self._offset}>"

    @property
    def position(self) -> Position:
        """Just behind the last record that ``read`` gave out."""
        return self._segment, self._offset

    def read(self) -> list[Record]:
        """The next whole records, a quarter of a mebibyte of them; empty at the end of what is written."""
        while not self._gaps and (self._fd >= 0 or self._open_segment()):
            # Asked before the data: what the writer appended before it went on to another segment is seen.
            successor = self._successor()
            over = successor != 0 or not self.writer_lives()
            records, torn = self._read_here()
            if records:
                return records
            if not over:
                return []
            if torn:
                self._skip_torn()
            if later := successor or self._later():
                if later != self._segment + 1:
                    self._skip(0)
                self._go_to(later)
            elif not self._gaps:
                return []
        gaps, self._gaps = self._gaps, []
        return gaps

    def writer_lives(self) -> bool:
        """Whether a process holds the journal's lock; without a lock file nobody does."""
        if self._lock_fd < 0:
            try:
                self._lock_fd = os.open(self.folder / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
        return False

    def delete_before(self, segment: int) -> None:
        """Remove the segments with smaller numbers: all they hold is in the database."""
        for number in self._numbers():
            if number < segment:
                self._path(number).unlink(missing_ok=True)

    def close(self) -> None:
        for fd in (self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock_fd = -1

    def _read_here(self) -> tuple[list[Record], bool]:
        """Records from the current segment, and whether something that is no whole record comes first."""
        while True:
            data = os.pread(self._fd, self._want, self._offset)
            records, used, needed = self._parse(data)
            if records:
                full = used + needed > len(data) or len(data) == self._want
                self._want = min(self._want * 4, MAX_READ_BYTES) if full else FIRST_READ_BYTES
                self._offset += used
                self._last = (records[-1].session, records[-1].at)
                return records, False
            if needed <= len(data) or len(data) < self._want:
                return [], needed > 0
            self._want = needed

    def _parse(self, data: bytes) -> tuple[list[Record], int, int]:
        """Whole records at the start of ``data``, their length, and the bytes that the next one needs."""
        records: list[Record] = []
        segment, base = self._segment, self._offset
        at = 0
        last = len(data) - RECORD_OVERHEAD
        while at <= last:
            length, kind, dir, flags, session, stream, when = _read_header(data, at)
            if length == 0 and kind == 0:
                return records, at, 0
            if length > MAX_PAYLOAD_BYTES:
                return records, at, RECORD_OVERHEAD
            start = at + _HEADER_BYTES
            stop = start + length
            if stop + _TRAILER_BYTES > len(data):
                return records, at, length + RECORD_OVERHEAD
            if _read_trailer(data, stop)[0] != length ^ TRAILER_MARK:
                return records, at, length + RECORD_OVERHEAD
            at = stop + _TRAILER_BYTES
            way = _DIRS[dir] if dir < 3 else Dir.NONE
            records.append(
                Record(kind, way, flags, session, stream, when, data[start:stop], (segment, base + at))
            )
        return records, at, RECORD_OVERHEAD if data[at:].strip(b"\0") else 0

    def _skip_torn(self) -> None:
        """Pass over the rest of this segment, which begins with something that is not a whole record."""
        end, base = self._offset, self._offset
        while data := os.pread(self._fd, MAX_READ_BYTES, base):
            if kept := data.rstrip(b"\0"):
                end = base + len(kept)
            base += len(data)
        if self._successor() or end > self._offset + self._claimed():
            self._skip(end - self._offset)
        self._offset = max(end, self._offset)

    def _claimed(self) -> int:
        """How long the record here says it is; a torn write leaves nothing behind that."""
        head = os.pread(self._fd, _HEADER_BYTES, self._offset)
        if len(head) < 4:
            return RECORD_OVERHEAD
        length = int.from_bytes(head[:4], "little")
        return min(length, MAX_PAYLOAD_BYTES) + RECORD_OVERHEAD

    def _open_segment(self) -> bool:
        """Open the segment to read, the first one there is if its position says none; False to wait."""
        if not self._segment:
            numbers = self._numbers()
            if not numbers:
                return False
            self._segment = numbers[0]
        try:
            fd = os.open(self._path(self._segment), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            later = self._later()
            if not later:
                return False
            self._skip(0)
            self._go_to(later)
            return self._open_segment()
        return self._accept(fd)

    def _accept(self, fd: int) -> bool:
        """Check the segment's header: unwritten means wait, foreign means skip, newer means leave."""
        head = os.pread(fd, SEGMENT_HEADER.size, 0)
        if len(head) == SEGMENT_HEADER.size:
            magic, version, *_ = SEGMENT_HEADER.unpack(head)
            if magic == SEGMENT_MAGIC:
                if version > FORMAT_VERSION:
                    os.close(fd)
                    raise NewerJournal(self.folder)
                self._fd = fd
                self._offset = max(self._offset, SEGMENT_HEADER.size)
                return True
        size = os.fstat(fd).st_size
        os.close(fd)
        successor = self._successor()
        if not successor and (self.writer_lives() or not head.strip(b"\0")):
            return False
        self._skip(size)
        self._go_to(successor or self._segment + 1)
        return bool(successor) and self._open_segment()

    def _skip(self, size: int) -> None:
        segment, offset = self.position
        reason = f"the journal is damaged at {segment}:{offset}"
        payload = b'{"messages":0,"bytes":%d,"reason":"%b","damaged":true}' % (size, reason.encode())
        session, at = self._last
        behind = (segment, offset + max(size, 1))
        self._gaps.append(Record(RecordType.GAP, Dir.NONE, 0, session, 0, at, payload, behind))

    def _go_to(self, segment: int) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._segment, self._offset = segment, 0
        self._want = FIRST_READ_BYTES

    def _successor(self) -> int:
        """The number of the next segment, 0 if there is none yet."""
        if self._path(self._segment + 1).exists():
            return self._segment + 1
        return 0

    def _later(self) -> int:
        """The same where segments in between may be missing."""
        return min((number for number in self._numbers() if number > self._segment), default=0)

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("*.seg") if path.stem.isdigit())

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.seg"
