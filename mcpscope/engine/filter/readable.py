"""The text of a message as free-text search sees it: decoded, with JSON's escapes resolved."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\"\\/bfnrt])"
)
_SHORT = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_JSON_STARTS = (b"{", b"[")


def readable(raw: bytes) -> str:
    """``raw`` as text. In what looks like JSON ``\\u00fc`` reads ü and ``\\"`` reads ``"``.

    A string value stands in it whole, whatever its spelling on the wire.
    """
    text = raw.decode("utf-8", "replace")
    if "\\" not in text or not raw.lstrip().startswith(_JSON_STARTS):
        return text
    return _ESCAPE.sub(_resolve, text)


def folded(raw: bytes) -> str:
    """``readable``, without the difference of upper and lower case."""
    return readable(raw).casefold()


def _resolve(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 1:
        return _SHORT[code]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    high, low = int(code[1:5], 16), int(code[7:], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
