"""The tree of a parsed filter; values only, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Op(StrEnum):
    """How a field is compared. ``NOT_EQUAL`` is parsed as the negation of ``EQUAL``."""

    MATCH = ":"
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "~"
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="


@dataclass(frozen=True, slots=True)
class Word:
    """A value as written; in quotes it is taken literally, without wildcards."""

    text: str
    quoted: bool = False

    @property
    def is_glob(self) -> bool:
        return not self.quoted and ("*" in self.text or "?" in self.text)


@dataclass(frozen=True, slots=True)
class All:
    """The empty filter."""


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: Node


@dataclass(frozen=True, slots=True)
class Names:
    """A field of names against globs (MATCH), exact values (EQUAL) or one regular expression (REGEX)."""

    field: str
    op: Op
    values: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """``text``, ``note``, ``mime`` or a bare word: contains, ignoring case; or one regular expression."""

    field: str
    op: Op
    values: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number field in its base unit (ns, bytes) against numbers; any of several is enough."""

    field: str
    op: Op
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class States:
    """``is:``; any of the words is enough."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """The exchange opened at or after (``later``), or before, an instant in unix ns."""

    at: int
    later: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A place in the JSON of a message against values; ``steps`` are keys, indexes, or ``None`` for any."""

    root: str
    steps: tuple[str | int | None, ...]
    op: Op
    values: tuple[Word, ...]


Term: TypeAlias = Names | Contains | Number | States | Since | Path
Node: TypeAlias = All | And | Or | Not | Term
