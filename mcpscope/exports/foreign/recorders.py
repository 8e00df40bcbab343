"""The files of the two programs called mcp-recorder: a cassette of interactions, and a log of messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mcpscope.engine.spans import slots
from mcpscope.exports.foreign.http import EVENTS, Request, sessions
from mcpscope.exports.foreign.telling import MS, Telling, nanoseconds, spelled

PROGRAM = "mcp-recorder"
_DIRS = ("c2s", "s2c")


def of_cassette(data: dict[str, Any]) -> Iterator[Telling]:
    """A cassette (``metadata``, ``interactions``): one after the other, each as long as it took."""
    metadata = data["metadata"] if isinstance(data.get("metadata"), dict) else {}
    at = nanoseconds(metadata.get("recorded_at")) or 0
    url = str(metadata.get("server_url") or "")
    interactions = [one for one in data["interactions"] if isinstance(one, dict)]
    if not url.startswith(("http://", "https://")):
        yield _without_http(interactions, at, url)
        return
    path = next((str(one["http_path"]) for one in interactions if one.get("http_path")), "/mcp")
    requests = []
    for one in interactions:
        requests.append(_request(one, url.rstrip("/") + path, at))
        at = requests[-1].last_at + 1
    yield from sessions(requests, PROGRAM)


def of_log(lines: Iterable[tuple[bytes, dict[str, Any]]]) -> Iterator[Telling]:
    """A log (``seq``, ``t``, ``dir``, ``msg`` a line, at its end a summary with the server's command)."""
    telling = Telling(PROGRAM, client_transport="stdio", server_transport="stdio")
    for raw, said in lines:
        if said.get("type") == "summary":
            server = said["server"] if isinstance(said.get("server"), dict) else {}
            arguments = server["args"] if isinstance(server.get("args"), list) else []
            telling.facts["command"] = [str(word) for word in (server.get("command") or "", *arguments)]
            continue
        at = nanoseconds(said.get("t"))
        if at is None or said.get("dir") not in _DIRS:
            continue
        if said.get("malformed") is True:
            telling.message(at, said["dir"], str(said.get("msg")).encode("utf-8", "surrogatepass"))
        else:
            telling.message(at, said["dir"], _message(raw))
    yield telling


def _request(one: dict[str, Any], url: str, at: int) -> Request:
    last = at + _latency(one)
    is_stream = one.get("response_is_sse") is True
    answer = spelled(one["response"]) if one.get("response") is not None else b""
    if answer and is_stream:
        answer = b"event: message\ndata: %b\n\n" % answer
    kind = EVENTS if is_stream else "application/json"
    return Request(
        method=str(one.get("http_method") or "POST"),
        url=url,
        headers=[("content-type", "application/json")] if one.get("request") is not None else [],
        body=spelled(one["request"]) if one.get("request") is not None else b"",
        status=one["response_status"] if isinstance(one.get("response_status"), int) else 200,
        reason="",
        answer_headers=[("content-type", kind)] if answer else [],
        answer=answer,
        at=at,
        first_at=last,
        last_at=last,
    )


def _without_http(interactions: list[dict[str, Any]], at: int, server: str) -> Telling:
    telling = Telling(PROGRAM, client_transport="stdio", server_transport="stdio")
    command = server.removeprefix("stdio:").lstrip("/")
    telling.facts["command"] = [] if "[REDACTED]" in command else command.split()
    for one in interactions:
        if one.get("request") is not None:
            telling.message(at, "c2s", spelled(one["request"]))
        at += _latency(one)
        if one.get("response") is not None:
            telling.message(at, "s2c", spelled(one["response"]))
        at += 1
    return telling


def _latency(one: dict[str, Any]) -> int:
    found = one.get("latency_ms")
    return round(found * MS) if isinstance(found, int | float) and 0 <= found < 1e12 else 0


def _message(line: bytes) -> bytes:
    return next((line[slot.value : slot.end] for slot in slots(line, 0) if slot.key == "msg"), b"")
