"""JSON-RPC ids as keys: 1, "1" and 1.0 are three ids, yet peers take one for another (mcp-wire 10.3)."""

from __future__ import annotations

IdKey = tuple[str, str | float | bool | None]

_TYPES: dict[type, str] = {one: one.__name__ for one in (str, int, float, bool)}


def id_key(id: object) -> IdKey:
    """An id with its JSON type."""
    kind = _TYPES.get(type(id))
    return ("null", None) if kind is None else (kind, id)  # type: ignore[return-value]  # it has one of the types


def same_id(key: IdKey, id: object) -> bool:
    """Whether an answer's ``id`` may mean the request's ``key``: equal, or as a loose peer spells it."""
    if key == id_key(id):
        return True
    value = key[1]
    if value is None or id is None or isinstance(value, bool) or isinstance(id, bool):
        return False
    return str(value) == str(id) or value == id
