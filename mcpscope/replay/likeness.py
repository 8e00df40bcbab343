"""When a live request is a recorded one, and what keeps it from being one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.protocol.methods import Method
from mcpscope.replay.json_paths import Path, show

MASKED = re.compile(r"\[(?:masked \d+|redacted:[0-9a-f]{8})\]")
"""What stands in a recording where a secret was."""
OPENING = frozenset({Method.INITIALIZE.value, Method.DISCOVER.value})
_NOTHING: Any = object()
_SHOWN_CHARS = 60
_AROUND_CHARS = 16
MAX_NAMED = 3


def said_in(request: Message) -> dict[str, Any]:
    """What a request asks for: its params without what the client adds on its own account.

    Left out are ``_meta``, members that are null, and empty arguments; of a handshake everything.
    """
    if request.method in OPENING:
        return {}
    found = {
        key: value
        for key, value in request.params.items()
        if key != "_meta" and value is not None and (key != "arguments" or value != {})
    }
    return {key: _answers(value) if key == "inputResponses" else value for key, value in found.items()}


def key_of(request: Message) -> str:
    """Equal for requests that ask for the same."""
    text = json.dumps(_plain(said_in(request)), sort_keys=True, ensure_ascii=False, default=str)
    return f"{request.method} {text}"


def fits(recorded: Message, live: Message) -> bool:
    """Whether a recorded request with masked values may be the live one."""
    return recorded.method == live.method and _may_be(said_in(recorded), said_in(live))


def is_masked(request: Message) -> bool:
    """Whether something of it was taken out of the recording."""
    if b"[masked " not in request.raw and b"[redacted:" not in request.raw:
        return False
    return MASKED.search(json.dumps(request.params, ensure_ascii=False)) is not None


@dataclass(frozen=True, slots=True)
class Contrast:
    """One place where a live request is not as the recorded one; ``text`` says how."""

    path: Path
    text: str
    weight: float


def contrasts(recorded: Message, live: Message) -> list[Contrast]:
    """All of them, the telling ones first: the name of what is called, then by place."""
    found = list(_walk((), said_in(recorded), said_in(live)))
    return sorted(found, key=lambda one: -one.weight)


def told(found: list[Contrast]) -> str:
    """Contrasts in one line."""
    text = ", ".join(one.text for one in found[:MAX_NAMED])
    more = len(found) - MAX_NAMED
    return f"{text}, and {more} more" if more > 0 else text


def _answers(value: Any) -> Any:
    """``inputResponses`` without what a model wrote and where its roots are: both differ from run to run."""
    if not isinstance(value, dict):
        return value
    return {key: _FREE if _is_free(item) else item for key, item in value.items()}


_FREE = "(what the client's model or disk gives)"


def _is_free(item: Any) -> bool:
    return isinstance(item, dict) and (("role" in item and "model" in item) or set(item) == {"roots"})


def _plain(value: Any) -> Any:
    """Numbers in one spelling: 1.0 and 1 are the same number."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _may_be(recorded: Any, live: Any) -> bool:
    if isinstance(recorded, str) and MASKED.search(recorded):
        if MASKED.fullmatch(recorded):
            return not isinstance(live, dict | list)
        parts = MASKED.split(recorded)
        whole = ".*".join(map(re.escape, parts))
        return isinstance(live, str) and re.fullmatch(whole, live, re.S) is not None
    if isinstance(recorded, dict) and isinstance(live, dict):
        return recorded.keys() == live.keys() and all(_may_be(recorded[key], live[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(live, list):
        return len(recorded) == len(live) and all(map(_may_be, recorded, live))
    return _same(recorded, live)


def _same(recorded: Any, live: Any) -> bool:
    if isinstance(recorded, bool) or isinstance(live, bool):
        return recorded is live
    return bool(recorded == live)


def _walk(path: Path, was: Any, now: Any) -> Iterator[Contrast]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*was, *now)):
            yield from _walk((*path, key), was.get(key, _NOTHING), now.get(key, _NOTHING))
    elif isinstance(was, list) and isinstance(now, list):
        for index in range(max(len(was), len(now))):
            old, new = (items[index] if index < len(items) else _NOTHING for items in (was, now))
            yield from _walk((*path, index), old, new)
    elif not _may_be(was, now):
        yield _contrast(path, was, now)


def _contrast(path: Path, was: Any, now: Any) -> Contrast:
    place = show(path).removeprefix("$.") or "params"
    if was is _NOTHING:
        return Contrast(path, f"{place} is new: {_shown(now)}", 1.0)
    if now is _NOTHING:
        return Contrast(path, f"{place} was {_shown(was)} and is missing", 1.0)
    if _kind(was) != _kind(now):
        kinds = f"{place} was the {_kind(was)} {_shown(was)} and is the {_kind(now)} {_shown(now)}"
        return Contrast(path, kinds, 1.0)
    weight, (old, new) = 1.0, (_shown(was), _shown(now))
    if isinstance(was, str) and isinstance(now, str):
        weight = 1.0 - 0.5 * SequenceMatcher(None, was[:400], now[:400], autojunk=False).ratio()
        old, new = _shown_texts(was, now)
    if path in (("name",), ("uri",), ("taskId",)):
        weight *= 8.0
    return Contrast(path, f"{place} was {old} and is {new}", weight)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "value")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"


def _shown_texts(was: str, now: str) -> tuple[str, str]:
    """Two strings; of long ones the part where they begin to differ."""
    if max(len(was), len(now)) <= _SHOWN_CHARS:
        return _shown(was), _shown(now)
    same = next(
        (i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now))
    )
    start = max(0, same - _AROUND_CHARS)

    def cut(text: str) -> str:
        part = text[start : start + 2 * _AROUND_CHARS]
        head, tail = "…" if start else "", "…" if start + len(part) < len(text) else ""
        return json.dumps(head + part + tail, ensure_ascii=False)

    return cut(was), f"{cut(now)} (from character {same + 1} on)"
