"""A value against a JSON schema: where it does not fit and which part of the schema says so.

Schemas come from servers nobody vouches for: references are never fetched, and a schema that cannot be
read is reported, not raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from mcpscope.engine.schema_cost import cost_of

MAX_VIOLATIONS = 50


@dataclass(frozen=True, slots=True)
class Violation:
    """``path`` are keys and positions in the value, ``schema_path`` those in the schema."""

    text: str
    path: tuple[str | int, ...]
    schema_path: tuple[str | int, ...]

    @property
    def where(self) -> str:
        """``limit`` or ``items[3].name``; ``(the whole value)`` for the top."""
        found = ""
        for step in self.path:
            found += f"[{step}]" if isinstance(step, int) else f".{step}" if found else step
        return found or "(the whole value)"


def violations(schema: Any, value: Any) -> list[Violation]:
    """Where ``value`` does not fit ``schema``; at most fifty. What is no schema is one violation."""
    try:
        if not cost_of(schema).affords(value):
            return [Violation("not checked: the schema is made to take too long", (), ())]
        validator = jsonschema_rs.validator_for(schema, retriever=_refuse)
        found = []
        for error in validator.iter_errors(value):
            found.append(Violation(error.message, tuple(error.instance_path), tuple(error.schema_path)))
            if len(found) == MAX_VIOLATIONS:
                break
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
        return [Violation(f"the schema cannot be used: {str(error).splitlines()[0]}", (), ())]
    return found


def _refuse(uri: str) -> Any:
    raise ValueError(f"a reference to {uri} is not followed")
