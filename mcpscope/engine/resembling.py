"""What a person who approves a call may take for something else: names and words drawn like others."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from mcpscope.engine.passage import Passage
from mcpscope.engine.readings import named
from mcpscope.engine.ruled import Ruled
from mcpscope.protocol.lookalikes import latin, skeleton

MAX_TOLD = 10
MAX_CHARS = 20_000


def lookalikes(passage: Passage, listed: Iterable[str], ruled: Ruled) -> list[str]:
    """What to be careful about in ``passage``, in words; ``listed`` are the names the server gave."""
    found = [
        f"{name} looks like {other}{_points(name)}"
        for name in named(passage.message)
        for other in sorted({other for other in listed if _alike(name, other)} | {*ruled.alike(name)})
    ]
    params = passage.message.params
    for place, text in _texts(params.get("arguments", params), "args" if "arguments" in params else "params"):
        found += [f"{place}: {said}" for said in _odd(text[:MAX_CHARS])]
        if len(found) >= MAX_TOLD:
            break
    return found[:MAX_TOLD]


def _alike(name: str, other: str) -> bool:
    return name != other and skeleton(name) == skeleton(other)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text in ``value`` that is not plain ASCII, and where it is; names of members, too."""
    waiting: list[tuple[str, Any]] = [(place, value)]
    while waiting:
        at, one = waiting.pop()
        if isinstance(one, dict):
            waiting += [(f"{at}.{key}", item) for key, item in one.items()]
            yield from ((at, key) for key in one if not key.isascii())
        elif isinstance(one, list):
            waiting += [(f"{at}[{number}]", item) for number, item in enumerate(one)]
        elif isinstance(one, str) and not one.isascii():
            yield at, one


def _odd(text: str) -> Iterator[str]:
    for word in text.split():
        if word.isascii():
            continue
        plain = "".join(char for char in word if unicodedata.category(char) != "Cf")
        drawn = latin(plain)
        if drawn.isascii() and drawn != word:
            yield f"{word} reads as {drawn}{_points(word)}"


def _points(text: str) -> str:
    points = " ".join(f"U+{ord(char):04X}" for char in text if not char.isascii())
    return f" ({points})" if points else ""
