"""Where the members of JSON objects lie in their bytes; without recursion, also where no parser reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
_SPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Key:
    """A member's name: its decoded text, where it begins, and the object it is in.

    ``path`` leads to that object from the root ("[]" for any element of an array), ``owner`` numbers it.
    """

    name: str
    at: int
    path: tuple[str, ...]
    owner: int


@dataclass(slots=True)
class _Level:
    is_object: bool
    owner: int
    path: tuple[str, ...]
    name: str = ""
    seen: bytes = b""
    seen_at: int = field(default=0)


def member_spans(raw: bytes, start: int = 0) -> dict[str, list[tuple[int, int]]]:
    """The spans of the values of the first object at or after ``start``, by member name in their order.

    A name that occurs twice has two spans. Bytes that are no JSON give what could be read of them.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    begin = raw.find(b"{", start)
    if begin < 0:
        return found
    depth = 0
    name: str | None = None
    text: bytes = b""
    value_at = -1
    for token in _TOKEN.finditer(raw, begin):
        sign = token.group()
        if sign in (b"{", b"["):
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                _add(found, name, raw, value_at, token.start())
                break
        elif depth != 1:
            continue
        elif sign == b":":
            if value_at < 0:
                name, value_at = _text(text), token.end()
        elif sign == b",":
            _add(found, name, raw, value_at, token.start())
            name, value_at = None, -1
        else:
            text = sign
    return found


def keys(raw: bytes) -> Iterator[Key]:
    """Every member name of every object, in the order of the bytes."""
    levels: list[_Level] = []
    count = 0
    for token in _TOKEN.finditer(raw):
        sign = token.group()
        if sign in (b"{", b"["):
            count += 1
            path: tuple[str, ...] = ()
            if levels:
                outer = levels[-1]
                path = (*outer.path, outer.name if outer.is_object else "[]")
            levels.append(_Level(sign == b"{", count, path))
        elif not levels:
            continue
        elif sign in (b"}", b"]"):
            levels.pop()
        elif sign == b":":
            level = levels[-1]
            if level.is_object and level.seen:
                level.name, level.seen = _text(level.seen), b""
                yield Key(level.name, level.seen_at, level.path, level.owner)
        elif sign != b",":
            levels[-1].seen, levels[-1].seen_at = sign, token.start()


def depth(raw: bytes) -> tuple[int, int]:
    """The deepest nesting, and where it is first reached."""
    deepest = at = level = 0
    for token in _TOKEN.finditer(raw):
        sign = token.group()
        if sign in (b"{", b"["):
            level += 1
            if level > deepest:
                deepest, at = level, token.start()
        elif sign in (b"}", b"]"):
            level -= 1
    return deepest, at


def _add(found: dict[str, list[tuple[int, int]]], name: str | None, raw: bytes, start: int, end: int) -> None:
    if name is None or start < 0:
        return
    while start < end and raw[start] in _SPACE:
        start += 1
    while end > start and raw[end - 1] in _SPACE:
        end -= 1
    found.setdefault(name, []).append((start, end))


def _text(quoted: bytes) -> str:
    try:
        value = json.loads(quoted.decode(errors="replace"), strict=False)
    except ValueError:
        return quoted.decode(errors="replace")
    return value if isinstance(value, str) else ""
