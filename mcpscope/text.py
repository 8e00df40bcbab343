"""``safe()`` and ``json_text()``: the one gate between recorded text and every sink that shows it."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001f3fb-\U0001f3ff"
    "\U000e0100-\U000e01ef]"
)
"""What draws nothing whatever its category says (Unicode's Default_Ignorable_Code_Point, and an empty Braille
cell): a text can be hidden in it. The colours of emoji are there, too: no two terminals agree on their width.
"""
_CACHE: dict[str, str] = {}
_CACHE_LIMIT = 8192
_UNSAFE = re.compile(r"[^ -~]")


def _shown(char: str) -> str:
    if _hides(char):
        return f"\\u{{{ord(char):x}}}"
    return char


def _hides(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN or _UNSEEN.match(char) is not None


def _is_plain(text: str) -> bool:
    """Whether nothing is hidden in it: at once for what is printable, and draws."""
    return text.isprintable() and (text.isascii() or _UNSEEN.search(text) is None)


def safe(text: str, *, keep: str = "") -> str:
    """``text`` with every character that a terminal could obey or hide made visible as ``\\u{...}``.

    Categories Cc, Cf, Cs, Co, Cn, Zl and Zp and what draws nothing are escaped, except the characters in
    ``keep`` (a view that breaks lines itself passes ``"\\n"`` or ``"\\n\\t"``).
    """
    plain = text
    for char in keep:
        plain = plain.replace(char, "")
    if _is_plain(plain):
        return text
    return _UNSAFE.sub(lambda found: found[0] if found[0] in keep else _cached(found[0]), text)


def _cached(char: str) -> str:
    shown = _CACHE.get(char)
    if shown is None:
        shown = _shown(char)
        if len(_CACHE) < _CACHE_LIMIT:
            _CACHE[char] = shown
    return shown


def json_text(data: Any, *, sort_keys: bool = False) -> str:
    """``data`` as one line of JSON that a terminal cannot be driven with and that means the same.

    What ``safe`` makes visible is spelled as JSON's own ``\\uXXXX``; everything else stays readable.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    return text if _is_plain(text) else _UNSAFE.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    char = found[0]
    if not _hides(char):
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
