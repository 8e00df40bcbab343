"""How far a recorder is behind: what its journal holds that is not in the database, and since when."""

from __future__ import annotations

import mmap
from pathlib import Path

from mcpscope.store.layout import RECORD_HEADER, RECORD_OVERHEAD, SEGMENT_HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.store.pages import Pages


def waiting_since(pages: Pages, folder: Path, uid: str) -> int | None:
    """When the oldest record in ``folder`` that is not stored was written (unix ns); None: all are stored."""
    for path, begin in _unstored(folder, *pages.journal(uid)):
        at = _written_at(path, begin)
        if at is not None:
            return at
    return None


def waiting_bytes(folder: Path, stored: tuple[int, int]) -> int:
    """Bytes written in ``folder`` behind segment and offset ``stored``; room that was only taken is none."""
    return sum(_written_bytes(path, begin) for path, begin in _unstored(folder, *stored))


def _unstored(folder: Path, segment: int, offset: int) -> list[tuple[Path, int]]:
    """The segments that are not stored whole, each with where the rest of it begins."""
    try:
        numbers = sorted(int(path.stem) for path in folder.glob("*.seg") if path.stem.isdigit())
    except OSError:
        return []
    begins = [(number, offset if number == segment else 0) for number in numbers if number >= segment]
    return [(folder / f"{number:06d}.seg", max(at, SEGMENT_HEADER.size)) for number, at in begins]


def _written_bytes(path: Path, offset: int) -> int:
    """The bytes of the records from ``offset`` on."""
    at = offset
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            while at + RECORD_OVERHEAD <= len(data):
                length = RECORD_HEADER.unpack_from(data, at)[0]
                if not length:
                    break
                at += length + RECORD_OVERHEAD
    except (OSError, ValueError):
        return 0  # stored and removed in this moment, or just begun
    return at - offset


def _written_at(path: Path, offset: int) -> int | None:
    """When the record at ``offset`` was written; None where there is none yet."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            head = file.read(RECORD_HEADER.size)
    except OSError:
        return None  # stored and removed in this moment
    if len(head) < RECORD_HEADER.size:
        return None
    length, *_, at = RECORD_HEADER.unpack(head)
    return int(at) if length else None
