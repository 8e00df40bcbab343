"""How far a recorder is behind: since when its journal holds something that is not in the database."""

from __future__ import annotations

from pathlib import Path

from mcpscope.store.layout import RECORD_HEADER, SEGMENT_HEADER
from mcpscope.store.pages import Pages


def waiting_since(pages: Pages, folder: Path, uid: str) -> int | None:
    """When the oldest record in ``folder`` that is not stored was written (unix ns); None: all are stored."""
    segment, offset = pages.journal(uid)
    try:
        numbers = sorted(int(path.stem) for path in folder.glob("*.seg") if path.stem.isdigit())
    except OSError:
        return None
    for number in numbers:
        if number < segment:
            continue
        at = _written_at(folder / f"{number:06d}.seg", offset if number == segment else 0)
        if at is not None:
            return at
    return None


def _written_at(path: Path, offset: int) -> int | None:
    """When the record at ``offset`` was written; None where there is none yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(offset, SEGMENT_HEADER.size))
            head = file.read(RECORD_HEADER.size)
    except OSError:
        return None  # stored and removed in this moment
    if len(head) < RECORD_HEADER.size:
        return None
    length, *_, at = RECORD_HEADER.unpack(head)
    return int(at) if length else None
