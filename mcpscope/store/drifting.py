"""Tools that are not what they were, noticed as they are recorded: no rule is needed for that."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.engine.catalog import Catalog, DefinitionKind
from mcpscope.engine.drift import changes
from mcpscope.store.statements import Statements

FLAG = "drift"
_LABEL = "SELECT label FROM sessions WHERE id = ?"
_PINNED = "SELECT name, body FROM pins WHERE label = ?"
_LAST = """
    SELECT d.name, d.body FROM definitions AS d WHERE d.id IN (
        SELECT max(d.id) FROM definitions AS d JOIN sessions AS s ON s.id = d.session_id
        WHERE s.label = ? AND s.id < ? AND d.kind = 'tool' GROUP BY d.name
    )
"""


class Drifting:
    """Holds the tools of one session against what a person accepted, else against what was listed before.

    ``notes`` is False where the gate does the same and writes it down itself.
    """

    def __init__(self, session: int, *, notes: bool = True) -> None:
        self.notes = notes
        self._session = session
        self._accepted = False
        self._before: dict[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"<Drifting {self._session} known={len(self._before or ())}>"

    def look(self, connection: Statements, catalog: Catalog, names: list[str]) -> list[str]:
        """What is to be said of tools whose definitions have just come in, or come in anew."""
        if self._before is None:
            self._read(connection)
        found = [(name, self._differs(catalog, name)) for name in names]
        return [f"the tool {name} {text}" for name, text in found if text]

    def _read(self, connection: Statements) -> None:
        row = connection.execute(_LABEL, (self._session,)).fetchone()
        label = row[0] if row is not None else None
        pinned = connection.execute(_PINNED, (label,)).fetchall()
        self._accepted = bool(pinned)
        rows = pinned or (connection.execute(_LAST, (label, self._session)).fetchall() if label else [])
        self._before = {name: bytes(body or b"{}") for name, body in rows}

    def _differs(self, catalog: Catalog, name: str) -> str:
        versions = catalog.versions(DefinitionKind.TOOL, name)
        assert self._before is not None
        before: Any = None
        if name in self._before:
            before = json.loads(self._before[name])
        if before is None and self._accepted:
            return "is new and was never accepted"
        if not self._accepted and len(versions) > 1:
            before = versions[-2].body
        if before is None:
            return ""
        found = changes(before, versions[-1].body)
        if not found:
            return "is again as it was accepted" if self._accepted and len(versions) > 1 else ""
        words = ", ".join(change.text for change in found)
        return f"is not as it was {'accepted' if self._accepted else 'listed before'}: {words}"
