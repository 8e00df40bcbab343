"""JSON-RPC ids as keys: 1, "1" and 1.0 are three ids, yet peers take one for another (mcp-wire 10.3)."""

from __future__ import annotations

IdKey = tuple[str, str | float | bool | None]


def id_key(id: object) -> IdKey:
    """An id with its JSON type."""
    if isinstance(id, str | int | float | bool):
        return (type(id).__name__, id)
    return ("null", None)


def same_id(key: IdKey, id: object) -> bool:
    """Whether an answer's ``id`` may mean the request's ``key``: equal, or as a loose peer spells it."""
    if key == id_key(id):
        return True
    value = key[1]
    if value is None or id is None or isinstance(value, bool) or isinstance(id, bool):
        return False
    return str(value) == str(id) or value == id
