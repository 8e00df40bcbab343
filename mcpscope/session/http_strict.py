"""What a request of HTTP must be like while a policy is in force, so that nothing passes unjudged.

The message of a POST on the MCP path is judged by the gate. What could carry another one past it is refused
here: bodies elsewhere, bodies in another coding, header fields that say something else than the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from mcpscope.protocol.headers import METHOD, NAME, PARAM_PREFIX, decode, mismatches
from mcpscope.protocol.lookalikes import in_envelope
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.problems import Problem
from mcpscope.protocol.strict import findings
from mcpscope.transports.http_head import RequestHead

Refusal = tuple[int, bytes]

_FORM: Final = b"application/x-www-form-urlencoded"
_JSON: Final = b"application/json"
_LOOKS_LIKE_JSON: Final = re.compile(rb'[{}\[\]"\x00\x80-\xff]')
_UTF8: Final = frozenset({b"utf-8", b"utf8", b'"utf-8"', b'"utf8"', b"us-ascii"})
_RPC: Final = frozenset({"jsonrpc", "method", "params", "result"})


def has_body(head: RequestHead) -> bool:
    """Whether bytes follow the head."""
    return b"transfer-encoding" in head.index or head.index.get(b"content-length", b"0").strip(b"0") != b""


def of_head(head: RequestHead, *, is_mcp: bool) -> Refusal | None:
    """Why a request is refused by its head alone, or None."""
    if not has_body(head) and head.method != b"POST":
        return None
    if is_mcp and head.method != b"POST":
        return 405, b"a policy is in force: only a POST carries a body here"
    lines = [(name.lower(), value) for name, value in head.headers]
    types = [value for name, value in lines if name == b"content-type"]
    if len(types) > 1:
        return 415, b"a policy is in force: one Content-Type, please"
    if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in lines):
        return 415, b"a policy is in force: a coded body cannot be judged"
    for part in (types[0] if types else b"").split(b";")[1:]:
        name, _, value = part.partition(b"=")
        if name.strip().lower() == b"charset" and value.strip().lower() not in _UTF8:
            return 415, b"a policy is in force: only UTF-8 can be judged"
    return None


def of_other_body(head: RequestHead, body: bytes) -> Refusal | None:
    """Why the body of a request beside the MCP path is refused: in some reading it is a message."""
    media = head.index.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if not body:
        return None
    if media == _FORM and not _LOOKS_LIKE_JSON.search(body):
        return None
    if media == _JSON:
        message = parse(body)
        members = message.body
        plain = message.kind is Kind.MALFORMED and bool(members) and not (members.keys() & _RPC)
        if plain and not in_envelope(members) and set(_doubts(message)) <= {Problem.NOT_RPC}:
            return None
    return 403, b"a policy is in force: messages are served on the MCP path only"


def disagreeing(head: RequestHead, message: Message, schema: dict[str, Any] | None) -> Iterator[str]:
    """The mirrored header fields that are there and say something else than ``message``, whatever its era."""
    said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    for one in mismatches(said, message, schema):
        if one.said is not None and one.header in (METHOD, NAME):
            yield f"{one.header}: {one.text}"
    values: set[str] | None = None
    for name, value in said:
        if not name.lower().startswith(PARAM_PREFIX.lower()):
            continue
        if values is None:
            values = set(_texts(message.params.get("arguments")))
        try:
            told = decode(value.strip(" \t"))
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        if told not in values:
            yield f"{name}: no argument has this value"


def _doubts(message: Message) -> Iterator[str]:
    return (str(finding.problem) for finding in findings(message))


def _texts(value: Any) -> Iterator[str]:
    """Every scalar inside, as a header would spell it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif value is not None:
        yield str(value)
