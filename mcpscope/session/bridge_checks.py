"""What a bridge, being the HTTP server, refuses of a request of the stateless era (2026-07-28)."""

from __future__ import annotations

import re
from typing import Any

from mcpscope.protocol.answers import INVALID_PARAMS, METHOD_NOT_FOUND, error
from mcpscope.protocol.headers import METHOD, NAME, VERSION, Mismatch, mismatches
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.revisions import CLIENT_CAPABILITIES, PROTOCOL_VERSION, declared
from mcpscope.session.http_known import of_request
from mcpscope.session.http_local import header_mismatch
from mcpscope.session.tool_schemas import mirroring_schema
from mcpscope.transports.http_head import RequestHead

Refusal = tuple[int, bytes]
_MIRRORS = tuple(one.lower().encode() for one in (VERSION, METHOD, NAME))
_PLAIN = re.compile(rb"[A-Za-z0-9_][!-~]*")  # never the beginning of an encoded value


def modern_refusal(head: RequestHead, message: Message, schemas: dict[str, Any]) -> Refusal | None:
    """Status and body where the server process must not see a request, or None.

    A stdio server takes a request without the envelope, or ``initialize``, for the beginning of the old era,
    and is then lost to the new one.
    """
    disagreeing = _disagreeing(head, message, schemas)
    if disagreeing:
        return 400, header_mismatch(message, disagreeing)
    lacking = _lacking(message)
    if lacking:
        return 400, error(message, INVALID_PARAMS, f"Invalid params: _meta lacks {', '.join(lacking)}")
    if message.method == "initialize":
        return 404, error(message, METHOD_NOT_FOUND, "Method not found: initialize")
    return None


def _disagreeing(head: RequestHead, message: Message, schemas: dict[str, Any]) -> list[Mismatch]:
    """Header fields that do not say what the body says."""
    schema = mirroring_schema(schemas, str(message.params.get("name")))
    if schema is None and message.method == "tools/call" and _says_the_same(head, message):
        return []
    said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    found = mismatches(said, message, schema)
    # A body without a version lacks its envelope, which is said in other words.
    lacks = not declared(message.meta) and b"mcp-protocol-version" in head.index
    return [one for one in found if not (lacks and one.header == VERSION)]


def _says_the_same(head: RequestHead, message: Message) -> bool:
    """Whether a call without mirrored arguments certainly says in its body what its head says."""
    notes = of_request(head)
    if notes.mirrored is None:
        names = [name.lower() for name, _ in head.headers]
        plain = all(names.count(one) == 1 and _PLAIN.fullmatch(head.index[one]) for one in _MIRRORS)
        notes.mirrored = tuple(head.index[one].decode() for one in _MIRRORS) if plain else ()
    return notes.mirrored == (declared(message.meta), "tools/call", message.params.get("name"))


def _lacking(message: Message) -> list[str]:
    """The keys of the envelope that a request must have and this one has not."""
    if message.kind is not Kind.REQUEST:
        return []
    meta = message.meta
    lacking = [] if isinstance(meta.get(PROTOCOL_VERSION), str) else [PROTOCOL_VERSION]
    return lacking if isinstance(meta.get(CLIENT_CAPABILITIES), dict) else [*lacking, CLIENT_CAPABILITIES]
