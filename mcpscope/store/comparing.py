"""Two recorded sessions side by side: what was asked how often, how it ended, how long it took."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from statistics import median

_ROWS = """
    SELECT ifnull(dir, ''), coalesce(nullif(tool, ''), nullif(method, ''), kind), status, dur_ns
    FROM exchanges WHERE session_id = ? AND kind IN ('request', 'notification', 'malformed', 'stderr')
"""
_DEFINED = "SELECT kind, name, digest FROM definitions WHERE session_id = ? ORDER BY id"
_FAILED = frozenset({"rpc-error", "tool-error", "lost", "malformed", "denied", "dropped"})


@dataclass(frozen=True, slots=True)
class Side:
    """How often something occurred in one session, how often it failed, and its median duration in ns."""

    count: int = 0
    failed: int = 0
    median_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One tool, method or kind in both sessions."""

    dir: str
    name: str
    first: Side
    second: Side

    @property
    def differs(self) -> bool:
        """Whether counts or failures are others; durations always are."""
        return (self.first.count, self.first.failed) != (self.second.count, self.second.failed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``changed`` are definitions with another content; the others are in one session alone."""

    rows: tuple[Compared, ...]
    changed: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def compare(connection: sqlite3.Connection, first: int, second: int) -> Comparison:
    """What two sessions have in common, by the name of what was asked."""
    sides = [_sides(connection, id) for id in (first, second)]
    names = sorted(set(sides[0]) | set(sides[1]))
    rows = tuple(Compared(*key, sides[0].get(key, Side()), sides[1].get(key, Side())) for key in names)
    was, now = (_definitions(connection, id) for id in (first, second))
    changed = sorted(name for name in was.keys() & now.keys() if was[name] != now[name])
    return Comparison(
        rows, tuple(changed), tuple(sorted(was.keys() - now.keys())), tuple(sorted(now.keys() - was.keys()))
    )


def _sides(connection: sqlite3.Connection, id: int) -> dict[tuple[str, str], Side]:
    found: dict[tuple[str, str], list[tuple[str, int | None]]] = {}
    for dir, name, status, dur_ns in connection.execute(_ROWS, (id,)):
        found.setdefault((dir, name), []).append((status, dur_ns))
    return {key: _side(rows) for key, rows in found.items()}


def _side(rows: list[tuple[str, int | None]]) -> Side:
    times = [dur_ns for _, dur_ns in rows if dur_ns is not None]
    failed = sum(status in _FAILED for status, _ in rows)
    return Side(len(rows), failed, int(median(times)) if times else None)


def _definitions(connection: sqlite3.Connection, id: int) -> dict[str, str | None]:
    """The last definition seen of each name."""
    return {f"{kind} {name}": digest for kind, name, digest in connection.execute(_DEFINED, (id,))}
