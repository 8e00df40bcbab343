"""Whether checking a value against a schema ends in reasonable time, whoever wrote the schema.

A few references to each other can make a validator work for hours: each doubles what the next one doubles.
Counted is how often parts of the schema would be applied, every local reference followed; a schema that comes
back to itself more than once for the same part of a value doubles with each level of the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

MAX_APPLICATIONS: Final = 200_000
_MAX_SCHEMA_DEPTH: Final = 200
_MAX_VALUE_DEPTH: Final = 64
_NO_SCHEMAS = frozenset({"$defs", "definitions", "enum", "const", "default", "examples", "required"})


@dataclass(frozen=True, slots=True)
class Cost:
    """``applications`` to one part of a value, and how often each of them ``returns`` to the next level."""

    applications: int
    returns: int

    def affords(self, value: Any) -> bool:
        """Whether checking ``value`` stays below ``MAX_APPLICATIONS`` for each part of it."""
        levels = _depth(value) if self.returns > 1 else 0
        return self.applications * int(self.returns**levels) <= MAX_APPLICATIONS


def cost_of(schema: Any) -> Cost:
    """What applying ``schema`` costs; counted no further than needed to refuse it."""
    try:
        return Cost(*_Count(schema).of(schema, 0))
    except _TooManyError:
        return Cost(MAX_APPLICATIONS + 1, 0)


class _TooManyError(Exception):
    """There is no need to count on."""


class _Count:
    """Counts applications of parts of one schema, and returns to a reference that is being followed."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[str, tuple[int, int]] = {}
        self._followed: set[str] = set()

    def of(self, schema: Any, depth: int) -> tuple[int, int]:
        if depth > _MAX_SCHEMA_DEPTH:
            raise _TooManyError
        if type(schema) is list:
            return self._sum(schema, depth)
        if type(schema) is not dict:
            return 1, 0
        applications, returns = 1, 0
        for word, part in schema.items():
            if word in ("$ref", "$dynamicRef", "$recursiveRef") and type(part) is str:
                more, again = self._follow(part, depth)
            elif word in ("properties", "dependentSchemas") and type(part) is dict:
                more, again = self._apart(part, depth)
            elif word in _NO_SCHEMAS or type(part) not in (dict, list):
                continue
            else:
                more, again = self.of(part, depth + 1)
            applications += more
            returns += again
            if applications > MAX_APPLICATIONS:
                raise _TooManyError
        return applications, returns

    def _sum(self, schemas: list[Any], depth: int) -> tuple[int, int]:
        counts = [self.of(schema, depth + 1) for schema in schemas]
        return sum(count for count, _ in counts), sum(again for _, again in counts)

    def _apart(self, schemas: dict[str, Any], depth: int) -> tuple[int, int]:
        """Schemas for different parts of the value: what returns in one does not meet another."""
        counts = [self.of(schema, depth + 1) for schema in schemas.values()]
        return sum(count for count, _ in counts), max((again for _, again in counts), default=0)

    def _follow(self, reference: str, depth: int) -> tuple[int, int]:
        if reference in self._followed:
            return 1, 1
        if reference not in self._known:
            self._followed.add(reference)
            target = self._root if reference == "#" else _at(self._root, reference)
            self._known[reference] = self.of(target, depth + 1)
            self._followed.discard(reference)
        return self._known[reference]


def _at(root: Any, reference: str) -> Any:
    """What a local reference points to; nothing for an anchor or another document."""
    if not reference.startswith("#/"):
        return None
    found = root
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if type(found) is dict:
            found = found.get(step)
        elif type(found) is list and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def _depth(value: Any, limit: int = _MAX_VALUE_DEPTH) -> int:
    if not limit:
        return 0
    items = value.values() if type(value) is dict else value if type(value) is list else ()
    return 1 + max((_depth(item, limit - 1) for item in items if type(item) in (dict, list)), default=0)
