"""JSON-RPC ids: their spelling, and when two spellings mean the same request."""

from __future__ import annotations

import json
import re

from mcpscope.protocol.members import member_spans
from mcpscope.protocol.message import Message, RpcId

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
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
        return int(id) if len(id) <= _MAX_DIGITS and _INTEGER.match(id) else None
    if isinstance(id, bool) or id is None:
        return None
    if isinstance(id, float):
        return str(int(id)) if id.is_integer() else str(id)
    return str(id)
