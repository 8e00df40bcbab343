"""One HTTP request and its answer as a HAR entry, from the heads that were kept and the messages."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit, urlunsplit

from mcpscope.exports.documents import Source, iso
from mcpscope.store.streams import Carried, Stream
from mcpscope.store.writing_out import Mask

EVENTS = "text/event-stream"
JSON = "application/json"
_IN_URL = "/%:=&?~+!$,;'@()*-._"


def http_entry(stream: Stream, source: Source) -> dict[str, Any]:
    """The entry; an event stream is spelled from its messages, one event each."""
    mask = source.mask
    sent = [message for message in stream.messages if message.dir == "c2s"]
    came = [message for message in stream.messages if message.dir == "s2c"]
    timings = _timings(stream)
    return {
        "startedDateTime": iso(stream.opened_at),
        "time": sum(timings.values()),
        "request": _request(stream, source, sent),
        "response": _response(stream, came, mask),
        "cache": {},
        "timings": timings,
        "_mcpscope": {
            "stream": stream.number,
            "exchanges": sorted({message.exchange for message in stream.messages}),
            "times": [(message.at - stream.opened_at) / 1e6 for message in came],
        },
    }


def timings_of(wait_ns: int, receive_ns: int) -> dict[str, float]:
    return {"send": 0, "wait": max(wait_ns, 0) / 1e6, "receive": max(receive_ns, 0) / 1e6}


def address(text: str) -> str:
    """``text`` as a URL that every reader takes for one: what may not stand in it is percent-encoded."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "http://invalid/" + quote(text, safe="")
    place = quote(parts.netloc, safe="@:[]%")
    path, query, end = (quote(part, safe=_IN_URL) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, place, path, query, end))


def query_of(url: str) -> list[dict[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)]


def content_of(raw: bytes, mime: str) -> dict[str, Any]:
    """``content`` of a response: text, or base64 where the bytes are no text."""
    try:
        return {"size": len(raw), "mimeType": mime, "text": raw.decode()}
    except UnicodeDecodeError:
        coded = base64.b64encode(raw).decode()
        return {"size": len(raw), "mimeType": mime, "text": coded, "encoding": "base64"}


def posted(raw: bytes, mime: str) -> dict[str, Any]:
    """``postData``, which has no encoding: bytes that are no text are told apart by a member of our own."""
    try:
        return {"mimeType": mime, "text": raw.decode()}
    except UnicodeDecodeError:
        return {"mimeType": mime, "text": base64.b64encode(raw).decode(), "_encoding": "base64"}


def _request(stream: Stream, source: Source, sent: list[Carried]) -> dict[str, Any]:
    mask, head = source.mask, stream.head
    headers = _headers(head, mask)
    url = address(mask.text(urljoin(_origin(source, head), str(head.get("target") or "/"))))
    raw = b"\n".join(mask.message(message.raw) for message in sent)
    found = {
        "method": str(head.get("method") or "POST"),
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": query_of(url),
        "headersSize": -1,
        "bodySize": len(raw),
    }
    if sent:
        found["postData"] = posted(raw, _field(headers, "content-type") or JSON)
    return found


def _response(stream: Stream, came: list[Carried], mask: Mask) -> dict[str, Any]:
    headers = _headers(stream.facts, mask)
    mime = (_field(headers, "content-type") or (JSON if came else "")).strip()
    bodies = [mask.message(message.raw) for message in came]
    if mime.partition(";")[0].strip().lower() == EVENTS:
        raw = b"".join(map(_event, bodies))
    else:
        raw = b"\n".join(bodies) or mask.text(str(stream.end.get("text") or "")).encode()
    status = stream.facts.get("status") or stream.end.get("status") or 0
    found = {
        "status": status if isinstance(status, int) else 0,
        "statusText": mask.text(str(stream.facts.get("reason") or "")),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content_of(raw, mime),
        "redirectURL": _field(headers, "location"),
        "headersSize": -1,
        "bodySize": len(raw),
    }
    if stream.end.get("error"):
        found["_error"] = mask.text(str(stream.end["error"]))
    return found


def _event(raw: bytes) -> bytes:
    return b"event: message\n" + b"".join(b"data: %b\n" % line for line in raw.split(b"\n")) + b"\n"


def _timings(stream: Stream) -> dict[str, float]:
    first, last = stream.end.get("first_byte_at"), stream.end.get("last_byte_at")
    if isinstance(first, int) and isinstance(last, int):
        return timings_of(first - stream.opened_at, last - first)
    until = stream.closed_at or max((message.at for message in stream.messages), default=stream.opened_at)
    return timings_of(until - stream.opened_at, 0)


def _origin(source: Source, head: dict[str, Any]) -> str:
    if source.session.url:
        return source.session.url
    pairs = head.get("headers")
    host = next((pair[1] for pair in pairs or () if _is_pair(pair) and pair[0].lower() == "host"), "")
    return f"http://{host or 'localhost'}/"


def _headers(head: dict[str, Any], mask: Mask) -> list[dict[str, str]]:
    pairs = mask.value(head.get("headers"))
    return [{"name": pair[0], "value": pair[1]} for pair in pairs or () if _is_pair(pair)]


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)


def _field(headers: list[dict[str, str]], name: str) -> str:
    return next((one["value"] for one in headers if one["name"].lower() == name), "")
