"""What mcpscope itself says on the wire: the closed table of its codes, answers with the asker's id."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any, Final

from mcpscope.protocol.ids import received_spelling
from mcpscope.protocol.message import Message

SOURCE: Final = "mcpscope"


class OurCode(IntEnum):
    """Codes for what we did. All lie outside -32768..-32000, which JSON-RPC and MCP own."""

    DENIED = 4030
    """A rule or a person refused it."""
    DROPPED = 4031
    """A person or a rule threw it away."""
    UNREADABLE = 4032
    """It may be read in more than one way, and a policy is in force."""
    TOO_LARGE = 4033
    """Longer than the gate takes."""
    NOT_RECORDED = 4034
    """It could not be recorded, and recording is required."""
    UPSTREAM_GONE = 4035
    """The other side ended, refused the connection or broke it off."""
    TIMED_OUT = 4036
    """Held or unanswered until its time was over."""
    NOT_PLAYED = 4037
    """A recording stands in for the server, and does not have it."""


REJECTED_SAMPLING: Final = -1
"""What the specification's examples answer for a sampling request that a person turned down."""
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602


def answer(asked: Message, member: bytes) -> bytes:
    """An answer under the id of ``asked`` as it was spelled; ``member`` is ``"result":...`` or an error."""
    return b'{"jsonrpc":"2.0","id":%b,%b}' % (received_spelling(asked).encode() or b"null", member)


def error(asked: Message, code: int, text: str, data: dict[str, Any] | None = None) -> bytes:
    """An error of ours; ``data.source`` says so."""
    return answer(asked, error_member(code, text, data))


def error_member(code: int, text: str, data: dict[str, Any] | None = None) -> bytes:
    return b'"error":' + _json(
        {"code": int(code), "message": text, "data": {"source": SOURCE, **(data or {})}}
    )


def refused_call(text: str, *, modern: bool) -> bytes:
    """The result of a tool call that was refused: ``isError``, for the model to read and adapt."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True}
    if modern:
        result["resultType"] = "complete"
    return b'"result":' + _json(result)


def unknown_tool(name: str) -> bytes:
    """What the specification has a server say of a tool it does not have; does not tell that it is ours."""
    return b'"error":' + _json({"code": INVALID_PARAMS, "message": f"Unknown tool: {name}"})


def unknown(text: str, data: dict[str, Any] | None = None, *, code: int = INVALID_PARAMS) -> bytes:
    """What a server says of a prompt or resource it does not have; does not tell that it is ours."""
    said: dict[str, Any] = {"code": code, "message": text}
    return b'"error":' + _json(said | {"data": data} if data else said)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
