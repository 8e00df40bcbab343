"""Where the members of a JSON object lie in its bytes; without recursion, and for bytes no parser accepts."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
_SPACE = b" \t\r\n"


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
