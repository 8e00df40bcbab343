"""One exchange as a span in the JSON encoding of OTLP, by the semantic conventions for MCP.

Arguments and results are never in it; what is said of an error goes through the mask.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from urllib.parse import urlsplit

from mcpscope.engine.filter.language import parse
from mcpscope.exports.otlp.context import IS_REMOTE, Parent, parent_of, session_trace, span_id
from mcpscope.protocol.methods import Method
from mcpscope.store.directory import SessionInfo
from mcpscope.store.query import Query
from mcpscope.store.streams import stream_head
from mcpscope.store.subjects import Recorded
from mcpscope.store.writing_out import Mask

KINDS = frozenset({"request", "notification"})
CLIENT = 3  # SpanKind: the call from the side of who made it, until its answer
ERROR = 2  # StatusCode
MAX_TEXT = 1000
_FAILURES = {
    "tool-error": "tool_error",
    "cancelled": "cancelled",
    "late": "cancelled",
    "lost": "no_answer",
    "denied": "denied",
    "dropped": "dropped",
}
_URIS = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe"})
_REMEMBERED = 10_000


class Spans:
    """Makes the spans of one session; remembers the traces of calls that others may have caused."""

    def __init__(self, connection: sqlite3.Connection, session: SessionInfo, mask: Mask) -> None:
        self._connection = connection
        self._every = Query(connection, parse(""), sessions=[session.id])
        self.session = session
        self._mask = mask
        self._traces: dict[int, str] = {}

    def __repr__(self) -> str:
        return f"<Spans of {self.session.id}: {len(self._traces)} traces>"

    def span(self, one: Recorded) -> dict[str, Any] | None:
        """The span of an exchange that is over; None for what is no call and what goes on."""
        if one.kind not in KINDS or one.ended_at is None or not one.method:
            return None
        head = self._head(one)
        said, around = _callers(one, head)
        found: dict[str, Any] = {"traceId": "", "spanId": span_id(self.session.uid, one.seq)}
        caller = said or around
        if caller is not None:
            found |= _below(caller)
        else:
            found["traceId"] = self._trace(one)
            if one.parent_id is not None:
                found["parentSpanId"] = span_id(self.session.uid, one.parent_id)
        self._remember(one.seq, found["traceId"])
        if said is not None and around is not None and around.span_id != said.span_id:
            link = {"traceId": around.trace_id, "spanId": around.span_id, "traceState": around.state}
            found["links"] = [link]
        target = one.tool or (one.name if one.method == Method.PROMPTS_GET else "")
        found |= {
            "name": self._text(f"{one.method} {target}".strip()),
            "kind": CLIENT,
            "startTimeUnixNano": str(one.opened_at),
            "endTimeUnixNano": str(max(one.ended_at, one.opened_at)),
            "attributes": [*self._conventional(one, head), *self._own(one)],
        }
        failure = _failure(one)
        if failure:
            message = one.answer.error.get("message") if one.answer is not None else None
            found["attributes"].append(_attribute("error.type", failure))
            found["status"] = {
                "code": ERROR,
                "message": self._text(message if isinstance(message, str) else ""),
            }
        return found

    def _conventional(self, one: Recorded, head: dict[str, Any]) -> list[dict[str, Any]]:
        info, rpc_id = self.session, _plain_id(one.rpc_id)
        url = _split(info.url)
        piped = info.server_transport in ("", "stdio")
        facts = {
            "mcp.method.name": self._text(one.method),
            "mcp.protocol.version": self._text(info.revision),
            "mcp.session.id": self._text(str(head.get("mcp_session_id") or "")),
            "mcp.resource.uri": self._text(one.name) if _is_about_a_resource(one.method) else "",
            "gen_ai.tool.name": self._text(one.tool),
            "gen_ai.operation.name": "execute_tool" if one.method == Method.TOOLS_CALL else "",
            "gen_ai.prompt.name": self._text(one.name) if one.method == Method.PROMPTS_GET else "",
            "jsonrpc.request.id": self._text(rpc_id) if one.kind == "request" else "",
            "rpc.response.status_code": "" if one.code is None else str(one.code),
            "network.transport": "pipe" if piped else "tcp",
            "network.protocol.name": "" if piped else "http",
            "server.address": self._text(url[0]),
            "server.port": url[1],
        }
        return [_attribute(name, value) for name, value in facts.items() if value not in ("", None)]

    def _own(self, one: Recorded) -> list[dict[str, Any]]:
        facts: dict[str, Any] = {
            "mcpscope.session": self.session.uid,
            "mcpscope.exchange": one.seq,
            "mcpscope.status": one.status,
            "mcpscope.direction": one.dir,
            "mcpscope.request.bytes": one.req_bytes,
            "mcpscope.response.bytes": one.res_bytes,
            "mcpscope.flags": list(one.flags),
            "mcpscope.rules": [self._text(rule) for rule in one.rules],
            "mcpscope.held_ms": None if one.wait_ns is None else one.wait_ns / 1e6,
        }
        return [_attribute(name, value) for name, value in facts.items() if value not in ("", None, [])]

    def _trace(self, one: Recorded, depth: int = 8) -> str:
        """The trace that its caller named, or that of what caused it, else the session's."""
        caller = next(filter(None, _callers(one, self._head(one))), None)
        if caller is not None:
            return caller.trace_id
        if one.parent_id in self._traces:
            return self._traces[one.parent_id]
        above = self._every.among([one.parent_id]) if one.parent_id is not None and depth else []
        return self._trace(above[0], depth - 1) if above else session_trace(self.session.uid)

    def _head(self, one: Recorded) -> dict[str, Any]:
        return stream_head(self._connection, one.session_id, one.stream) if one.stream else {}

    def _remember(self, exchange: int, trace: str) -> None:
        self._traces[exchange] = trace
        if len(self._traces) > _REMEMBERED:
            del self._traces[next(iter(self._traces))]

    def _text(self, text: str) -> str:
        """Masked, one that UTF-8 can carry, and not longer than a collector takes."""
        return self._mask.text(text)[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()


def resource_of(session: SessionInfo, mask: Mask, version: str) -> dict[str, Any]:
    """Who is observed: a service is a server as it is called here."""
    facts = {
        "service.name": session.label or session.server_name or "mcp-server",
        "service.version": session.server_version,
        "mcpscope.client.name": session.client_name,
        "mcpscope.client.version": session.client_version,
        "mcpscope.server.name": session.server_name,
        "telemetry.sdk.name": "mcpscope",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": version,
    }
    named = {name: mask.text(text)[:MAX_TEXT] for name, text in facts.items() if text}
    return {"attributes": [_attribute(name, text) for name, text in named.items()]}


def _callers(one: Recorded, head: dict[str, Any]) -> tuple[Parent | None, Parent | None]:
    """The span that the message names, and the one that the HTTP request around it names."""
    meta = one.request.meta if one.request is not None else {}
    said = parent_of(meta.get("traceparent"), meta.get("tracestate"))
    return said, parent_of(_header(head, "traceparent"), _header(head, "tracestate"))


def _below(parent: Parent) -> dict[str, Any]:
    found: dict[str, Any] = {"traceId": parent.trace_id, "parentSpanId": parent.span_id}
    found["flags"] = parent.flags | IS_REMOTE
    return found | ({"traceState": parent.state} if parent.state else {})


def _failure(one: Recorded) -> str:
    """The low-cardinality word of ``error.type``; empty for what went well."""
    return str(one.code) if one.code is not None else _FAILURES.get(one.status, "")


def _attribute(name: str, value: Any) -> dict[str, Any]:
    return {"key": name, "value": _value(value)}


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}


def _plain_id(spelled: str) -> str:
    """An id as the conventions want it: 7 and "7" are both 7; nothing for null."""
    try:
        found = json.loads(spelled) if spelled else None
    except ValueError:
        return spelled
    return found if isinstance(found, str) else "" if found is None else spelled


def _is_about_a_resource(method: str) -> bool:
    return method in _URIS or method == "notifications/resources/updated"


def _header(head: dict[str, Any], name: str) -> str:
    for pair in head.get("headers") or ():
        if isinstance(pair, list) and len(pair) == 2 and str(pair[0]).lower() == name:
            return str(pair[1])
    return ""


def _split(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", None
    host = parts.hostname or ""
    return host, port or ({"http": 80, "https": 443}.get(parts.scheme) if host else None)
