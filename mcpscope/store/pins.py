"""The accepted definitions of tools, for each server by its label."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mcpscope.engine.catalog import digest_of
from mcpscope.store.reading import open_reader

_PINNED = "SELECT name, body FROM pins WHERE label = ? ORDER BY name"
_PIN = "INSERT OR REPLACE INTO pins (label, name, digest, body, at) VALUES (?, ?, ?, ?, ?)"


def pinned(connection: sqlite3.Connection, label: str) -> dict[str, dict[str, Any]]:
    """The accepted definitions of the server with this label, by name."""
    return {name: json.loads(body) for name, body in connection.execute(_PINNED, (label,))}


def read_pins(path: Path, label: str) -> dict[str, dict[str, Any]]:
    """The same from a file that may not be there yet; raises ScopeError."""
    if not path.exists():
        return {}
    with closing(open_reader(path)) as connection:
        return pinned(connection, label)


def pin(connection: sqlite3.Connection, label: str, bodies: dict[str, dict[str, Any]], at: int) -> None:
    """Accept these definitions (unix ns) in the caller's transaction; older ones are replaced."""
    rows = [
        (label, name, digest_of(body), json.dumps(body, separators=(",", ":")).encode(), at)
        for name, body in bodies.items()
    ]
    connection.executemany(_PIN, rows)
