"""Edits of a JSON text by splicing: RFC 6902 and set/remove of paths; what is not edited keeps its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mcpscope.engine import plain_edits, spans

Pointer = tuple[str, ...]

_INDEX = re.compile(r"0|[1-9][0-9]*")
_STEP = re.compile(r"\.?([^.\[\]\"]+)|\[(\d+)\]|\.?\[?\"((?:[^\"\\]|\\.)*)\"\]?")
_ALIASES = {"args": ("params", "arguments"), "arguments": ("params", "arguments")}


class PatchError(ValueError):
    """An edit that cannot be made; the text names the operation, the path and the reason."""


def apply(raw: bytes, operations: Iterable[Mapping[str, Any]]) -> bytes:
    """``raw`` after the ``operations`` of a JSON Patch (RFC 6902), all or none; ``set`` is an op of ours.

    ``set`` replaces what is there or adds it, making the objects that are missing on the way. Only the
    values named are written (stdlib json: exact integers); ``move`` and ``copy`` keep their bytes. Raises
    PatchError.
    """
    for number, operation in enumerate(operations):
        try:
            raw = _operate(raw, operation)
        except PatchError as error:
            raise PatchError(f"operation {number}: {error}") from None
    return raw


def pointer(path: str) -> Pointer:
    """The reference tokens of a JSON Pointer (``/params/x``) or a dotted path (``args.q``, ``$.a[0]``)."""
    if path == "" or path == "$":
        return ()
    if path.startswith("/"):
        return tuple(token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/"))
    rest = path[2:] if path.startswith("$.") else path.removeprefix("$")
    tokens: list[str] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None:
            raise PatchError(f"{path!r} is no path: it stops making sense at {at}")
        plain, index, quoted = found.groups()
        tokens.append(plain or index or json.loads(f'"{quoted}"'))
        at = found.end()
    if not path.startswith("$") and tokens[0] in _ALIASES:
        return (*_ALIASES[tokens[0]], *tokens[1:])
    return tuple(tokens)


def encode(value: Any) -> bytes:
    """``value`` as compact JSON; lone surrogates are escaped, NaN and infinities refused (PatchError)."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise PatchError(str(error)) from None


def put(raw: bytes, path: Pointer, spelled: bytes, *, grow: bool = False) -> bytes:
    """``raw`` with ``spelled`` (JSON) at ``path``: replaced where something is, else added.

    ``grow`` makes missing objects on the way; without it the parent must be there.
    """
    plain = plain_edits.put(raw, path, spelled, grow=grow)
    return plain if plain is not None else spliced_in(raw, path, spelled, grow=grow)


def spliced_in(raw: bytes, path: Pointer, spelled: bytes, *, grow: bool = False) -> bytes:
    """``put`` for any text."""
    there = spans.find(raw, path)
    if there is not None:
        return raw[: there[0]] + spelled + raw[there[1] :]
    *parent, key = path
    holder = spans.find(raw, tuple(parent))
    if holder is None:
        if not grow:
            raise PatchError(f"{shown(tuple(parent))} is not there")
        return spliced_in(raw, tuple(parent), b"{" + encode(key) + b":" + spelled + b"}", grow=True)
    return _append(raw, holder, key, spelled)


def cut(raw: bytes, path: Pointer) -> bytes:
    """``raw`` without the member or element at ``path`` and one of the commas beside it."""
    plain = plain_edits.cut(raw, path)
    return plain if plain is not None else spliced_out(raw, path)


def spliced_out(raw: bytes, path: Pointer) -> bytes:
    """``cut`` for any text."""
    *parent, key = path if path else ("",)
    holder = spans.find(raw, tuple(parent)) if path else None
    if holder is None:
        raise PatchError(f"{shown(path)} is not there")
    found = list(spans.slots(raw, holder[0]))
    place = next((n for n in reversed(range(len(found))) if found[n].key == key), None)
    if place is None:
        raise PatchError(f"{shown(path)} is not there")
    if place + 1 < len(found):
        return raw[: found[place].start] + raw[found[place + 1].start :]
    start = found[place - 1].end if place else found[place].start
    return raw[:start] + raw[found[place].end :]


def shown(path: Pointer) -> str:
    """``path`` as a JSON Pointer."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in path) or "the whole message"


def _operate(raw: bytes, operation: Mapping[str, Any]) -> bytes:
    name = operation.get("op")
    if not isinstance(operation.get("path"), str):
        raise PatchError("it has no path")
    path = pointer(operation["path"])
    if name in ("add", "replace", "test", "set"):
        return _with_value(raw, str(name), path, _value(operation))
    if name == "remove":
        return cut(raw, path)
    if name not in ("move", "copy") or not isinstance(operation.get("from"), str):
        raise PatchError(f"{name!r} is not add, remove, replace, move, copy, test or set")
    source = pointer(operation["from"])
    there = spans.find(raw, source)
    if there is None:
        raise PatchError(f"{shown(source)} is not there")
    moved = raw[there[0] : there[1]]
    if name == "move":
        if path[: len(source)] == source and path != source:
            raise PatchError(f"{shown(source)} cannot move into itself")
        raw = cut(raw, source)
    return _add(raw, path, moved)


def _with_value(raw: bytes, name: str, path: Pointer, spelled: bytes) -> bytes:
    if name == "set":
        return put(raw, path, spelled, grow=True)
    if name == "add":
        return _add(raw, path, spelled)
    there = spans.find(raw, path)
    if there is None:
        raise PatchError(f"{shown(path)} is not there")
    if name == "replace":
        return raw[: there[0]] + spelled + raw[there[1] :]
    if not same(json.loads(raw[there[0] : there[1]]), json.loads(spelled)):
        raise PatchError(f"{shown(path)} is not what the test expects")
    return raw


def same(one: Any, other: Any) -> bool:
    """JSON equality: numbers by value, but true is not 1 (RFC 6902, 4.6)."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _value(operation: Mapping[str, Any]) -> bytes:
    if "value" not in operation:
        raise PatchError("it has no value")
    return encode(operation["value"])


def _add(raw: bytes, path: Pointer, spelled: bytes) -> bytes:
    """RFC 6902 ``add``: into an object it sets, into an array it inserts before."""
    if not path:
        start = spans.value_start(raw)
        return raw[:start] + spelled + raw[spans.value_end(raw, start) :]
    holder = spans.find(raw, path[:-1])
    if holder is None:
        raise PatchError(f"{shown(path[:-1])} is not there")
    if raw[holder[0] : holder[0] + 1] != b"[":
        return put(raw, path, spelled)
    found = list(spans.slots(raw, holder[0]))
    if path[-1] != "-" and not (_INDEX.fullmatch(path[-1]) and int(path[-1]) <= len(found)):
        raise PatchError(f"{shown(path)} is beyond the end of the array")
    place = len(found) if path[-1] == "-" else int(path[-1])
    if place < len(found):
        start = found[place].start
        return raw[:start] + spelled + b"," + raw[start:]
    return _append(raw, holder, path[-1], spelled)


def _append(raw: bytes, holder: tuple[int, int], key: str, spelled: bytes) -> bytes:
    opening = raw[holder[0] : holder[0] + 1]
    if opening == b"{":
        spelled = encode(key) + b":" + spelled
    elif opening != b"[" or not (key == "-" or _INDEX.fullmatch(key)):
        raise PatchError(f"{key!r} has no place in what is there")
    found = list(spans.slots(raw, holder[0]))
    if opening == b"[" and key != "-" and int(key) != len(found):
        raise PatchError(f"{key} is beyond the end of the array")
    if not found:
        return raw[: holder[0] + 1] + spelled + raw[holder[1] - 1 :]
    end = found[-1].end
    return raw[:end] + b"," + spelled + raw[end:]
