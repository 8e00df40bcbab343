"""The journal's writer: one ``writev`` a record into preallocated segments, and what happens when it fails.

A fault (a full or read-only disk, a backlog at its bound) never raises on the wire: ``append`` says False,
what is lost is counted, and when writing works again a GAP record tells how much. Nothing slow is imported.
"""

from __future__ import annotations

import errno
import fcntl
import os
from os import write, writev
from time import monotonic, time_ns

from mcpscope.paths import private_folder
from mcpscope.store.layout import (
    FORMAT_VERSION,
    RECORD_BETWEEN,
    RECORD_HEADER,
    RECORD_OVERHEAD,
    RECORD_TRAILER,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    TRAILER_MARK,
)
from mcpscope.store.losses import Losses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # kind, dir, session, stream, payload (not empty), flags
    Entry = tuple[int, int, int, int, bytes | memoryview, int]

FIRST_SEGMENT_BYTES = 1 << 20
SEGMENT_BYTES = 16 << 20
SMALLEST_SEGMENT_BYTES = 64 << 10
BOUND_BYTES = 4 << 30
JOINED_BYTES = 32 << 10
RETRY_SECONDS = 1.0
# The end of each segment, kept for saying how a session ended on a disk that stayed full.
RESERVE_BYTES = 8 << 10

_pack_header = RECORD_HEADER.pack
_pack_trailer = RECORD_TRAILER.pack
_pack_between = RECORD_BETWEEN.pack
_sync = getattr(os, "fdatasync", os.fsync)


class Journal:
    """One proxy's journal in ``folder`` (made here, 0700; its name is the proxy's uid).

    ``on_fault`` gets one line when recording stops. ``required`` is for whoever forwards: with it, what
    ``append`` could not record must not be sent. ``durable`` syncs each record to the disk.
    """

    def __init__(
        self, folder: str, on_fault: Callable[[str], None], *, durable: bool = False, required: bool = False
    ) -> None:
        self.folder = folder
        self.uid = os.path.basename(folder)
        self.required = required
        self.fault = ""
        self._on_fault = on_fault
        self._durable = durable
        self._fd = -1
        self._lock = -1
        self._number = 0
        self._offset = 0
        self._limit = 0
        self._size = 0
        self._next_size = FIRST_SEGMENT_BYTES
        self._last_at = 0
        self._retry_at = 0.0
        self._losses = Losses()

    def __repr__(self) -> str:
        state = self.fault or f"segment {self._number} at {self._offset}"
        return f"<Journal {self.uid} {state}>"

    def open(self) -> bool:
        """Make the folder, take its lock and start the first segment; False (and a fault) if that fails."""
        if self._fd >= 0:
            return True
        try:
            self._open_segment(0)
        except OSError as error:
            self._failed(error)
            return False
        return True

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
        """Write one record, payload not empty; False if it is not in the journal (it has been counted).

        ``at`` is a time from ``now``, by default this moment.
        """
        if not at:
            at = time_ns()
        if at < self._last_at:
            at = self._last_at
        self._last_at = at
        size = len(payload)
        end = self._offset + size + RECORD_OVERHEAD
        if end > self._limit and not self._make_room(size + RECORD_OVERHEAD):
            self._losses.miss(kind, dir, session, stream, flags, bytes(payload), at)
            return False
        header = _pack_header(size, kind, dir, flags, session, stream, at)
        try:
            written = writev(self._fd, (header, payload, _pack_trailer(size ^ TRAILER_MARK)))
            if written != size + RECORD_OVERHEAD:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._durable:
                _sync(self._fd)
        except OSError as error:
            self._close_segment()
            self._failed(error)
            self._losses.miss(kind, dir, session, stream, flags, bytes(payload), at)
            return False
        self._offset += size + RECORD_OVERHEAD
        return True

    def append_all(self, records: Sequence[Entry], at: int = 0) -> bool:
        """Write several records of one moment with one ``writev``; False if they are not in the journal.

        ``at`` is as in ``append``.
        """
        if not at:
            at = time_ns()
        if at < self._last_at:
            at = self._last_at
        self._last_at = at
        buffers: list[bytes | memoryview] = []
        put, pack = buffers.append, _pack_between
        total = len(records) * RECORD_OVERHEAD
        mark = 0
        for kind, dir, session, stream, payload, flags in records:
            size = len(payload)
            put(pack(mark, size, kind, dir, flags, session, stream, at))
            put(payload)
            total += size
            mark = size ^ TRAILER_MARK
        put(_pack_trailer(mark))
        buffers[0] = buffers[0][RECORD_TRAILER.size :]  # the first of them has none before it
        if self._offset + total > self._limit and not self._make_room(total):
            return self._missed(records, at)
        try:
            # The kernel takes one piece sooner than many, unless they are large.
            said = writev(self._fd, buffers) if total > JOINED_BYTES else write(self._fd, b"".join(buffers))
            if said != total:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._durable:
                _sync(self._fd)
        except OSError as error:
            self._close_segment()
            self._failed(error)
            return self._missed(records, at)
        self._offset += total
        return True

    def now(self) -> int:
        """A time that no record has yet: unix ns, strictly rising, fit to name one message."""
        at = time_ns()
        if at <= self._last_at:
            at = self._last_at + 1
        self._last_at = at
        return at

    def close(self) -> None:
        """Say what was lost, give back the unused space and the lock."""
        if self.fault and not self._recover(0) and self._fd >= 0:
            self._limit = self._size
            self._tell_losses(self.fault)
        self._close_segment()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _missed(self, records: Sequence[Entry], at: int) -> bool:
        for kind, dir, session, stream, payload, flags in records:
            self._losses.miss(kind, dir, session, stream, flags, bytes(payload), at)
        return False

    def _make_room(self, needed: int) -> bool:
        if self.fault:
            return monotonic() >= self._retry_at and self._recover(needed)
        try:
            self._open_segment(needed)
        except OSError as error:
            self._limit = 0  # full but for the reserve: every record tries for a segment first
            self._failed(error)
            return False
        return True

    def _open_segment(self, needed: int) -> None:
        self._prepare_folder()
        least = max(needed + SEGMENT_HEADER.size + RESERVE_BYTES, SMALLEST_SEGMENT_BYTES)
        size = self._affordable(max(self._next_size, least), least)
        number = self._number + 1
        final = f"{self.folder}/{number:06d}.seg"
        draft = f"{self.folder}/.next"
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            size = _allocate(fd, size, least)
            os.write(fd, SEGMENT_HEADER.pack(SEGMENT_MAGIC, FORMAT_VERSION, 0, number, time_ns()))
            # The successor appears only when its predecessor is complete: readers rely on it.
            self._close_segment()
            os.rename(draft, final)
            if self._durable:
                os.fsync(fd)
                self._sync_folder()
        except OSError:
            os.close(fd)
            raise
        self._fd = fd
        self._number = number
        self._offset = SEGMENT_HEADER.size
        self._size = size
        self._limit = size - RESERVE_BYTES
        self._next_size = min(SEGMENT_BYTES, self._next_size * 2)

    def _prepare_folder(self) -> None:
        if self._lock >= 0:
            return
        private_folder(self.folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        draft = f"{self.folder}/.lock"
        self._lock = os.open(draft, flags, 0o600)
        # Locked before it has its name: who finds a free lock may take the writer for dead.
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(draft, f"{self.folder}/lock")

    def _affordable(self, size: int, least: int) -> int:
        """What the bound leaves of ``size`` beside the segments still here; raises ENOSPC below ``least``."""
        used = 0
        for name in os.listdir(self.folder):
            if name.endswith(".seg"):
                try:
                    used += os.stat(f"{self.folder}/{name}").st_size
                except FileNotFoundError:
                    pass  # the recorder has just brought it in
        disk = os.statvfs(self.folder)
        bound = min(BOUND_BYTES, (disk.f_bavail * disk.f_frsize + used) // 2)
        if used + size > bound:
            size = bound - used
        if size < least:
            if used >= BOUND_BYTES // 2:
                raise OSError(errno.EDQUOT, f"{used >> 20} MiB wait to be recorded")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return size

    def _sync_folder(self) -> None:
        fd = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _close_segment(self) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._limit = 0
        try:
            os.ftruncate(fd, self._offset)
        except OSError:
            pass  # a torn tail stays; readers know it by its missing trailer
        os.close(fd)

    def _failed(self, error: OSError) -> None:
        first = not self.fault
        self.fault = error.strerror or str(error)
        self._retry_at = monotonic() + RETRY_SECONDS
        if first:
            self._on_fault(self.fault)

    def _recover(self, needed: int) -> bool:
        """Try a new segment, and write what is owed and the gaps first; True when recording works again."""
        reason, self.fault = self.fault, ""
        try:
            self._open_segment(needed + self._losses.size)
        except OSError as error:
            self.fault = reason
            self._failed(error)
            return False
        self._tell_losses(reason)
        return not self.fault

    def _tell_losses(self, reason: str) -> None:
        losses, self._losses = self._losses, Losses()
        for kind, dir, session, stream, flags, payload in losses.records(reason, time_ns()):
            self.append(kind, dir, session, stream, payload, flags)


def _allocate(fd: int, size: int, least: int) -> int:
    """Reserve ``size`` bytes for ``fd``, or what there is of it (``least`` at least); returns how much."""
    allocate = getattr(os, "posix_fallocate", None)
    if allocate is None:
        os.ftruncate(fd, size)
        return size
    while True:
        try:
            allocate(fd, 0, size)
            return size
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
                os.ftruncate(fd, size)
                return size
            if error.errno != errno.ENOSPC or size // 2 < least:
                raise
            size //= 2
