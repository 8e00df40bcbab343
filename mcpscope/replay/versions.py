"""The revision that a stand-in answers ``initialize`` with: the recorded one, or the client's older one."""

from __future__ import annotations

import json

from mcpscope.engine.spans import find
from mcpscope.protocol.message import Message
from mcpscope.protocol.revisions import FIRST_MODERN, is_known

_VERSION = ("result", "protocolVersion")


def greeting(live: Message, recorded: Message, raw: bytes) -> bytes:
    """``raw``, the recorded answer, with the client's revision where that is known and older.

    A server may answer with an older revision than its own; a client need not know a newer one.
    """
    asked = live.params.get("protocolVersion")
    result = recorded.result
    told = result.get("protocolVersion") if isinstance(result, dict) else None
    if not isinstance(asked, str) or not isinstance(told, str) or not is_known(asked):
        return raw
    span = find(raw, _VERSION)
    if span is None or asked >= told or asked >= FIRST_MODERN:
        return raw
    return raw[: span[0]] + json.dumps(asked).encode() + raw[span[1] :]
