"""Recordings by the words people use for them: names in the database, or files of ``mcpscope export``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcpscope.errors import Exit, ScopeError
from mcpscope.replay.recording import load
from mcpscope.replay.reel import Part, write_reel
from mcpscope.store.gathering import Part as Session
from mcpscope.store.gathering import gathered
from mcpscope.store.jsonl import SUFFIX
from mcpscope.store.replays import Found, Replays, find
from mcpscope.store.taking_in import take_in_all


@dataclass(frozen=True, slots=True)
class Source:
    """One recording. ``file`` is None for one in the database; without ``found`` it is not there yet."""

    name: str
    file: Path | None
    db: Path
    found: Found | None = None
    sessions: tuple[Session, ...] = ()
    cut: int = 0
    """How many messages a file has that ends before its end; 0 for a whole one."""

    @property
    def expires(self) -> str:
        """The last date that any of its sessions names, "" for none."""
        return max((one.expires for one in self.sessions if one.expires), default="")

    def parts(self) -> Iterator[Part]:
        """Its sessions as parts of a reel, with the answers that reviews have accepted."""
        store = Replays(self.db)
        try:
            revisions = {one.id: store.revision(one.id) for one in self.sessions}
        finally:
            store.close()
        for one in self.sessions:
            yield self.name, one.anew, load(self.db, one.id, revisions[one.id])


def look_up(word: str, db: Path, scratch: Path) -> Source:
    """The recording that ``word`` means; a file is read into a database in ``scratch``.

    Raises ScopeError for a file that is none of ours; what is not there has no ``found``.
    """
    path = Path(word)
    if not (word.endswith(".jsonl") or os.sep in word or path.is_file()):
        return _named(word, db)
    name = path.name.removesuffix(SUFFIX).removesuffix(".jsonl")
    if not path.exists():
        return Source(name, path, db)
    own = scratch / f"{len(list(scratch.iterdir()))}.db"
    try:
        with path.open("rb") as lines:
            taken = take_in_all(own, lines)
    except OSError as error:
        raise ScopeError(
            f"{word} cannot be read: {(error.strerror or str(error)).lower()}",
            code="cannot_read",
            exit=Exit.STORE,
        ) from None
    except ScopeError as error:
        error.message = f"{word}: {error.message}"
        raise
    first = find(own, f"#{taken[0].session_id}")
    known = {part.id: part for one in taken for part in gathered(own, one.session_id)}
    sessions = tuple(known[one.session_id] for one in taken)
    cut = sum(one.messages for one in taken) if not all(one.complete for one in taken) else 0
    return Source(name, path, own, first, sessions, cut)


def _named(word: str, db: Path) -> Source:
    try:
        found = find(db, word)
    except ScopeError as error:
        if error.code in ("no_session", "db_missing"):
            return Source(word, None, db)
        raise
    return Source(found.name, None, db, found, tuple(gathered(db, found.id)))


def make_reel(path: Path, sources: list[Source]) -> None:
    """One reel of several recordings."""
    write_reel(path, (part for source in sources for part in source.parts()))
