"""Real values for completion: what a field has in this database, with counts."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.jsonpath import read_steps, walk
from mcpscope.engine.filter.language import parse
from mcpscope.engine.filter.lexer import Lexer
from mcpscope.engine.filter.paths import places
from mcpscope.errors import ScopeError
from mcpscope.store import schema
from mcpscope.store.query import Query

MAX_VALUES = 200
SAMPLED = 300

_COLUMNS = {
    "method": "method",
    "tool": "tool",
    "name": "name",
    "status": "status",
    "kind": "kind",
    "dir": "dir",
}
_OF_SESSIONS = {
    "session": "ifnull(s.name, s.label)",
    "client": "s.client_name",
    "server": "ifnull(s.server_name, s.label)",
}
_RULES = "SELECT rule, count(*) FROM outcomes WHERE rule IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT ?"
_SESSIONS = "SELECT name FROM sessions WHERE name != '' UNION SELECT label FROM sessions WHERE label != ''"
_RUNS_NEWEST = """
    SELECT r.id, coalesce(s.name, s.label, s.command, s.url, '') FROM runs AS r
    LEFT JOIN sessions AS s ON s.id = r.recording_id ORDER BY r.id DESC LIMIT 50
"""

Counted = list[tuple[str, int]]


def field_values(
    connection: sqlite3.Connection, place: str, prefix: str, sessions: Sequence[int] | None = None
) -> Counted:
    """The values of a field that begin with ``prefix``, or for ``args.`` and so on the keys at that place."""
    if place == "rule":
        return _fitting(connection.execute(_RULES, (MAX_VALUES,)).fetchall(), prefix)
    if place in _OF_SESSIONS:
        scope = _within("s.id", sessions)
        sql = f"SELECT {_OF_SESSIONS[place]}, sum(exchanges) FROM sessions AS s WHERE 1{scope}"
        rows = connection.execute(f"{sql} GROUP BY 1 ORDER BY 2 DESC LIMIT ?", (MAX_VALUES,)).fetchall()
        return _fitting(rows, prefix)
    if place == "uri":
        return field_values(connection, "name", prefix, sessions)
    if place in _COLUMNS:
        glob = "".join(f"[{char}]" if char in "[*?" else char for char in prefix) + "*"
        sql = (
            f"SELECT {place}, count(*) FROM exchanges WHERE {place} GLOB ? AND {place} != ''"
            f"{_within('session_id', sessions)} GROUP BY 1 ORDER BY 2 DESC LIMIT ?"
        )
        return [(str(value), count) for value, count in connection.execute(sql, (glob, MAX_VALUES))]
    return _keys(connection, place, sessions) if "." in place or "[" in place else []


def suggested_values(path: Path, place: str, prefix: str) -> Counted:
    """``field_values`` for a shell: nothing where the database cannot be read."""
    try:
        with closing(schema.connect_ro(path)) as connection:
            schema.check(connection, path)
            return field_values(connection, place, prefix)
    except (sqlite3.Error, ScopeError, OSError):
        return []


def suggested_sessions(path: Path) -> list[str]:
    """What sessions are called; nothing where the database cannot be read."""
    try:
        with closing(schema.connect_ro(path)) as connection:
            schema.check(connection, path)
            return [str(name) for (name,) in connection.execute(_SESSIONS)]
    except (sqlite3.Error, ScopeError, OSError):
        return []


def suggested_runs(path: Path) -> list[tuple[int, str]]:
    """The last replays, the newest first, with what was replayed; nothing where that cannot be read."""
    try:
        with closing(schema.connect_ro(path)) as connection:
            schema.check(connection, path)
            return [(int(id), str(name or "")) for id, name in connection.execute(_RUNS_NEWEST)]
    except (sqlite3.Error, ScopeError, OSError):
        return []


def _keys(connection: sqlite3.Connection, place: str, sessions: Sequence[int] | None) -> Counted:
    """The keys at a path, counted over the newest exchanges that have the place at all."""
    lexer = Lexer(place.rstrip("."))
    root = lexer.take_root()
    try:
        steps = read_steps(lexer)
    except FilterError:
        return []
    found: Counter[str] = Counter()
    for subject in Query(connection, parse("kind:request"), sessions=sessions).newest(limit=SAMPLED):
        for top in places(root, subject):
            for value in walk(top, steps):
                if isinstance(value, dict):
                    found.update(key for key in value if isinstance(key, str))
    return found.most_common(MAX_VALUES)


def _within(column: str, sessions: Sequence[int] | None) -> str:
    return "" if sessions is None else f" AND +{column} IN ({', '.join(str(int(id)) for id in sessions)})"


def _fitting(rows: list[tuple[object, int]], prefix: str) -> Counted:
    return [(str(value), int(count or 0)) for value, count in rows if value and str(value).startswith(prefix)]
