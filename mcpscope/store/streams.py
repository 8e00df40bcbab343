"""What the journal says about an HTTP stream: how its bodies are framed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mcpscope.store.records import Dir


def load_object(payload: bytes) -> dict[str, Any]:
    """A record's JSON object; ``{}`` for anything else, which only a damaged journal holds."""
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def framing_of(said: dict[str, Any]) -> Iterator[tuple[Dir, str]]:
    """(direction, kind of lane) that a STREAM_OPEN or HTTP record fixes: a request's body is one message, a
    response is an event stream or one message by its content type."""
    if "method" in said:
        yield Dir.TO_SERVER, "whole"
    if "status" in said:
        kind = _content_type(said.get("headers"))
        yield Dir.TO_CLIENT, "events" if kind == "text/event-stream" else "whole"


def _content_type(headers: Any) -> str:
    pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else ()
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) == 2 and str(pair[0]).lower() == "content-type":
            return str(pair[1]).partition(";")[0].strip().lower()
    return ""
