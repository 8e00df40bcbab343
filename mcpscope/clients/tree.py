"""A configuration as values with their places in the text, whatever language it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class NotReadable(Exception):
    """The text is not of its language, or of a form of it that is not edited here; says where and why."""


@dataclass(slots=True)
class Node:
    """A value: ``text[start:end]``. ``value`` is a scalar's; ``members`` or ``items`` what is in the others.

    ``keys`` are where the names of the members begin. ``insert`` is where a member may be added, -1 for
    right behind another one.
    """

    kind: str
    start: int
    end: int
    value: Any = None
    members: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    insert: int = -1

    def plain(self) -> Any:
        """The value as Python has it."""
        if self.kind == "object":
            return {name: node.plain() for name, node in self.members.items()}
        if self.kind == "array":
            return [item.plain() for item in self.items]
        return self.value

    def find(self, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
        """The values under ``path``, whose steps are names or ``*`` for any, each with its real path."""
        if not path:
            yield (), self
            return
        names = list(self.members) if path[0] == "*" else [path[0]]
        for name in names:
            if name in self.members:
                for rest, node in self.members[name].find(path[1:]):
                    yield (name, *rest), node


OBJECT = "object"
ARRAY = "array"
SCALAR = "scalar"
