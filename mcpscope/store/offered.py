"""What servers have offered: definitions with their versions, and how often each was used."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

_SESSIONS_OF = "SELECT id FROM sessions WHERE journal = ? ORDER BY id"
_LATEST = "SELECT max(session_id) FROM definitions"
_DEFINED = """
    SELECT d.kind, d.name, d.at, d.digest, d.body, d.session_id FROM definitions AS d
    WHERE d.session_id = ? ORDER BY d.id
"""
_USED = """
    SELECT tool, count(*), sum(status IN ('rpc-error', 'tool-error')), max(opened_at), avg(dur_ns)
    FROM exchanges WHERE session_id = ? AND tool IS NOT NULL GROUP BY tool
"""


@dataclass(slots=True)
class Offered:
    """One tool, prompt, resource or template. ``versions`` are its definitions, oldest first.

    ``listed`` is False for a tool that was called but never listed. Times are unix ns.
    """

    kind: str
    name: str
    versions: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    errors: int = 0
    last_call: int = 0
    mean_ns: int = 0

    @property
    def listed(self) -> bool:
        return bool(self.versions)

    @property
    def body(self) -> dict[str, Any]:
        """The definition as last listed."""
        return self.versions[-1] if self.versions else {}


def sessions_of(connection: sqlite3.Connection, uid: str) -> list[int]:
    """The sessions of one run of a proxy."""
    return [int(id) for (id,) in connection.execute(_SESSIONS_OF, (uid,))]


def latest(connection: sqlite3.Connection) -> list[int]:
    """The newest session that listed anything, if there is one."""
    (id,) = connection.execute(_LATEST).fetchone()
    return [] if id is None else [int(id)]


def offered(connection: sqlite3.Connection, sessions: list[int]) -> list[Offered]:
    """The union of what these sessions listed, in the order it was first seen, then what was only called."""
    found: dict[tuple[str, str], Offered] = {}
    for session in sessions:
        for kind, name, _, _, body, _ in connection.execute(_DEFINED, (session,)):
            one = found.setdefault((kind, name), Offered(kind, name))
            definition = json.loads(body) if body is not None else {}
            if definition not in one.versions[-1:]:
                one.versions.append(definition)
    for session in sessions:
        for tool, calls, errors, last, mean in connection.execute(_USED, (session,)):
            one = found.setdefault(("tool", tool), Offered("tool", tool))
            one.calls += calls
            one.errors += errors or 0
            one.last_call = max(one.last_call, last or 0)
            one.mean_ns = int(mean or 0)
    return list(found.values())
