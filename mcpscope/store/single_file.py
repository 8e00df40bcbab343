"""A database as one file that can be sent: nothing beside it, nothing in it that is no row."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from mcpscope.store import schema
from mcpscope.store.taking_in import take_in

READ_BYTES = 1 << 20


def as_database(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a new database with the session that ``lines`` of ``store.jsonl`` tell."""
    folder = Path(tempfile.mkdtemp(prefix="mcpscope-"))  # 0700
    try:
        db = folder / "session.db"
        take_in(db, lines)
        with closing(schema.connect_rw(db)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM")
        with db.open("rb") as file:
            while piece := file.read(READ_BYTES):
                yield piece
    finally:
        shutil.rmtree(folder, ignore_errors=True)
