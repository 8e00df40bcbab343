"""Edits of a JSON text that is written just as its value is: in it nobody has to look for places.

The outcome is, byte for byte, that of ``patch``. None says nothing: the text is to be spliced.
"""

from __future__ import annotations

from typing import Any

import orjson

Pointer = tuple[str, ...]


def put(raw: bytes, path: Pointer, spelled: bytes, *, grow: bool) -> bytes | None:
    """``raw`` with ``spelled`` (JSON) as the member at ``path``, whose parents ``grow`` if need be."""
    body = _value(raw)
    holder = _holder(body, path, grow=grow)
    if holder is None:
        return None
    holder[path[-1]] = orjson.Fragment(spelled)
    return _written(body)


def cut(raw: bytes, path: Pointer) -> bytes | None:
    """``raw`` without the member at ``path``, which is there."""
    body = _value(raw)
    holder = _holder(body, path, grow=False)
    if holder is None or path[-1] not in holder:
        return None
    del holder[path[-1]]
    return _written(body)


def _value(raw: bytes) -> Any:
    """What ``raw`` says, where it could not be said in other bytes by who writes it below; else None."""
    try:
        body = orjson.loads(raw)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    return body if _written(body) == raw else None


def _holder(body: Any, path: Pointer, *, grow: bool) -> dict[str, Any] | None:
    """The object that the member at ``path`` is in, or has its place in."""
    if not path:
        return None
    for token in path[:-1]:
        if type(body) is not dict:
            return None
        body = body.setdefault(token, {}) if grow else body.get(token)
    return body if type(body) is dict else None


def _written(body: Any) -> bytes | None:
    try:
        return orjson.dumps(body)
    except TypeError:  # nested deeper than it writes, or a key that no UTF-8 spells
        return None
