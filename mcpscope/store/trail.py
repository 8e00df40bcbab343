"""The audit trail as it is read: every message of a session with what became of it, why and by whom."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_POLICY = re.compile(r"digest ([0-9a-f ]+)$")
_NOTES = (
    "SELECT id, CAST(text AS TEXT) FROM notes WHERE session_id = ? AND kind = 'policy-loaded' ORDER BY id"
)
_OPENED = "SELECT detail ->> '$.policy', coalesce(name, label, '') FROM sessions WHERE id = ?"
_DECIDED = (
    "SELECT DISTINCT m.session_id FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id ORDER BY 1"
)
_ROWS = """
    SELECT m.id, m.at, m.dir, m.kind, coalesce(m.method, e.method), e.tool, m.rpc_id, m.fate, m.origin,
           m.marks, o.outcome, o.actor, o.rule, o.waited_ns, o.detail
    FROM messages AS m LEFT JOIN exchanges AS e ON e.id = m.exchange_id
    {} JOIN outcomes AS o ON o.message_id = m.id
    WHERE m.session_id = ? ORDER BY m.id, o.id
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One outcome of one message. ``saw`` are the values its rule looked at, ``policy`` its digest."""

    session_id: int
    message_id: int
    at: int
    dir: str
    kind: str
    method: str
    tool: str
    rpc_id: str
    outcome: str
    actor: str
    rule: str
    waited_ns: int
    policy: str
    marks: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For --json and exports."""
        detail = dict(self.detail)
        return {
            "session": self.session_id,
            "message": self.message_id,
            "at": self.at,
            "dir": self.dir,
            "kind": self.kind,
            "method": self.method or None,
            "tool": self.tool or None,
            "rpc_id": self.rpc_id or None,
            "outcome": self.outcome,
            "actor": self.actor or None,
            "rule": self.rule or None,
            "waited_ms": self.waited_ns / 1e6,
            "policy": self.policy or None,
            "saw": detail.pop("saw", {}),
            "marks": self.marks.split(),
            "detail": detail,
        }


def decided_sessions(connection: sqlite3.Connection) -> list[int]:
    """The ids of the sessions in which something was decided, under a policy or by hand."""
    return [id for (id,) in connection.execute(_DECIDED)]


def trail(connection: sqlite3.Connection, session_id: int, *, everything: bool = True) -> Iterator[Line]:
    """Every message of a session in order, one line for each of its outcomes.

    Without ``everything`` only those that have one: what a rule, a person or a circumstance decided.
    """
    opened = connection.execute(_OPENED, (session_id,)).fetchone()
    policy = str(opened[0] or "") if opened else ""
    loaded = connection.execute(_NOTES, (session_id,)).fetchall()
    for row in connection.execute(_ROWS.format("LEFT" if everything else ""), (session_id,)):
        id, at, dir, kind, method, tool, rpc_id, fate, origin, marks, word, actor, rule, waited, detail = row
        while loaded and loaded[0][0] < id:
            found = _POLICY.search(loaded.pop(0)[1] or "")
            policy = found[1] if found else policy
        if word is None:
            word = "said by mcpscope" if origin == "proxy" else fate or "forwarded"
            actor = "mcpscope" if origin == "proxy" else ""
        said = json.loads(detail) if detail else {}
        yield Line(
            session_id=session_id,
            message_id=id,
            at=at,
            dir=dir,
            kind=kind,
            method=method or "",
            tool=tool or "",
            rpc_id=rpc_id or "",
            outcome=word,
            actor=actor or "",
            rule=rule or "",
            waited_ns=waited or 0,
            policy=policy,
            marks=marks or "",
            detail=said if isinstance(said, dict) else {},
        )
