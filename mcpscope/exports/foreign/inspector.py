"""What the MCP Inspector exports: its list of messages, and its list of HTTP requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mcpscope.exports.foreign.http import Headers, Request, decoded, sessions
from mcpscope.exports.foreign.telling import MS, Telling, nanoseconds, spelled

PROGRAM = "MCP Inspector"
_DIRS = {"client": "c2s", "server": "s2c"}
_OPPOSITE = {"c2s": "s2c", "s2c": "c2s"}


def of_protocol(entries: Iterable[dict[str, Any]]) -> Iterator[Telling]:
    """Its messages; a request has its answer beside it."""
    telling = Telling(PROGRAM)
    for entry in entries:
        at = nanoseconds(entry.get("timestamp"))
        if at is None or entry.get("message") is None:
            continue
        dir = _DIRS.get(str(entry.get("origin")), "s2c" if entry.get("direction") == "response" else "c2s")
        telling.message(at, dir, spelled(entry["message"]))
        if entry.get("response") is not None:
            telling.message(at + _ms(entry.get("duration")), _OPPOSITE[dir], spelled(entry["response"]))
    yield telling


def of_network(entries: Iterable[dict[str, Any]]) -> Iterator[Telling]:
    """The MCP among its HTTP requests."""
    yield from sessions(filter(None, map(_request, entries)), PROGRAM)


def _request(entry: dict[str, Any]) -> Request | None:
    at = nanoseconds(entry.get("timestamp"))
    if at is None or not str(entry.get("url") or "").startswith(("http://", "https://")):
        return None
    last = at + _ms(entry.get("duration"))
    return Request(
        method=str(entry.get("method") or "GET"),
        url=str(entry["url"]),
        headers=_headers(entry.get("requestHeaders")),
        body=decoded(entry.get("requestBody")),
        status=entry["responseStatus"] if isinstance(entry.get("responseStatus"), int) else 0,
        reason=str(entry.get("responseStatusText") or ""),
        answer_headers=_headers(entry.get("responseHeaders")),
        answer=decoded(entry.get("responseBody")),
        at=at,
        first_at=last,
        last_at=last,
        error=str(entry.get("error") or ""),
    )


def _headers(given: Any) -> Headers:
    pairs = given.items() if isinstance(given, dict) else ()
    return [(str(name), str(value)) for name, value in pairs]


def _ms(value: Any) -> int:
    return round(value * MS) if isinstance(value, int | float) and 0 <= value < 1e12 else 0
