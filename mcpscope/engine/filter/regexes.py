"""Regular expressions: RE2, loaded when the first is used. One that is only a text is compared as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from mcpscope.engine.filter.errors import FilterError

MAX_MEMORY_BYTES = 8 << 20
_ONLY_TEXT = re.compile(r"(\^?)((?:[^\\.+*?()|\[\]{}^$]|\\[!-/:-@\[-`{-~])+)(\$?)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=1024)
def bytes_searcher(pattern: str) -> Callable[[bytes], bool]:
    """Whether a text, as ``encoded`` makes it, has a match anywhere; raises ``re2.error``."""
    return _text_searcher(pattern) or _re2_searcher(pattern)


def searcher(pattern: str) -> Callable[[str], bool]:
    """The same for a text as it is."""
    search = bytes_searcher(pattern)
    return lambda text: search(encoded(text))


def encoded(text: str) -> bytes:
    """``text`` for RE2, which then need not map offsets back: that costs more than the search."""
    return text.encode("utf-8", "replace")


def _text_searcher(pattern: str) -> Callable[[bytes], bool] | None:
    """The search of a pattern without anything but a text in it, at an end or anywhere; None for others."""
    found = _ONLY_TEXT.fullmatch(pattern)
    if found is None or not pattern.isprintable():
        return None
    text = encoded(_ESCAPED.sub(r"\1", found[2]))
    if found[1] and found[3]:
        return text.__eq__
    if found[1]:
        return lambda value: value.startswith(text)
    if found[3]:
        return lambda value: value.endswith(text)
    return lambda value: text in value


def _re2_searcher(pattern: str) -> Callable[[bytes], bool]:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    options.dot_nl = False
    search = re2.compile(encoded(pattern), options).search
    return lambda value: search(value) is not None


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
