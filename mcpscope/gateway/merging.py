"""Answers of several upstreams as the one answer of the gateway: lists, capabilities, introductions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcpscope import __version__
from mcpscope.engine.patch import encode, put
from mcpscope.engine.spans import find, slots
from mcpscope.gateway.naming import Listing, Names
from mcpscope.protocol.message import Message
from mcpscope.protocol.revisions import SERVER_INFO

Part = tuple[str, Message]
"""An upstream's name and what it answered."""

MOST_LEVELS = 16
"""How deep capabilities are merged; none are as deep."""

_SURFACES = ("tools", "prompts", "resources")


def server_info(label: str) -> dict[str, str]:
    return {"name": f"mcpscope/{label}", "version": __version__}


def merged_list(listing: Listing, parts: Sequence[Part], names: Names, *, modern: bool, label: str) -> bytes:
    """The result with the items of all ``parts`` in their order, each as its upstream wrote it but for its
    name; what two offer under one name is left out."""
    shown: list[tuple[str, str, bytes]] = []
    cursors: dict[str, Any] = {}
    for who, answer in parts:
        cursor = answer.result.get("nextCursor")
        if isinstance(cursor, str | int):  # anything else is none, and may be nested without end
            cursors[who] = cursor
        shown += _items(listing, who, answer, names)
    for who, name, _ in shown:
        names.claim(listing.member, name, who)
    kept = [raw for who, name, raw in shown if names.owner(listing.member, name) == who]
    rest: dict[str, Any] = {}
    if cursors:
        rest["nextCursor"] = write_cursor(cursors)
    if modern:
        rest |= _freshness(parts) | {"resultType": "complete", "_meta": {SERVER_INFO: server_info(label)}}
    more = b"".join(b"," + encode(key) + b":" + encode(value) for key, value in rest.items())
    return b"{" + encode(listing.member) + b":[" + b",".join(kept) + b"]" + more + b"}"


def write_cursor(cursors: Mapping[str, Any]) -> str:
    """Where each upstream's list goes on, as one word."""
    return base64.urlsafe_b64encode(json.dumps(dict(cursors)).encode()).decode().rstrip("=")


def read_cursor(text: object) -> dict[str, Any] | None:
    """What ``write_cursor`` was given; None for what it never wrote."""
    if not isinstance(text, str):
        return None
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


def merged_capabilities(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What any of them can; that lists change is always said, for upstreams come and go."""
    merged: dict[str, Any] = {}
    for capabilities in found:
        _join(merged, capabilities, MOST_LEVELS)
    for surface in _SURFACES:
        if isinstance(merged.get(surface), dict):
            merged[surface]["listChanged"] = True
    return merged


def merged_instructions(parts: Iterable[tuple[str, Any]]) -> str:
    """The instructions of each, under its name."""
    return "\n\n".join(f"# {who}\n{text}" for who, text in parts if isinstance(text, str) and text)


def _items(listing: Listing, who: str, answer: Message, names: Names) -> list[tuple[str, str, bytes]]:
    """Owner, name and bytes of each item, as clients are to see it."""
    raw = answer.raw
    there = find(raw, ("result", listing.member))
    if there is None or raw[there[0] : there[0] + 1] != b"[":
        return []
    found: list[tuple[str, str, bytes]] = []
    prefix = names.prefix(who)
    bodies = answer.result.get(listing.member)
    for slot, body in zip(slots(raw, there[0]), bodies, strict=True):
        item = raw[slot.value : slot.end]
        name = body.get(listing.key) if isinstance(body, dict) else None
        if not isinstance(name, str):
            continue
        own = body.get("name")
        if prefix and isinstance(own, str):
            item = put(item, ("name",), encode(prefix + own))
        found.append((who, prefix + name if listing.prefixed else name, item))
    return found


def _freshness(parts: Sequence[Part]) -> dict[str, Any]:
    """How long a list of all may be kept: as the least lasting of them, and by nobody else."""
    lasting = [answer.result.get("ttlMs") for _, answer in parts]
    least = min((ttl for ttl in lasting if isinstance(ttl, int)), default=0) if all(lasting) else 0
    return {"ttlMs": least, "cacheScope": "private"}


def _join(into: dict[str, Any], other: Mapping[str, Any], levels: int) -> None:
    for key, value in other.items():
        if isinstance(value, dict):
            held = into.setdefault(key, {})
            if isinstance(held, dict) and levels:
                _join(held, value, levels - 1)
        elif into.get(key) is not True and not (isinstance(value, list) and any(map(_is_nested, value))):
            into[key] = value


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)
