"""Trouble made on purpose: what a fault makes of a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mcpscope.engine import spans
from mcpscope.engine.chance import Dice
from mcpscope.engine.listing import spliced
from mcpscope.engine.passage import Passage
from mcpscope.engine.patch import encode
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import LISTS, Method
from mcpscope.protocol.revisions import PROTOCOL_VERSION

INTERNAL_ERROR: Final = -32603
RATE_LIMITED: Final = -32000
"""What servers say that want less: JSON-RPC leaves -32000 to -32019 to them."""

_KEPT: Final = frozenset(
    {"_meta", "type", "resultType", "mimeType", "role", "cacheScope", "requestState", "method"}
)
_CORRUPT_ONE_IN: Final = 4
_LETTERS: Final = b"#?%~"


def truncated(message: Message) -> bytes:
    """The first half of its bytes, as of a server that died while it wrote."""
    return message.raw[: max(1, len(message.raw) // 2)]


def corrupted(message: Message, dice: Dice) -> bytes:
    """Its texts garbled, one character in four; still JSON, still the answer to its request."""
    raw = message.raw
    there = spans.find(raw, ("result",)) if message.kind is Kind.RESULT else None
    if there is None:
        return raw
    places = [
        at
        for start, end in _texts(raw, there[0], "")
        for at in range(start, end)
        if raw[at : at + 1].isalnum()
    ]
    struck = [at for at in places if dice.draw() % _CORRUPT_ONE_IN == 0]
    if not struck and places:
        struck = [places[dice.draw() % len(places)]]  # a short text, and luck: a fault is not to do nothing
    return spliced(raw, [(at, at + 1, _letter(dice)) for at in struck])


def _letter(dice: Dice) -> bytes:
    return bytes((_LETTERS[dice.draw() % len(_LETTERS)],))


def empty(passage: Passage) -> bytes:
    """The member text of a result with nothing in it."""
    method = passage.method
    request = passage.request if passage.received.is_answer else passage.received
    result: dict[str, object] = {}
    if method == Method.TOOLS_CALL:
        result["content"] = []
    elif method in LISTS:
        result[LISTS[method]] = []
    elif method == Method.RESOURCES_READ:
        result["contents"] = []
    elif method == Method.PROMPTS_GET:
        result["messages"] = []
    elif method == Method.COMPLETE:
        result["completion"] = {"values": []}
    if request is not None and PROTOCOL_VERSION in request.meta:
        result["resultType"] = "complete"
        if method in LISTS or method == Method.RESOURCES_READ:
            result |= {"ttlMs": 0, "cacheScope": "private"}
    return b'"result":' + encode(result)


def _texts(raw: bytes, start: int, key: str) -> Iterator[tuple[int, int]]:
    """Where the characters of its string values lie; escapes are left out."""
    sign = raw[start : start + 1]
    if sign in (b"{", b"["):
        for slot in spans.slots(raw, start):
            if slot.key not in _KEPT:
                yield from _texts(raw, slot.value, slot.key if sign == b"{" else key)
    elif sign == b'"':
        end = spans.value_end(raw, start)
        if b"\\" not in raw[start:end]:
            yield start + 1, end - 1
