"""JSON as a person edits it: laid out over lines without touching the spelling of any value, and checked."""

from __future__ import annotations

import json
import re
from typing import Any

from mcpscope.engine import spans
from mcpscope.text import safe

_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.S)
_HIDDEN_AT = re.compile(r"[^ -~\n]")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
INDENT = "  "


def laid_out(text: str) -> str:
    """``text`` with one member or element a line; what is no JSON comes back as it is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    out: list[str] = []
    depth = 0
    before = ""
    for token in _TOKENS.findall(text):
        if token in "}]":
            depth -= 1
            if before not in ("{", "["):
                out.append("\n" + INDENT * depth)
        elif before in ("{", "[", ","):
            out.append("\n" + INDENT * depth)
        out.append(": " if token == ":" else token)
        if token in "{[":
            depth += 1
        before = token
    return _HIDDEN_AT.sub(_escaped, "".join(out))


def _escaped(found: re.Match[str]) -> str:
    """A character that a terminal would obey or hide, as JSON's own escape: it is in a string."""
    char = found[0]
    if safe(char) == char:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def part_of(raw: bytes, pointer: str) -> str | None:
    """The text at a JSON Pointer of a message, laid out; None where there is nothing."""
    path = tuple(pointer.split("/")[1:])
    try:
        place = spans.find(raw, path)
    except ValueError:
        return None
    return None if place is None else laid_out(raw[place[0] : place[1]].decode(errors="replace"))


def problem_of(text: str) -> tuple[str, int, int] | None:
    """What is wrong with JSON text, with line and column; None where nothing is."""
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return error.msg, error.lineno, error.colno
    except (ValueError, RecursionError) as error:
        return str(error), 1, 1
    return None


def first_value(text: str, within: tuple[str, ...] = ()) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Where the first value of a member ``within`` a place lies, or the plain value that is there.

    Rows and columns count from 0; of a string its quotes are left out. None where there is nothing.
    """
    begin, end, before = 0, len(text), ""
    if within:
        found = _span(text, within)
        if found is None:
            return None
        begin, end, before = *found, ":"
    for token in _TOKENS.finditer(text, begin, end):
        if before == ":" and token[0] not in "{[":
            quotes = token[0].startswith('"')
            return _row(text, token.start() + quotes), _row(text, token.end() - quotes)
        before = token[0]
    return None


def _span(text: str, steps: tuple[str, ...]) -> tuple[int, int] | None:
    """Where the value lies that ``steps`` lead to, in characters."""
    raw = text.encode("utf-8", "surrogatepass")
    try:
        found = spans.find(raw, steps)
    except ValueError:
        return None
    if found is None:
        return None
    begin = len(raw[: found[0]].decode("utf-8", "surrogatepass"))
    return begin, begin + len(raw[found[0] : found[1]].decode("utf-8", "surrogatepass"))


def _row(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1


def place_of(text: str, path: str, within: tuple[str, ...] = ()) -> tuple[int, int]:
    """Line and column (from 1) of ``a[0].b`` in a JSON text, of what holds it where it is not there."""
    steps = [*within, *(plain or index for plain, index in _STEP.findall(path))]
    while steps:
        found = _span(text, tuple(steps))
        if found is not None:
            row, column = _row(text, found[0])
            return row + 1, column + 1
        steps.pop()
    return 1, 1


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
