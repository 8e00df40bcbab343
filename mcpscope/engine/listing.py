"""Lists as clients may see them: items cut out of a page by splicing; all else keeps its bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from mcpscope.engine import spans
from mcpscope.engine.patch import encode
from mcpscope.engine.spans import Slot

Splice: TypeAlias = tuple[int, int, bytes]
"""Start, end, and what stands there instead."""

Face: TypeAlias = Callable[[str], tuple[str, str]]
"""The name and the description ("" for the server's) that a name is shown with."""


def shown(raw: bytes, member: str, key: str, hidden: Callable[[str], str], face: Face | None) -> bytes:
    """The answer ``raw`` without the items of ``result.<member>`` whose ``key`` is ``hidden``.

    ``ttlMs`` becomes 0 and ``cacheScope`` ``private`` where they are (2026-07-28, "Caching"). Where nothing
    changes the same object comes back. A member that is there twice is cut everywhere, for it is unknown
    which of them its reader takes.
    """
    splices: list[Splice] = []
    for outer in spans.slots(raw, spans.value_start(raw)):
        if outer.key != "result":
            continue
        for slot in spans.slots(raw, outer.value):
            if slot.key == member:
                splices += _page(raw, slot, key, hidden, face)
            elif slot.key == "ttlMs" and raw[slot.value : slot.end] != b"0":
                splices.append((slot.value, slot.end, b"0"))
            elif slot.key == "cacheScope" and raw[slot.value : slot.end] != b'"private"':
                splices.append((slot.value, slot.end, b'"private"'))
    return spliced(raw, splices)


def spliced(raw: bytes, splices: list[Splice]) -> bytes:
    """``raw`` with the splices made, which do not overlap; the same object where there are none."""
    if not splices:
        return raw
    parts: list[bytes] = []
    at = 0
    for start, end, text in sorted(splices):
        parts += (raw[at:start], text)
        at = end
    parts.append(raw[at:])
    return b"".join(parts)


def values(raw: bytes, start: int, *path: str) -> list[str]:
    """Every string at ``path`` below ``start``, also those of members that are there twice."""
    if not path:
        text = raw[start : start + 1] == b'"'
        return [json.loads(raw[start : spans.value_end(raw, start)])] if text else []
    return [
        found
        for slot in spans.slots(raw, start)
        if slot.key == path[0]
        for found in values(raw, slot.value, *path[1:])
    ]


def without(raw: bytes, start: int, gone: Callable[[str], bool]) -> list[Splice]:
    """Splices that take the strings which are ``gone`` out of the array at ``start``."""
    found = list(spans.slots(raw, start))
    keep = [slot for slot in found if not any(map(gone, values(raw, slot.value)))]
    return _cut(raw, found, keep)


def _page(raw: bytes, slot: Slot, key: str, hidden: Callable[[str], str], face: Face | None) -> list[Splice]:
    if raw[slot.value : slot.value + 1] != b"[":
        return []
    items = list(spans.slots(raw, slot.value))
    names = [values(raw, item.value, key) for item in items]
    keep = [item for item, said in zip(items, names, strict=True) if not any(map(hidden, said))]
    splices = _cut(raw, items, keep)
    if face is not None:
        for item, said in zip(items, names, strict=True):
            if said and item in keep:
                splices += _renamed(raw, item, said[-1], face)
    return splices


def _cut(raw: bytes, items: list[Slot], keep: list[Slot]) -> list[Splice]:
    """What stays keeps its bytes and the separators behind it; the last one loses its own."""
    if len(keep) == len(items):
        return []
    if not keep:
        return [(items[0].start, items[-1].end, b"")]
    kept = {slot.start for slot in keep}
    splices: list[Splice] = []
    for number, item in enumerate(items):
        if item.start not in kept:
            following = items[number + 1].start if number + 1 < len(items) else item.end
            splices.append((item.start, following, b""))
    last = keep[-1]
    if last is not items[-1]:
        splices = [splice for splice in splices if splice[0] < last.start]
        splices.append((last.end, items[-1].end, b""))
    return splices


def _renamed(raw: bytes, item: Slot, name: str, face: Face) -> list[Splice]:
    new, description = face(name)
    splices: list[Splice] = []
    described = False
    for slot in spans.slots(raw, item.value):
        if slot.key == "name" and new != name:
            splices.append((slot.value, slot.end, encode(new)))
        elif slot.key == "description" and description:
            splices.append((slot.value, slot.end, encode(description)))
            described = True
    if description and not described:
        splices.append((item.end - 1, item.end - 1, b',"description":' + encode(description)))
    return splices
