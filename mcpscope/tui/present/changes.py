"""What differs between two JSON values, place by place, and the same in few words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mcpscope.tui.present import masking
from mcpscope.tui.present.spans import clip

MAX_CHANGES = 3


def differences(
    path: tuple[str, ...], before: Any, after: Any
) -> Iterator[tuple[tuple[str, ...], Any, bool]]:
    """Each place that differs: its path, its new value, and whether it is gone. A list changes whole."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if before != after or type(before) is not type(after):
            yield path, after, False
        return
    for key in before:
        if key not in after:
            yield (*path, key), None, True
    for key, value in after.items():
        if key not in before:
            yield (*path, key), value, False
        else:
            yield from differences((*path, key), before[key], value)


def changed_words(before: str, after: str, arrow: str) -> str:
    """What an edit changes, in few words: ``n 10 -> 500``; both are JSON texts, or ``after`` is none yet."""
    if before == after:
        return "as received: the same bytes are sent"
    words = changes(before, after, arrow)
    if words is None:
        return ""
    more = [f"and {len(words) - MAX_CHANGES} more"] if len(words) > MAX_CHANGES else []
    return (
        "changed  " + "   ".join([*words[:MAX_CHANGES], *more]) if words else "changed in its spelling only"
    )


def changes(before: str | bytes, after: str | bytes, arrow: str) -> list[str] | None:
    """Each change of one JSON text into another: ``n 10 -> 500``; None where one of them is no JSON."""
    try:
        return list(_told("", json.loads(before), json.loads(after), arrow))
    except (ValueError, RecursionError):
        return None


def _told(name: str, old: Any, new: Any, arrow: str) -> Iterator[str]:
    """Where ``new`` differs from ``old``, called ``name``; in a list of the same length, in which element."""
    if isinstance(old, dict) and isinstance(new, dict):
        inside = f"{name}." if name else ""
        yield from (f"{inside}{key} taken out" for key in old if key not in new)
        for key, value in new.items():
            if key in old:
                yield from _told(f"{inside}{key}", old[key], value, arrow)
            else:
                yield f"{inside}{key} added: {_short(key, value)}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _told(f"{name}[{at}]", one, other, arrow)
    elif old != new or type(old) is not type(new):
        yield f"{name or 'all of it'} {_short(name, old)} {arrow} {_short(name, new)}"


def _short(name: str, value: Any) -> str:
    if masking.is_secret(name.rpartition(".")[2]) and not isinstance(value, (dict, list)):
        return masking.MASK
    return clip(masking.text(json.dumps(value, ensure_ascii=False)), 40)
