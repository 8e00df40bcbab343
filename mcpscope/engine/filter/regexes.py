"""Regular expressions: RE2, loaded when the first one is used."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from mcpscope.engine.filter.errors import FilterError

MAX_MEMORY_BYTES = 8 << 20


@lru_cache(maxsize=256)
def searcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a match anywhere; raises ``re2.error``.

    The text goes in as bytes: RE2 then need not map offsets back, which costs more than the search.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    options.dot_nl = False
    search = re2.compile(pattern.encode("utf-8", "replace"), options).search

    def found(text: str) -> bool:
        return search(text.encode("utf-8", "replace")) is not None

    return found


def check_regex(pattern: str, text: str, start: int, end: int) -> None:
    """Raise FilterError for what RE2 does not take."""
    import re2

    try:
        searcher(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        hint = "regular expressions are RE2: no look-around and no back-references" if "?" in words else ""
        raise FilterError(f"not a regular expression: {words}", text, start, end, hint) from None
