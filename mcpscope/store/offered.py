"""What servers have offered: definitions with their versions, and how each was used."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mcpscope.protocol.methods import Method

LAST_CALLS = 50
_SESSIONS_OF = "SELECT id FROM sessions WHERE journal = ? ORDER BY id"
_LABEL = "SELECT label FROM sessions WHERE id = ?"
_LATEST = "SELECT max(session_id) FROM definitions"
_THAT_LISTED = "SELECT DISTINCT session_id FROM definitions ORDER BY session_id"
_DEFINED = "SELECT kind, name, at, body FROM definitions WHERE session_id = ? ORDER BY id"
_USED = """
    SELECT id, method, name, status, code, opened_at, dur_ns, res_bytes FROM exchanges
    WHERE session_id = ? AND kind = 'request' AND method IN (?, ?, ?) AND name IS NOT NULL AND name != ''
    ORDER BY id
"""
_USES = {Method.TOOLS_CALL: "tool", Method.PROMPTS_GET: "prompt", Method.RESOURCES_READ: "resource"}
_ERRORS = ("rpc-error", "tool-error")
_ANSWERED = frozenset({"ok", "late", *_ERRORS})


@dataclass(frozen=True, slots=True)
class Call:
    """One use: the exchange's id, when (unix ns), how it ended, and how long that took."""

    exchange: int
    at: int
    status: str
    code: int | None
    dur_ns: int | None


@dataclass(slots=True)
class Offered:
    """One tool, prompt, resource or template. ``versions`` are its definitions, oldest first, ``seen`` when.

    ``listed`` is False for what was used but never listed. ``durations`` are of the uses that the server
    answered, the shortest first. ``errors`` counts answers that are errors, ``codes`` which. Times: unix ns.
    """

    kind: str
    name: str
    versions: list[dict[str, Any]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    calls: int = 0
    errors: int = 0
    last_call: int = 0
    answer_bytes: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    durations: list[int] = field(default_factory=list)
    last: deque[Call] = field(default_factory=lambda: deque(maxlen=LAST_CALLS))

    @property
    def listed(self) -> bool:
        return bool(self.versions)

    @property
    def body(self) -> dict[str, Any]:
        """The definition as last listed."""
        return self.versions[-1] if self.versions else {}

    @property
    def size(self) -> int:
        """What the definition costs in every list, in bytes of compact JSON."""
        text = json.dumps(self.body, separators=(",", ":"), ensure_ascii=False)
        return len(text.encode("utf-8", "surrogatepass")) if self.listed else 0

    def percentile(self, part: float) -> int | None:
        """The duration that ``part`` of the answered calls do not exceed (nearest rank), in ns."""
        found = self.durations
        return found[max(0, math.ceil(part * len(found)) - 1)] if found else None

    def used(self, call: Call, size: int) -> None:
        """Take in one use."""
        self.calls += 1
        self.last_call = max(self.last_call, call.at)
        self.last.append(call)
        self.answer_bytes += size
        if call.status in _ERRORS:
            self.errors += 1
            self.codes[str(call.code) if call.status == "rpc-error" else call.status] += 1
        if call.status in _ANSWERED and call.dur_ns is not None:
            self.durations.append(call.dur_ns)


def sessions_of(connection: sqlite3.Connection, uid: str) -> list[int]:
    """The sessions of one run of a proxy."""
    return [int(id) for (id,) in connection.execute(_SESSIONS_OF, (uid,))]


def latest(connection: sqlite3.Connection) -> list[int]:
    """The newest session that listed anything, if there is one."""
    (id,) = connection.execute(_LATEST).fetchone()
    return [] if id is None else [int(id)]


def that_listed(connection: sqlite3.Connection) -> list[int]:
    """Every session that listed anything, oldest first."""
    return [int(id) for (id,) in connection.execute(_THAT_LISTED)]


def label_of(connection: sqlite3.Connection, session: int) -> str:
    """What the session's server is called."""
    row = connection.execute(_LABEL, (session,)).fetchone()
    return str(row[0] or "") if row is not None else ""


def offered(connection: sqlite3.Connection, sessions: Sequence[int]) -> list[Offered]:
    """The union of what these sessions listed, in the order it was first seen, then what was only used."""
    found: dict[tuple[str, str], Offered] = {}
    for session in sessions:
        for kind, name, at, body in connection.execute(_DEFINED, (session,)):
            one = found.setdefault((kind, name), Offered(kind, name))
            definition = json.loads(body) if body is not None else {}
            if definition not in one.versions[-1:]:
                one.versions.append(definition)
                one.seen.append(at)
    methods = [method.value for method in _USES]
    for session in sessions:
        for id, method, name, *how, size in connection.execute(_USED, (session, *methods)):
            kind = _USES[Method(method)]
            one = found.setdefault((kind, name), Offered(kind, name))
            status, code, at, dur_ns = how
            one.used(Call(id, at, status, code, dur_ns), size or 0)
    for one in found.values():
        one.durations.sort()
    return list(found.values())
