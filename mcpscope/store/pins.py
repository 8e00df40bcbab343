"""The accepted definitions of tools, for each server by its label."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcpscope.engine.catalog import digest_of
from mcpscope.store.reading import open_reader

_PINNED = "SELECT name, body, at FROM pins WHERE label = ? ORDER BY name"
_PIN = "INSERT OR REPLACE INTO pins (label, name, digest, body, at) VALUES (?, ?, ?, ?, ?)"
_FIRST = """
    SELECT d.name, d.body, d.at FROM definitions AS d WHERE d.id IN (
        SELECT min(d.id) FROM definitions AS d JOIN sessions AS s ON s.id = d.session_id
        WHERE s.label = ? AND d.kind = 'tool' GROUP BY d.name
    )
"""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the tools of one server are held against: definition and time (unix ns) by name.

    ``accepted`` by a person; else it is how each was first seen. What a person has accepted is the whole
    list: a tool that is not on it is new.
    """

    accepted: bool
    bodies: Mapping[str, tuple[dict[str, Any], int]]
    at: int = 0
    """When something was accepted last."""


def baseline(connection: sqlite3.Connection, label: str) -> Baseline:
    """What the tools of the server with this label are held against."""
    rows = connection.execute(_PINNED, (label,)).fetchall()
    accepted = bool(rows)
    rows = rows or connection.execute(_FIRST, (label,)).fetchall()
    bodies = {name: (json.loads(body or b"{}"), at) for name, body, at in rows}
    return Baseline(accepted, bodies, max((at for _, at in bodies.values()), default=0))


def read_baseline(path: Path, label: str) -> Baseline:
    """The same from a file that may not be there yet; raises ScopeError."""
    if not path.exists():
        return Baseline(False, {})
    with closing(open_reader(path)) as connection:
        return baseline(connection, label)


def accept(
    connection: sqlite3.Connection,
    label: str,
    known: dict[str, dict[str, Any]],
    names: Iterable[str],
    at: int,
) -> None:
    """Accept ``names`` as they are in ``known`` (unix ns), in the caller's transaction.

    The first time the others are accepted as they were first seen: what is not on the list has drifted.
    """
    before = baseline(connection, label)
    others = {} if before.accepted else {name: body for name, (body, _) in before.bodies.items()}
    pin(connection, label, {**known, **others} if not before.accepted else {}, at)
    pin(connection, label, {name: known[name] for name in names if name in known}, at)


def pin(connection: sqlite3.Connection, label: str, bodies: dict[str, dict[str, Any]], at: int) -> None:
    """Accept these definitions (unix ns) in the caller's transaction; older ones are replaced."""
    rows = [
        (label, name, digest_of(body), json.dumps(body, separators=(",", ":")).encode(), at)
        for name, body in bodies.items()
    ]
    connection.executemany(_PIN, rows)
