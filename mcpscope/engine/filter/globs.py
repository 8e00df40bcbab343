"""Wildcards: ``*`` for any characters and ``?`` for one, over a whole value or inside a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from mcpscope.engine.filter.ast import Word

Test = Callable[[str], bool]


def whole(words: Sequence[Word], *, literal: bool = False) -> Test:
    """Whether a value, from end to end, is one of ``words``. The empty value is none of them."""
    exact = frozenset(word.text for word in words if literal or not word.is_glob) - {""}
    globs = [] if literal else [glob(word.text) for word in words if word.is_glob]
    if not globs:
        return exact.__contains__
    if len(globs) == 1 and not exact:
        only = globs[0]
        return lambda value: value != "" and only(value)
    return lambda value: value in exact or (value != "" and any(test(value) for test in globs))


def glob(pattern: str) -> Test:
    """One pattern over a whole value, case-sensitive, in time linear in the value for each star."""
    body = pattern.rstrip("*")
    if len(pattern) - len(body) == 1 and "*" not in body and "?" not in body:
        return lambda value: value.startswith(body)
    match = re.compile(translate(pattern.replace("[", "[[]"))).match
    return lambda value: match(value) is not None


def inside(word: Word) -> Test:
    """Whether a text, already folded, contains ``word``; case-insensitive, ``*`` and ``?`` as wildcards."""
    folded = word.text.casefold()
    if not word.is_glob:
        return lambda text: folded in text
    finders = [_finder(part) for part in folded.split("*") if part]

    def contains(text: str) -> bool:
        at = 0
        for find in finders:
            at = find(text, at)
            if at < 0:
                return False
        return True

    return contains


def literal_parts(word: Word) -> list[str]:
    """The stretches without wildcards that any text with ``word`` inside must contain, folded."""
    folded = word.text.casefold()
    return re.split(r"[*?]+", folded) if word.is_glob else [folded]


def _finder(part: str) -> Callable[[str, int], int]:
    """The end of the first occurrence behind a position, or -1."""
    if "?" not in part:
        length = len(part)

        def find(text: str, at: int) -> int:
            found = text.find(part, at)
            return found + length if found >= 0 else -1

        return find
    search = re.compile("".join("." if char == "?" else re.escape(char) for char in part), re.DOTALL).search

    def find_pattern(text: str, at: int) -> int:
        found = search(text, at)
        return found.end() if found else -1

    return find_pattern
