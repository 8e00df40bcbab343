"""Which values a server may have made up for one run, and how they stand in what is said: whole, in texts.

The rules are those of mcp-wire.md 11: certain members always hold such values; any other value may be one
where it is opaque, or where its place or the word before it speaks of identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from functools import lru_cache
from typing import Any

from mcpscope.replay.embedded import document_in
from mcpscope.replay.json_paths import Path

Scalar = str | int
MIN_OPAQUE_CHARS = 8
MIN_OPAQUE_NUMBER = 10_000
MAX_HANDLE_CHARS = 2_048
MAX_SEARCHED_CHARS = 1 << 16
MAX_CACHED = 4_096
_WORD = re.compile(
    r"(?<![\w-])(?P<noun>[A-Za-z]+)[^\w\n-]{1,4}(?P<number>\d{1,7})(?!\w|[.,:-]\d)"
    r"|#(?P<hash>\d{1,7})(?!\w|[.,:-]\d)"
    r"|(?<![\w-])(?P<short>[0-9a-f]{7})(?![\w-])"
    r"|(?P<token>[A-Za-z0-9][A-Za-z0-9_-]{7,})"
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_SEGMENT = re.compile(r"(?<=[/?&=:#])[A-Za-z0-9_.~-]{1,64}(?=[/?&#]|$)")
_ID_KEY = re.compile(
    r"(?:^|[_-])(?:id|ids|handle|token|cursor|key|ref|number)$|[a-z](?:Id|Ids|Handle|Token|Key|Ref|Number)$",
    re.I,
)
_ID_NOUNS = frozenset({"id", "handle", "number", "row", "key", "ref", "token"})
_CERTAIN = frozenset({"nextCursor", "requestState", "taskId", "elicitationId", "toolUseId", "uri"})
_NEVER = frozenset({"method", "protocolVersion", "mimeType", "data", "blob"})
_DIGIT = re.compile(r"\d")
_BLANK = re.compile(r"\s")
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SAYS_NOTHING = frozenset(
    {"id", "get", "create", "read", "list", "add", "new", "make", "at", "of", "to", "in", "is"}
    | {"result", "structured", "content", "text", "tool", "call"}
)


def is_never(path: Path) -> bool:
    """Whether a place holds words of the protocol, or bytes: no value that anybody repeats."""
    return _key_of(path) in _NEVER


def speaks_of_identity(path: Path) -> bool:
    return _is_id_key(_key_of(path))


def names_in(*said: str | int) -> frozenset[str]:
    """The words that say what a value stands for: of a tool's name, of the members it lies in."""
    return _names_in(" ".join(word for word in said if isinstance(word, str)))


@lru_cache(maxsize=MAX_CACHED)
def _names_in(said: str) -> frozenset[str]:
    return frozenset(part.lower().rstrip("s") for part in _NAME_PART.findall(said)) - _SAYS_NOTHING


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Every string and integer of a document with its place; documents inside texts are opened, too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    elif isinstance(value, str):
        if (inner := document_in(value)) is not None:
            yield from leaves(inner, path)
        else:
            yield path, value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def minted_in(path: Path, value: Scalar, nouns: Set[str]) -> Iterator[tuple[Scalar, str]]:
    """What of one value of a server may be made up for this run: all of it, or words of it.

    With a number comes the word before it, and a ``?`` where that is none of identity nor one of ``nouns``:
    then it is minted only if a client repeats it under that name.
    """
    if is_never(path):
        return
    if isinstance(value, int):
        if speaks_of_identity(path) or _key_of(path) == "text" or value >= MIN_OPAQUE_NUMBER:
            yield value, ""
        return
    if _is_handle(path, value):
        yield value, ""
        if (number := number_in(value)) is not None:
            yield number, ""
    yield from _words_minted(value, nouns)


def _words_minted(value: str, nouns: Set[str]) -> Iterator[tuple[Scalar, str]]:
    if len(value) > MAX_SEARCHED_CHARS:
        return
    for match in _WORD.finditer(value):
        word, noun = _scalar(match, nouns), (match["noun"] or "").lower().rstrip("s")
        if word is None:
            yield int(match["number"]), noun + "?"
        elif isinstance(word, int):
            yield word, noun
        elif _DIGIT.search(word):
            yield word, ""


def echoed_in(path: Path, value: Scalar, nouns: Callable[[int], Set[str]]) -> Iterator[Scalar]:
    """What of one value of a client may be something that its server said: all of it, or words of it.

    Numbers are repeated everywhere by accident: they count only in a place that speaks of identity, or of
    what the server called them (``nouns``).
    """
    number = value if isinstance(value, int) else number_in(value)
    if isinstance(value, str):
        yield value
    if number is not None:
        if is_place_of(path, number, nouns(number)):
            yield number
        return
    assert isinstance(value, str)
    yield from split(value, frozenset())[1]
    for segment in _segments(value):
        digits = number_in(segment)
        yield segment if digits is None else digits


def is_place_of(path: Path, number: int, nouns: Set[str]) -> bool:
    """Whether a place may hold a number as the name of something, which the server called by ``nouns``."""
    named = speaks_of_identity(path) or number >= MIN_OPAQUE_NUMBER
    return named or not nouns.isdisjoint(names_in(_key_of(path)))


def number_in(text: str) -> int | None:
    """The number that a text is, as a server counts; longer ones are opaque words."""
    return int(text) if text.isdecimal() and len(text) < MIN_OPAQUE_CHARS else None


def split(text: str, nouns: Set[str]) -> tuple[list[str], list[Scalar]]:
    """What stands between the words of a text that may be minted, and these words.

    A number is one behind a word of identity or one of ``nouns``. Where the whole text is one, there is none.
    """
    between: list[str] = []
    found: list[Scalar] = []
    at = 0
    if len(text) > MAX_SEARCHED_CHARS:
        return [text], []
    for match in _WORD.finditer(text):
        if (word := _scalar(match, nouns)) is None or match["token"] == text:
            continue
        group = match.lastgroup or ""
        between.append(text[at : match.start(group)])
        found.append(word)
        at = match.end(group)
    return [*between, text[at:]], found


def replaced(text: str, live: Callable[[Scalar], Scalar]) -> str:
    """A client's text with what a live server minted in the place of what the recorded one did."""

    def segment(match: re.Match[str]) -> str:
        digits = number_in(match[0])
        return str(live(match[0] if digits is None else digits))

    if _ADDRESS.match(text):
        text = _SEGMENT.sub(segment, text)
    between, found = split(text, frozenset())
    parts = [before + str(live(word)) for before, word in zip(between, found, strict=False)]
    return "".join([*parts, between[-1]])


def _scalar(match: re.Match[str], nouns: Set[str]) -> Scalar | None:
    if (token := match["token"] or match["short"]) is not None:
        return token
    if match["hash"] is not None:
        return int(match["hash"])
    noun, number = match["noun"].lower(), int(match["number"])
    strong = "#" in match[0] or noun in _ID_NOUNS or noun.rstrip("s") in nouns or number >= MIN_OPAQUE_NUMBER
    return number if strong else None


@lru_cache(maxsize=MAX_CACHED)
def _is_id_key(key: str) -> bool:
    return bool(_ID_KEY.search(key))


def _key_of(path: Path) -> str:
    for step in reversed(path):
        if isinstance(step, str):
            return step
    return ""


def _segments(text: str) -> list[str]:
    """The parts of an address: of its path and of its query."""
    return _SEGMENT.findall(text) if _ADDRESS.match(text) else []


def _is_handle(path: Path, value: str) -> bool:
    if not 0 < len(value) <= MAX_HANDLE_CHARS or _BLANK.search(value):
        return False
    if _key_of(path) in _CERTAIN or speaks_of_identity(path):
        return True
    return len(value) >= MIN_OPAQUE_CHARS and _DIGIT.search(value) is not None
