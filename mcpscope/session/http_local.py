"""What a client is told when its upstream cannot be reached or breaks off before it answered."""

from __future__ import annotations

from typing import Any

import orjson

from mcpscope.protocol.answers import OurCode
from mcpscope.transports.http_head import Headers

_STATUS = {"timeout": 504, "not recorded": 503}
_WORDS = {"not recorded": "this is not forwarded, for it could not be recorded:"}


def local_failure(kind: str, text: str, body: bytes) -> tuple[int, Headers, bytes]:
    """Status, headers and body: a JSON-RPC error with the request's id that says whose words these are.

    ``body`` is the (beginning of the) request's body.
    """
    status = _STATUS.get(kind, 502)
    error: dict[str, Any] = {
        "code": OurCode.NOT_RECORDED if kind == "not recorded" else OurCode.UPSTREAM_GONE,
        "message": f"mcpscope: {_WORDS.get(kind, 'no answer from')} {text}",
        "data": {"source": "mcpscope", "reason": kind},
    }
    answer = orjson.dumps({"jsonrpc": "2.0", "id": _id_of(body), "error": error})
    return status, [(b"Content-Type", b"application/json")], answer


def _id_of(body: bytes) -> str | int | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    asked = found.get("id") if isinstance(found, dict) and "method" in found else None
    return asked if isinstance(asked, str | int) else None
