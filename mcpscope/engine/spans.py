"""Where the values of a JSON text lie: byte spans by JSON Pointer, found without changing a byte.

The text must be valid JSON (the callers have parsed it); UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRING_AT = re.compile(_STRING, re.S)
_STRUCTURE = re.compile(_STRING + rb"|[{}\[\]]", re.S)
_SCALAR_AT = re.compile(rb"[^\s,\]}]+")
_SPACE_AT = re.compile(rb"[ \t\r\n]*")
_SPACE_OR_STRING = re.compile(rb"(" + _STRING + rb")|[ \t\r\n]+", re.S)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Slot:
    """One member of an object or element of an array: ``start`` is where its key (or value) begins."""

    key: str
    start: int
    value: int
    end: int


def value_start(raw: bytes, at: int = 0) -> int:
    """Where the value begins that follows the white space at ``at``."""
    if at == 0 and raw.startswith(_BOM):
        at = len(_BOM)
    found = _SPACE_AT.match(raw, at)
    return found.end() if found else at


def value_end(raw: bytes, start: int) -> int:
    """Just behind the value that begins at ``start``."""
    first = raw[start : start + 1]
    if first == b'"':
        return _end(_STRING_AT.match(raw, start))
    if first not in (b"{", b"["):
        return _end(_SCALAR_AT.match(raw, start))
    depth = 0
    for token in _STRUCTURE.finditer(raw, start):
        sign = token.group()[:1]
        if sign in (b"{", b"["):
            depth += 1
        elif sign != b'"':
            depth -= 1
            if depth == 0:
                return token.end()
    raise ValueError("a container is never closed")


def slots(raw: bytes, start: int) -> Iterator[Slot]:
    """The members (or elements, keyed "0", "1" ...) of the container that begins at ``start``, in order."""
    named = raw[start : start + 1] == b"{"
    if not named and raw[start : start + 1] != b"[":
        return
    at = value_start(raw, start + 1)
    count = 0
    while raw[at : at + 1] not in (b"}", b"]"):
        begin = at
        key = str(count)
        if named:
            end = value_end(raw, at)
            key = json.loads(raw[at:end])
            at = value_start(raw, value_start(raw, end) + 1)
        end = value_end(raw, at)
        yield Slot(key, begin, at, end)
        count += 1
        at = value_start(raw, end)
        if raw[at : at + 1] == b",":
            at = value_start(raw, at + 1)


def member(raw: bytes, start: int, key: str) -> Slot | None:
    """The member ``key`` of the container at ``start``; where it is there twice the last, as parsers do."""
    found = None
    for slot in slots(raw, start):
        if slot.key == key:
            found = slot
    return found


def find(raw: bytes, pointer: tuple[str, ...]) -> tuple[int, int] | None:
    """Start and end of the value at ``pointer`` (unescaped reference tokens), or None where nothing is."""
    start = value_start(raw)
    for token in pointer:
        slot = member(raw, start, token)
        if slot is None:
            return None
        start = slot.value
    return start, value_end(raw, start)


def compact(text: bytes) -> bytes:
    """``text`` without the white space between its tokens, so that it fits on one line."""
    if text.startswith(_BOM):
        text = text[len(_BOM) :]
    return _SPACE_OR_STRING.sub(lambda found: found.group(1) or b"", text)


def _end(found: re.Match[bytes] | None) -> int:
    if found is None:
        raise ValueError("not a JSON value")
    return found.end()
