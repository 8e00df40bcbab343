"""A journal as a test writes it: small segments, records at will, and endings of every kind."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from mcpscope.paths import journal_root, private_dir
from mcpscope.store.records import (
    FORMAT_VERSION,
    RECORD_HEADER,
    RECORD_OVERHEAD,
    RECORD_TRAILER,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    TRAILER_MARK,
    Dir,
    RecordType,
)

START = 1_790_000_000_000_000_000


def record(kind: int, dir: int, session: int, stream: int, payload: bytes, at: int, flags: int = 0) -> bytes:
    """One record's bytes."""
    head = RECORD_HEADER.pack(len(payload), kind, dir, flags, session, stream, at)
    return head + payload + RECORD_TRAILER.pack(len(payload) ^ TRAILER_MARK)


class TestJournal:
    """A journal beside ``db`` whose lock this process holds until ``close`` or ``kill``."""

    __test__ = False

    def __init__(self, db: Path, uid: str = "1790000000-1-00000001", *, segment_bytes: int = 1 << 20) -> None:
        self.folder = private_dir(journal_root(db) / uid)
        self._segment_bytes = segment_bytes
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._number = 0
        self._offset = 0
        self._fd = -1
        self.at = START
        self._next_segment(0)

    @property
    def path(self) -> Path:
        """The current segment."""
        return self.folder / f"{self._number:06d}.seg"

    @property
    def offset(self) -> int:
        """Where the next record goes in it."""
        return self._offset

    def write(
        self,
        kind: int,
        payload: bytes,
        dir: int = Dir.NONE,
        *,
        session: int = 1,
        stream: int = 0,
        flags: int = 0,
    ) -> int:
        """Append a record a millisecond later than the last; returns its ``at``."""
        self.at += 1_000_000
        if self._offset + len(payload) + RECORD_OVERHEAD > self._segment_bytes:
            self._next_segment(len(payload))
        data = record(kind, dir, session, stream, payload, self.at, flags)
        os.pwrite(self._fd, data, self._offset)
        self._offset += len(data)
        return self.at

    def say(self, kind: int, said: dict[str, Any], **where: int) -> int:
        """Append a record with a JSON payload."""
        return self.write(kind, json.dumps(said).encode(), where.pop("dir", 0), **where)  # type: ignore[arg-type]

    def open_session(self, number: int = 1, **said: Any) -> None:
        self.say(RecordType.SESSION_OPEN, {"label": "test", "command": ["srv", "-x"], **said}, session=number)

    def c2s(self, payload: bytes, **where: int) -> int:
        return self.write(RecordType.CHUNK, payload, Dir.TO_SERVER, **where)

    def s2c(self, payload: bytes, **where: int) -> int:
        return self.write(RecordType.CHUNK, payload, Dir.TO_CLIENT, **where)

    def eof(self, dir: Dir, **where: int) -> int:
        return self.write(RecordType.EOF, b"{}", dir, **where)

    def close_session(self, **said: Any) -> None:
        self.say(RecordType.SESSION_CLOSE, {"reason": "clean", "exit_code": 0, **said})

    def kill(self) -> None:
        """Let go of the lock without a word, as a killed process does."""
        os.close(self._lock)
        os.close(self._fd)

    def close(self) -> None:
        """End the session and the journal as a proxy does."""
        self.close_session()
        self.kill()

    def _next_segment(self, needed: int) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._number += 1
        self._fd = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        os.ftruncate(self._fd, max(self._segment_bytes, needed + 1024))
        head = SEGMENT_HEADER.pack(SEGMENT_MAGIC, FORMAT_VERSION, 0, self._number, self.at)
        os.pwrite(self._fd, head, 0)
        self._offset = len(head)


def request(id: int, method: str = "tools/call", **params: Any) -> bytes:
    """A request as a line."""
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode() + b"\n"


def answer(id: int, **result: Any) -> bytes:
    """Its result as a line."""
    return json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode() + b"\n"
