"""What values were seen at a place, and a condition in CEL that holds for those and not for others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

MAX_VALUES = 8
"""So many texts are listed one by one; of more their common beginning and their length are asked."""
MAX_DEPTH = 8
WITHHELD = "[redacted:"
"""A value of which a recording has this says nothing about those to come."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    {
        *(
            "as",
            "break",
            "const",
            "continue",
            "else",
            "false",
            "for",
            "function",
            "if",
            "import",
            "in",
            "let",
        ),
        *("loop", "namespace", "null", "package", "return", "true", "var", "void", "while"),
    }
)
_EDGES = re.compile(r"[/:.@?&=#\s-]")
_INT64 = 1 << 63
_NUL = "\0"
"""The runtime reads a text of an expression only up to it: no rule can say such a text."""


class Seen:
    """All values seen at one place."""

    def __init__(self) -> None:
        self.count = 0
        self._types: set[str] = set()
        self._texts: set[str] = set()
        self._truths: set[bool] = set()
        self._least: float = 0
        self._most: float = 0
        self._members: dict[str, Seen] = {}
        self._maps = 0
        self._items: Seen | None = None
        self._longest = 0
        self._withheld = False

    def __repr__(self) -> str:
        return f"<Seen {self.count} {sorted(self._types)}>"

    def add(self, value: Any, depth: int = 0) -> None:
        """One more value."""
        self.count += 1
        match value:
            case None:
                self._types.add("null")
            case bool():
                self._types.add("bool")
                self._truths.add(value)
            case int() | float():
                self._number(value)
            case str():
                self._types.add("string")
                self._texts.add(value)
                self._withheld = self._withheld or WITHHELD in value or _NUL in value
            case list():
                self._types.add("list")
                self._longest = max(self._longest, len(value))
                self._items = self._items or Seen()
                for item in value if depth < MAX_DEPTH else ():
                    self._items.add(item, depth + 1)
            case dict():
                self._types.add("map")
                self._maps += 1
                for key, item in value.items() if depth < MAX_DEPTH else ():
                    self._members.setdefault(key, Seen()).add(item, depth + 1)

    def condition(self, place: str, depth: int = 0) -> list[str]:
        """The parts that ``&&`` joins; ``place`` is an expression for the value."""
        kinds = [self._of_type(kind, place, depth) for kind in sorted(self._types)]
        if not kinds:
            return []
        if len(kinds) == 1:
            return kinds[0]
        return ["(" + " || ".join(f"({' && '.join(parts)})" for parts in kinds) + ")"]

    def _number(self, value: int | float) -> None:
        small = isinstance(value, int) and -_INT64 <= value < _INT64
        first = not self._types & {"int", "double"}
        self._types.add("int" if small else "double")
        self._least = value if first else min(self._least, value)
        self._most = value if first else max(self._most, value)

    def _of_type(self, kind: str, place: str, depth: int) -> list[str]:
        match kind:
            case "null":
                return [f"{place} == null"]
            case "bool":
                one = f"{place} == {str(next(iter(self._truths))).lower()}"
                return [one] if len(self._truths) == 1 else [f"type({place}) == bool"]
            case "int" | "double":
                bounds = [f"{place} >= {_written(self._least)}", f"{place} <= {_written(self._most)}"]
                return [f"type({place}) == {kind}", *bounds]
            case "string":
                return self._of_texts(place)
            case "list":
                return self._of_items(place, depth)
            case _:
                return self.of_members(place, depth)

    def _of_texts(self, place: str) -> list[str]:
        if self._withheld:
            return [f"type({place}) == string"]
        if len(self._texts) <= MAX_VALUES:
            listed = ", ".join(map(quoted, sorted(self._texts)))
            return [f"type({place}) == string", f"{place} in [{listed}]"]
        begin = _beginning(self._texts)
        starts = [f"{place}.startsWith({quoted(begin)})"] if begin else []
        return [f"type({place}) == string", *starts, f"size({place}) <= {max(map(len, self._texts))}"]

    def _of_items(self, place: str, depth: int) -> list[str]:
        parts = [f"type({place}) == list", f"size({place}) <= {self._longest}"]
        inner = self._items.condition(f"e{depth}", depth + 1) if self._items is not None else []
        return [*parts, f"dyn({place}).all(e{depth}, {' && '.join(inner)})"] if inner else parts

    def of_members(self, place: str, depth: int = 0, also: Iterable[str] = ()) -> list[str]:
        """No member but those seen, and ``also`` any of these; each with a value like those seen.

        Those that were always there have to be there.
        """
        parts = [f"type({place}) == map"]
        if depth >= MAX_DEPTH or any(_NUL in name for name in self._members):
            return parts
        names = ", ".join(map(quoted, sorted({*self._members, *also})))
        parts.append(f"dyn({place}).all(k{depth}, k{depth} in [{names}])" if names else f"size({place}) == 0")
        for name, seen in self._members.items():
            inner = seen.condition(_member(place, name), depth + 1)
            there = f"{quoted(name)} in {place}"
            if seen.count == self._maps:
                parts += [there, *inner]
            else:
                parts.append(f"(!({there}) || ({' && '.join(inner) or 'true'}))")
        return parts


def quoted(text: str) -> str:
    """A text as CEL writes it, in ASCII."""
    return '"' + "".join(_escaped(text)) + '"'


def _escaped(text: str) -> Iterator[str]:
    for char in text:
        if char in '"\\':
            yield "\\" + char
        elif " " <= char <= "~":
            yield char
        else:
            yield f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def _member(place: str, name: str) -> str:
    plain = _IDENTIFIER.fullmatch(name) and name not in _RESERVED
    return f"{place}.{name}" if plain else f"{place}[{quoted(name)}]"


def _written(value: float) -> str:
    """A number as CEL writes it: what is no integer of 64 bits is a double."""
    return str(value) if type(value) is int and -_INT64 <= value < _INT64 else repr(float(value))


def _beginning(texts: Iterable[str]) -> str:
    """How all of them begin, up to the last edge of a word or path in it."""
    least, most = min(texts), max(texts)
    length = next((at for at, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
    edges = [found.end() for found in _EDGES.finditer(least, 0, length)]
    return least[: edges[-1]] if edges else ""
