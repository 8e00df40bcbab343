"""What to try instead: the nearest word of a list."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from mcpscope.engine.filter.fields import FIELDS, SYNONYMS


def nearest(word: str, words: Iterable[str]) -> str:
    """The word of ``words`` that is most like ``word``, or empty."""
    known = list(words)
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if found:
        return found[0]
    starts = [one for one in known if len(word) > 1 and one.startswith(word.lower())]
    return starts[0] if starts else ""


def field(name: str) -> str:
    """``did you mean tool?`` for a field that does not exist; else how to search for the text."""
    lowered = name.lower()
    meant = lowered if lowered in FIELDS else SYNONYMS.get(lowered) or nearest(lowered, FIELDS)
    return f"did you mean {meant}?" if meant else ""


def quoted(word: str) -> str:
    return f'to search for the word itself write "{word}"'
