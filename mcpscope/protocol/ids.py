"""JSON-RPC ids: their spelling, and when two spellings mean the same request."""

from __future__ import annotations

import json
import re

from mcpscope.protocol.members import member_spans
from mcpscope.protocol.message import Message, RpcId

_PREFIXED = re.compile(r"0(?:x[0-9a-f]+|o[0-7]+|b[01]+)", re.I | re.A)
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.I | re.A)
_MAX_DIGITS = 40
EXACT_DOUBLE = 2**53
"""Integers beyond this are rounded by peers that keep numbers in doubles."""


def spelled(id: RpcId) -> str:
    """The JSON text of an id: ``7``, ``"7"``, ``7.0``, ``null``."""
    return str(id) if type(id) is int else json.dumps(id)


def received_spelling(message: Message) -> str:
    """The id exactly as its sender wrote it (``1e2``, ``"\\u0031"``), "" if it wrote none.

    An answer of ours repeats this text, for a peer may compare spellings.
    """
    if not message.has_id:
        return ""
    spans = member_spans(message.raw).get("id")
    if not spans:
        return spelled(message.id)
    start, end = spans[-1]
    return message.raw[start:end].decode(errors="replace")


def other_spelling(id: RpcId) -> RpcId:
    """The id as a peer that confuses strings and numbers would write it; None if there is none."""
    if isinstance(id, str):
        return _integer(id) if len(id) <= _MAX_DIGITS else None
    if isinstance(id, bool) or id is None:
        return None
    if isinstance(id, float):
        return str(int(id)) if id.is_integer() else str(id)
    return str(id)


def _integer(text: str) -> int | None:
    """What Python's ``int`` or JavaScript's ``Number`` makes of a text, where that is an integer.

    So do the SDKs with the id of an answer before they look for the request.
    """
    try:
        return int(text)
    except ValueError:
        pass
    text = text.strip().strip("\ufeff").strip()
    if not text:
        return 0
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    number = float(text) if _DECIMAL.fullmatch(text) else 0.5
    return int(number) if number.is_integer() else None
