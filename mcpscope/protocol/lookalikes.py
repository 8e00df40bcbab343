"""Member names that a lenient JSON reader may take for another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from mcpscope.protocol.methods import METHODS

ENVELOPE: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
PARAMS: Final = frozenset(
    {
        "_meta",
        "argument",
        "arguments",
        "capabilities",
        "clientInfo",
        "content",
        "context",
        "cursor",
        "data",
        "inputResponses",
        "level",
        "logger",
        "maxTokens",
        "message",
        "messages",
        "name",
        "notifications",
        "progress",
        "progressToken",
        "protocolVersion",
        "reason",
        "ref",
        "requestId",
        "requestState",
        "requestedSchema",
        "task",
        "taskId",
        "total",
        "uri",
    }
)
_IGNORED = frozenset({"Cc", "Cf", "Zs", "Mn"})


def folded(name: str) -> str:
    """What a lenient reader may take a member name for: NFKC, case, NUL and invisible characters aside.

    ``encoding/json`` of Go ignores case with Unicode folding; others cut names at NUL.
    """
    if name.isascii() and name.isprintable() and " " not in name:
        return name.lower()
    plain = unicodedata.normalize("NFKC", name.partition("\0")[0]).casefold()
    return "".join(char for char in plain if unicodedata.category(char) not in _IGNORED)


FOLDED_ENVELOPE: Final = {folded(name): name for name in ENVELOPE}
FOLDED_PARAMS: Final = {folded(name): name for name in PARAMS}
FOLDED_METHODS: Final = {folded(name): str(name) for name in METHODS}


def in_envelope(names: Iterable[str]) -> bool:
    """Whether one of ``names`` is not a member of JSON-RPC's envelope, but may be taken for one."""
    return any(name not in ENVELOPE and folded(name) in FOLDED_ENVELOPE for name in names)


def in_params(names: Iterable[str]) -> bool:
    """Whether one of ``names`` is not a parameter that a method of MCP has, but may be taken for one."""
    return any(name not in PARAMS and folded(name) in FOLDED_PARAMS for name in names)


# What of Unicode's confusables (UTS #39) occurs in names of tools: letters of other scripts, small capitals
# and digits that are drawn like a Latin letter. Looked up behind NFKC and case folding.
_DRAWN_LIKE: Final = {
    "a": "аαɑᴀ",
    "b": "вьβʙ",
    "c": "сϲᴄ",
    "d": "ԁɗ",
    "e": "еёεᴇ",
    "g": "ɡցԍɢ",
    "h": "һհнʜ",
    "j": "јϳյᴊ",
    "k": "кκᴋ",
    "l": "iіїιıӏł1|ɪʟ",
    "m": "мᴍ",
    "n": "пηոɴ",
    "o": "оοօ0ᴏ",
    "p": "рρᴘ",
    "q": "ԛզ",
    "r": "гʀ",
    "s": "ѕꜱ",
    "t": "тτᴛ",
    "u": "υսᴜ",
    "v": "νѵᴠ",
    "w": "ԝωᴡ",
    "x": "хχ",
    "y": "уγʏ",
    "z": "ᴢ",
    "_": "-‐‑‒–−.",
}
_LETTERS: Final = str.maketrans({char: letter for letter, chars in _DRAWN_LIKE.items() for char in chars})
_FOREIGN: Final = {at: letter for at, letter in _LETTERS.items() if at > 0x7F}
_DRAWN_AS_ONE: Final = (("rn", "m"), ("vv", "w"))


def skeleton(name: str) -> str:
    """What ``name`` looks like: equal for names that a person may take for one another."""
    seen = folded(name).translate(_LETTERS)
    for drawn, letter in _DRAWN_AS_ONE:
        seen = seen.replace(drawn, letter)
    return seen


def latin(name: str) -> str:
    """``name`` with letters of other scripts as the Latin ones they are drawn like."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name).translate(_FOREIGN)
