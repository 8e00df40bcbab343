"""HAR 1.2 of browsers, proxies and mcpscope: the MCP in it, a session for each endpoint and session id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from mcpscope.exports.foreign.http import Headers, Request, decoded, sessions
from mcpscope.exports.foreign.telling import MS, Telling, nanoseconds
from mcpscope.protocol.sse import SseParser

OWN_SCHEME = "mcp"
_OPPOSITE = {"c2s": "s2c", "s2c": "c2s"}


def tellings(har: dict[str, Any]) -> Iterator[Telling]:
    """The sessions of a HAR; ``har`` is the file's JSON."""
    log = har["log"]
    program = _program(log)
    entries = [entry for entry in log["entries"] if isinstance(entry, dict)]
    spoken = [entry for entry in entries if _url(entry).startswith(f"{OWN_SCHEME}://")]
    if spoken:
        yield _spoken(spoken, program)
    yield from sessions(filter(None, map(_request, entries)), program)


def _request(entry: dict[str, Any]) -> Request | None:
    """An entry as the request it tells; None for what is none."""
    asked, answer = _dict(entry.get("request")), _dict(entry.get("response"))
    at, url = nanoseconds(entry.get("startedDateTime")), _url(entry)
    if at is None or not url.startswith(("http://", "https://")):
        return None
    posted, content = _dict(asked.get("postData")), _dict(answer.get("content"))
    took, receive = _ms(entry.get("time")), _ms(_dict(entry.get("timings")).get("receive"))
    one = Request(
        method=str(asked.get("method") or "GET"),
        url=url,
        headers=_headers(asked),
        body=decoded(posted.get("text"), posted.get("_encoding")),
        status=answer["status"] if isinstance(answer.get("status"), int) else 0,
        reason=str(answer.get("statusText") or ""),
        answer_headers=_headers(answer),
        answer=decoded(content.get("text"), content.get("encoding")),
        at=at,
        first_at=at + max(took - receive, 0),
        last_at=at + took,
        error=str(answer.get("_error") or ""),
    )
    one.events = _events(entry, one)
    if not one.answer_header("content-type") and content.get("mimeType"):
        one.answer_headers.append(("content-type", str(content["mimeType"])))
    return one


def _events(entry: dict[str, Any], one: Request) -> list[tuple[int, bytes]]:
    """Messages of the answer whose times the file knows: from a browser that notes them, or from us."""
    noted = entry.get("_eventSourceMessages")
    if isinstance(noted, list) and noted and not one.answer:
        found = [(nanoseconds(said.get("time")), decoded(said.get("data"))) for said in map(_dict, noted)]
        return [(one.last_at if at is None else at, raw) for at, raw in found]
    times = _dict(entry.get("_mcpscope")).get("times")
    if not isinstance(times, list) or not one.is_stream:
        return []
    parser = SseParser()
    said = [event.data for event in (*parser.feed(one.answer), *parser.feed(b"\n\n")) if event.data]
    return [(one.at + _ms(time), raw) for time, raw in zip(times, said, strict=False)]


def _spoken(entries: list[dict[str, Any]], program: str) -> Telling:
    """Entries of mcpscope for what had no HTTP."""
    label = unquote(_url(entries[0]).partition("://")[2].partition("/")[0])
    telling = Telling(program, label=label, client_transport="stdio", server_transport="stdio")
    for entry in entries:
        at = nanoseconds(entry.get("startedDateTime"))
        own = _dict(entry.get("_mcpscope"))
        dir = str(own.get("dir"))
        dir = dir if dir in _OPPOSITE else "c2s"
        if at is None:
            continue
        posted = _dict(_dict(entry.get("request")).get("postData"))
        content = _dict(_dict(entry.get("response")).get("content"))
        sent, came = (
            decoded(posted.get("text"), posted.get("_encoding")),
            decoded(content.get("text"), content.get("encoding")),
        )
        if sent:
            telling.message(at, dir, sent)
        others = own.get("messages")
        for said in map(_dict, others if isinstance(others, list) else ()):
            if str(said.get("dir")) in _OPPOSITE and isinstance(said.get("text"), str):
                telling.message(at + _ms(said.get("at")), said["dir"], decoded(said["text"]))
        if came:
            telling.message(at + _ms(entry.get("time")), _OPPOSITE[dir] if sent else dir, came)
    return telling


def _program(log: dict[str, Any]) -> str:
    creator = _dict(log.get("creator"))
    return f"{creator.get('name') or 'HAR'} {creator.get('version') or ''}".strip()


def _url(entry: dict[str, Any]) -> str:
    found = _dict(entry.get("request")).get("url")
    return found if isinstance(found, str) else ""


def _headers(side: dict[str, Any]) -> Headers:
    found = side.get("headers")
    pairs = [_dict(one) for one in found] if isinstance(found, list) else []
    return [(str(one.get("name") or ""), str(one.get("value") or "")) for one in pairs]


def _ms(value: Any) -> int:
    """Milliseconds as ns; 0 for what is none."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return round(value * MS) if known else 0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
