"""MCP among HTTP requests that a browser or a proxy has written down: which are it, and what they say."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from mcpscope.exports.foreign.telling import Telling
from mcpscope.protocol.sse import SseParser

EVENTS = "text/event-stream"
SESSION = "mcp-session-id"
Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Request:
    """One HTTP request and its answer; times are unix ns, ``first_at`` and ``last_at`` are the answer's."""

    method: str
    url: str
    headers: Headers
    body: bytes
    status: int
    reason: str
    answer_headers: Headers
    answer: bytes
    at: int
    first_at: int
    last_at: int
    events: list[tuple[int, bytes]] = field(default_factory=list)
    error: str = ""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def answer_header(self, name: str) -> str:
        return next((value for key, value in self.answer_headers if key.lower() == name), "")

    @property
    def is_stream(self) -> bool:
        return self.answer_header("content-type").partition(";")[0].strip().lower() == EVENTS


def sessions(requests: Iterable[Request], program: str) -> Iterator[Telling]:
    """The MCP sessions among them: one for each endpoint and session id, in the order in which they began."""
    found: dict[tuple[str, str], Telling] = {}
    posts: dict[str, str] = {}  # where the clients of an HTTP+SSE stream post, and that stream's address
    for one in sorted((one for one in requests if _is_address(one.url)), key=lambda one: one.at):
        said = list(_answers(one))
        posts |= dict.fromkeys(_endpoints(one), one.url)
        address = posts.get(one.url, one.url)
        session = one.header(SESSION) or one.answer_header(SESSION)
        key = (_endpoint(address), session)
        if not (is_message(one.body) or any(is_message(raw) for _, raw in said)) and key not in found:
            continue
        telling = found.get(key)
        if telling is None:
            kind = "sse" if address in posts.values() else "http"
            label = urlsplit(address).hostname or ""
            facts = {"url": _endpoint(address), "client_transport": kind, "server_transport": kind}
            telling = found[key] = Telling(program, label=label, **facts)
        _tell(telling, one, said, session)
    yield from (telling for telling in found.values() if telling.messages)


def is_message(raw: bytes) -> bool:
    """Whether this is JSON-RPC, alone or in a batch."""
    if raw.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and first.get("jsonrpc") == "2.0"


def decoded(text: Any, encoding: Any = "") -> bytes:
    """A body as a file spells it."""
    if not isinstance(text, str):
        return b""
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=False)
        except (binascii.Error, ValueError):
            return b""
    return text.encode("utf-8", "surrogatepass")


def _tell(telling: Telling, one: Request, said: list[tuple[int, bytes]], session: str) -> None:
    parts = urlsplit(one.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head: dict[str, Any] = {
        "method": one.method,
        "target": target,
        "headers": [list(pair) for pair in one.headers],
    }
    if session:
        head["mcp_session_id"] = session
    stream = telling.stream(one.at, head)
    kind = "events" if one.is_stream else "whole" if said else "none"
    facts: dict[str, Any] = {"status": one.status, "reason": one.reason, "body": kind}
    telling.answered(stream, facts | {"headers": [list(pair) for pair in one.answer_headers]})
    if one.body.strip():
        telling.message(one.at, "c2s", one.body.strip(), stream=stream)
    for at, raw in said:
        telling.message(at, "s2c", raw, stream=stream)
    end: dict[str, Any] = {"status": one.status, "closed_by": "server"}
    end |= {"first_byte_at": one.first_at, "last_byte_at": one.last_at} if one.answer or one.events else {}
    if not said and one.answer:
        end["text"] = one.answer[:1000].decode("utf-8", "replace")
    if one.error:
        end["error"] = one.error
    telling.closed(max(one.last_at, one.at), stream, end)


def _answers(one: Request) -> Iterator[tuple[int, bytes]]:
    """(at, message) of what came back; of several nobody wrote down when, so they are spread evenly."""
    if one.events:
        yield from ((at, raw) for at, raw in one.events if is_message(raw))
        return
    if not one.is_stream:
        if is_message(one.answer):
            yield one.last_at, one.answer.strip()
        return
    found = [event.data for event in _events(one.answer) if event.data and is_message(event.data)]
    for place, raw in enumerate(found):
        share = (place + 1) / len(found)
        yield one.first_at + round((one.last_at - one.first_at) * share), raw


def _endpoints(one: Request) -> Iterator[str]:
    """Where the server of an HTTP+SSE stream wants its clients to post."""
    if one.method != "GET" or not one.is_stream:
        return
    for event in _events(one.answer):
        if event.event == "endpoint" and event.data:
            place = event.data.decode("utf-8", "replace")
            if _is_address(place):
                yield urljoin(one.url, place)


def _is_address(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def _events(raw: bytes) -> list[Any]:
    parser = SseParser()
    return [*parser.feed(raw), *parser.feed(b"\n\n")]


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(query="", fragment="").geturl()
