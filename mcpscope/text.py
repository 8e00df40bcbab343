"""``safe()``: the one gate between recorded text and every sink that shows it."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_CACHE: dict[str, str] = {}
_CACHE_LIMIT = 8192


def _shown(char: str) -> str:
    if unicodedata.category(char) in _HIDDEN:
        return f"\\u{{{ord(char):x}}}"
    return char


def safe(text: str, *, keep: str = "") -> str:
    """``text`` with every character that a terminal could obey or hide made visible as ``\\u{...}``.

    Categories Cc, Cf, Cs, Co, Cn, Zl and Zp are escaped, except the characters in ``keep``
    (a view that breaks lines itself passes ``"\\n"`` or ``"\\n\\t"``).
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    for char in text:
        if char in keep:
            out.append(char)
            continue
        shown = _CACHE.get(char)
        if shown is None:
            shown = _shown(char)
            if len(_CACHE) < _CACHE_LIMIT:
                _CACHE[char] = shown
        out.append(shown)
    return "".join(out)
