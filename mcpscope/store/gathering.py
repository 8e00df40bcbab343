"""Which sessions make up one recording: what was recorded under its name, and what was added later.

A client may start its server more than once, and an HTTP proxy has a session for each of its clients: all of
them are recorded under one name, the later ones with a number behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcpscope.store.reading import reading, writing
from mcpscope.store.remarks import name_session

_NAME = """
    SELECT name FROM sessions WHERE id = ? AND name = json_extract(detail, '$.record_name')
"""
_GATHERED = """
    SELECT id, ifnull(label, '') LIKE 'added to %', json_extract(detail, '$.expires') FROM sessions
    WHERE id = :id
       OR (json_extract(detail, '$.record_name') = :name
           AND (name = :name OR name GLOB :name || '-[0-9]*'))
    ORDER BY 2, id
"""
_SINCE = """
    SELECT id, ended_at IS NOT NULL FROM sessions
    WHERE id > ? AND json_extract(detail, '$.record_name') = ? ORDER BY id
"""
_NEWEST = "SELECT ifnull(max(id), 0) FROM sessions"
_EXPIRE = "UPDATE sessions SET detail = json_set(ifnull(detail, '{}'), '$.expires', ?) WHERE id = ?"
_NAMED = "SELECT id FROM sessions WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Part:
    """One session of a recording; ``anew``: it was made to stand in for what was recorded before."""

    id: int
    anew: bool
    expires: str


def label_of_additions(name: str) -> str:
    """The label of a session that belongs to the recording ``name``, made after it."""
    return f"added to {name}"


def gathered(path: Path, session_id: int) -> list[Part]:
    """The sessions of the recording that ``session_id`` began, oldest first, additions behind all others."""
    with reading(path) as connection:
        (name,) = connection.execute(_NAME, (session_id,)).fetchone() or (None,)
        rows = connection.execute(_GATHERED, {"id": session_id, "name": name}).fetchall()
    return [Part(id, bool(anew), expires or "") for id, anew, expires in rows]


def newest(path: Path) -> int:
    """The number of the last session, 0 where there is none yet."""
    if not path.exists():
        return 0
    with reading(path) as connection:
        return int(connection.execute(_NEWEST).fetchone()[0])


def recorded_since(path: Path, last: int, record: str) -> tuple[list[int], bool]:
    """The sessions recorded as ``record`` behind number ``last``, and whether all of them are complete."""
    if not path.exists():
        return [], False
    with reading(path) as connection:
        rows = connection.execute(_SINCE, (last, record)).fetchall()
    return [id for id, _ in rows], all(ended for _, ended in rows)


def expire(path: Path, ids: list[int], expires: str) -> None:
    """Note until when sessions may be trusted."""
    with writing(path) as connection:
        connection.executemany(_EXPIRE, [(expires, id) for id in ids])


def take_name(path: Path, ids: list[int], name: str, before: list[int]) -> None:
    """Call sessions by ``name`` (and ``name-2`` …) in the place of those that were called so ``before``."""
    for old in before:
        name_session(path, old, _spare(path, f"{name}-before"))
    for number, id in enumerate(ids, 1):
        name_session(path, id, name if number == 1 else _spare(path, name, number))


def _spare(path: Path, name: str, number: int = 1) -> str:
    with reading(path) as connection:
        while connection.execute(_NAMED, (f"{name}-{number}",)).fetchone():
            number += 1
    return f"{name}-{number}"
