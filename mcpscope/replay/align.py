"""Which item of one array stands for which item of another: by identity in lists of things that have one."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import Any

from mcpscope.replay.json_paths import Path

Pair = tuple[int | None, int | None]

# Lists whose order carries no meaning, with the member that names an item (mcp-wire.md 11).
_NAMED = {
    "tools": "name",
    "prompts": "name",
    "resources": "uri",
    "resourceTemplates": "uriTemplate",
    "roots": "uri",
}
_MINTED = frozenset({"uri"})
_SETS = frozenset({"required", "supportedVersions"})
_IDENTITIES = ("id", "name", "uri", "key", "path")
MAX_ALIGNED_ITEMS = 5_000


def pairs_of(path: Path, was: Sequence[Any], now: Sequence[Any]) -> tuple[list[Pair], bool]:
    """Pairs of indexes, None where an item has no counterpart; and whether named items changed places."""
    key = _NAMED.get(str(path[-1])) if len(path) == 2 and path[0] == "result" else None
    if key is not None and _all_have(key, was) and _all_have(key, now):
        pairs, moved = _by_key([item[key] for item in was], [item[key] for item in now])
        return (_by_the_rest(pairs, key, was, now) if key in _MINTED else pairs), moved
    if path[-1] in _SETS and all(isinstance(item, str) for item in [*was, *now]):
        pairs, _ = _by_key(list(was), list(now))
        return pairs, False
    if len(was) == len(now) or max(len(was), len(now)) > MAX_ALIGNED_ITEMS:
        return _by_place(len(was), len(now)), False
    return _by_likeness(was, now), False


def _all_have(key: str, items: Sequence[Any]) -> bool:
    names = [item.get(key) if isinstance(item, dict) else None for item in items]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _by_key(was: list[str], now: list[str]) -> tuple[list[Pair], bool]:
    places = {name: index for index, name in enumerate(now)}
    pairs: list[Pair] = [(index, places.get(name)) for index, name in enumerate(was)]
    known = set(was)
    pairs.extend((None, index) for index, name in enumerate(now) if name not in known)
    both = [new for old, new in pairs if old is not None and new is not None]
    return pairs, both != sorted(both)


def _by_the_rest(pairs: list[Pair], key: str, was: Sequence[Any], now: Sequence[Any]) -> list[Pair]:
    """Pair items left over whose addresses differ and nothing else: the server minted them for this run."""

    def rest(item: dict[str, Any]) -> str:
        return json.dumps({name: value for name, value in item.items() if name != key}, sort_keys=True)

    new: dict[str, deque[int]] = defaultdict(deque)
    for old, at in pairs:
        if old is None and at is not None:
            new[rest(now[at])].append(at)
    found: list[Pair] = []
    taken: set[int] = set()
    for old, at in pairs:
        if at is None and old is not None and (alike := new.get(rest(was[old]))):
            at = alike.popleft()
            taken.add(at)
        if old is not None or at not in taken:
            found.append((old, at))
    return found


def _by_place(was: int, now: int) -> list[Pair]:
    shared: list[Pair] = [(index, index) for index in range(min(was, now))]
    shared.extend((index, None) for index in range(now, was))
    shared.extend((None, index) for index in range(was, now))
    return shared


def _by_likeness(was: Sequence[Any], now: Sequence[Any]) -> list[Pair]:
    """Pair equal items in order, then what stands between two pairs by place."""
    matcher = SequenceMatcher(None, [_identity(i) for i in was], [_identity(i) for i in now], autojunk=False)
    pairs: list[Pair] = []
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            pairs.extend(zip(range(old_from, old_to), range(new_from, new_to), strict=True))
            continue
        shared = min(old_to - old_from, new_to - new_from)
        pairs.extend((old_from + i, new_from + i) for i in range(shared))
        pairs.extend((index, None) for index in range(old_from + shared, old_to))
        pairs.extend((None, index) for index in range(new_from + shared, new_to))
    return pairs


def _identity(item: Any) -> Hashable:
    if isinstance(item, dict):
        for key in _IDENTITIES:
            if isinstance(item.get(key), str | int):
                return (key, item[key])
    return json.dumps(item, sort_keys=True, default=str)
