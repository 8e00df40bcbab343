"""The control protocol over bytes: JSON-RPC 2.0, one message a line. No sockets here.

stdlib json on both ends, because an edit must carry integers of any size exactly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

MAX_LINE_BYTES = 64 << 20

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
REFUSED = 1
"""The code of a wish that cannot be granted; ``data.code`` is its stable word."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request (``id`` is not None) or a notification."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    id: int | str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request of ours."""

    id: int | str | None
    result: Any = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is neither; ``code`` is the JSON-RPC error that says why."""

    code: int
    text: str
    id: int | str | None = None


class Overlong(Exception):
    """A line grew beyond MAX_LINE_BYTES; the connection is of no more use."""


class Lines:
    """Bytes in, messages out, whatever size the chunks have."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def __repr__(self) -> str:
        return f"<Lines pending={len(self._pending)}>"

    def feed(self, chunk: bytes) -> list[Call | Reply | Broken]:
        """The messages that end in ``chunk``; raises Overlong."""
        found: list[Call | Reply | Broken] = []
        searched = len(self._pending)
        self._pending += chunk
        while (end := self._pending.find(b"\n", searched)) >= 0:
            line = bytes(self._pending[:end])
            del self._pending[: end + 1]
            searched = 0
            if line.strip():
                found.append(_read(line))
        if len(self._pending) > MAX_LINE_BYTES:
            raise Overlong
        return found


def call(method: str, params: dict[str, Any], id: int | str | None = None) -> bytes:
    """One line: a request, or a notification without ``id``."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if id is not None:
        body["id"] = id
    return _line(body)


def result(id: int | str | None, value: Any) -> bytes:
    return _line({"jsonrpc": "2.0", "id": id, "result": value})


def error(id: int | str | None, code: int, text: str, data: dict[str, Any] | None = None) -> bytes:
    said: dict[str, Any] = {"code": code, "message": text}
    if data:
        said["data"] = data
    return _line({"jsonrpc": "2.0", "id": id, "error": said})


def _line(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> Call | Reply | Broken:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return Broken(PARSE_ERROR, "this line is not JSON")
    if not isinstance(body, dict):
        return Broken(INVALID_REQUEST, "this line is not an object")
    id = body.get("id")
    if id is not None and (isinstance(id, bool) or not isinstance(id, int | str)):
        return Broken(INVALID_REQUEST, "an id is an integer or a string")
    if "method" not in body:
        if "result" in body or "error" in body:
            said = body.get("error")
            return Reply(id, body.get("result"), said if isinstance(said, dict) else None)
        return Broken(INVALID_REQUEST, "neither a method nor a result", id)
    method, params = body["method"], body.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        return Broken(INVALID_REQUEST, "method is a string, params an object", id)
    return Call(method, params, id)
