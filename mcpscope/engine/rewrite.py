"""A person's new text for a message, brought back to the splices that say the same.

A text from an editor is spelled anew everywhere (indents, escapes, order of nothing); what means the same
keeps the bytes it came with, and what differs takes the person's spelling without the white space.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from mcpscope.engine import spans
from mcpscope.engine.patch import PatchError, Pointer, put, same


def rewrite(raw: bytes, path: Pointer, text: str) -> bytes:
    """``raw`` with the value at ``path`` made to say what ``text`` says.

    Raises PatchError with line and column where ``text`` is not JSON.
    """
    try:
        json.loads(text, parse_constant=_refuse)
        wanted = spans.compact(text.encode())
    except json.JSONDecodeError as error:
        raise PatchError(f"not JSON at line {error.lineno} column {error.colno}: {error.msg}") from None
    except UnicodeEncodeError:
        raise PatchError("a lone surrogate cannot be sent as it is; write it as an escape") from None
    there = spans.find(raw, path)
    if there is None:
        return put(raw, path, wanted, grow=True)
    return raw[: there[0]] + _merged(raw[there[0] : there[1]], wanted) + raw[there[1] :]


def _refuse(name: str) -> None:
    raise PatchError(f"{name} is not JSON")


def _merged(old: bytes, new: bytes) -> bytes:
    """What says the same as ``new``, with the bytes of ``old`` wherever they do."""
    sign = old[:1]
    if sign not in (b"{", b"[") or new[:1] != sign:
        return old if same(_read(old), _read(new)) else new
    mine, theirs = list(spans.slots(old, 0)), list(spans.slots(new, 0))
    kept = {slot.key: slot for slot in mine}
    if len(kept) != len(mine) or len({slot.key for slot in theirs}) != len(theirs):
        return new
    if list(kept) == [slot.key for slot in theirs]:
        for one, other in zip(reversed(mine), reversed(theirs), strict=True):
            value = _merged(old[one.value : one.end], new[other.value : other.end])
            old = old[: one.value] + value + old[one.end :]
        return old
    members = []
    for slot in theirs:
        value = new[slot.value : slot.end]
        if (before := kept.get(slot.key)) is not None:
            value = _merged(old[before.value : before.end], value)
        members.append(new[slot.start : slot.value] + value)
    return sign + b",".join(members) + (b"}" if sign == b"{" else b"]")


def _read(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)
