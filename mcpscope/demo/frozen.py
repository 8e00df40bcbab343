"""The tour as a database that is the same on every machine: virtual time, fixed ids, written as a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from mcpscope import __version__, paths
from mcpscope.demo.stage import Json
from mcpscope.demo.theatre import Said, play
from mcpscope.errors import Exit, ScopeError
from mcpscope.store import records
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.recovery import recover
from mcpscope.store.tail import LOCK_NAME

BEGAN_NS = 1_790_000_000 * 10**9
FIRST_PID = 4101
_DIRECTIONS = {"client": Dir.TO_SERVER, "server": Dir.TO_CLIENT, "stderr": Dir.NONE}


def build(db: Path, *, seed: int = 1) -> None:
    """Write the tour of both eras into a new database at ``db``.

    The journals go the way of those of a proxy that was killed: they are found and brought in. Raises
    ScopeError where there is a file already.
    """
    if db.exists():
        raise ScopeError(
            f"{db} exists, and a frozen demo begins with an empty database",
            code="exists",
            exit=Exit.USAGE,
            hint="name another file behind --db",
        )
    if not db.parent.exists():
        paths.private_dir(db.parent)
    began = BEGAN_NS
    for number, modern in enumerate((False, True)):
        theatre = play("tour", seed=seed, modern=modern)
        _write_journal(db, FIRST_PID + number, began, theatre.said, modern=modern)
        began += int(theatre.now * 1e9) + 5 * 10**9
    recover(db)


def _write_journal(db: Path, pid: int, began: int, said: list[Said], *, modern: bool) -> None:
    """One proxy's journal folder, with the lock of a writer that has gone."""
    folder = paths.private_dir(
        paths.private_dir(paths.journal_root(db)) / f"{began // 10**9}-{pid}-{pid:08x}"
    )
    segment = records.SEGMENT_HEADER.pack(records.SEGMENT_MAGIC, records.FORMAT_VERSION, 0, 1, began)
    body = b"".join(_records(folder.name, pid, began, said, modern=modern))
    (folder / "000001.seg").write_bytes(segment + body)
    (folder / LOCK_NAME).touch(mode=0o600)


def _records(uid: str, pid: int, began: int, said: list[Said], *, modern: bool) -> Iterator[bytes]:
    opened: Json = {
        "uid": uid,
        "label": "demo-2026" if modern else "demo",
        "command": ["python", "-m", "mcpscope.demo.server"],
        "client_transport": "stdio",
        "server_transport": "stdio",
        "pid": pid,
        "record_mode": "best-effort",
        "version": __version__,
        "started_at_ns": began,
    }
    yield _record(RecordType.SESSION_OPEN, Dir.NONE, began, orjson.dumps(opened))
    for line in said:
        kind = RecordType.STDERR if line.who == "stderr" else RecordType.CHUNK
        yield _record(kind, _DIRECTIONS[line.who], began + int(line.at * 1e9), line.line)
    ended = began + int(said[-1].at * 1e9) + 10**8
    yield _record(RecordType.EOF, Dir.TO_SERVER, ended, b"{}")
    yield _record(RecordType.EOF, Dir.TO_CLIENT, ended, b"{}")
    closed: Json = {"reason": "clean", "exit_code": 0}
    yield _record(RecordType.SESSION_CLOSE, Dir.NONE, ended, orjson.dumps(closed))


def _record(kind: RecordType, way: Dir, at: int, payload: bytes) -> bytes:
    head = records.RECORD_HEADER.pack(len(payload), kind, way, 0, 1, 0, at)
    return head + payload + records.RECORD_TRAILER.pack(len(payload) ^ records.TRAILER_MARK)
