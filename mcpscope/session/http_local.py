"""What a client is told by us when its upstream gives no answer, or may not be asked."""

from __future__ import annotations

from mcpscope.protocol.answers import OurCode, error
from mcpscope.protocol.headers import Mismatch
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.transports.http_head import Headers

HEADER_MISMATCH = -32020
JSON_LINE = (b"Content-Type", b"application/json")
_JSON: Headers = [JSON_LINE]
_STATUS = {"timeout": 504, "not recorded": 503, "malformed": 400}
_CODES = {"not recorded": OurCode.NOT_RECORDED, "malformed": OurCode.UNREADABLE}
_WORDS = {
    "not recorded": "this is not forwarded, for it could not be recorded:",
    "malformed": "this is not forwarded:",
}
_NOBODY = Message(b"", Kind.MALFORMED, {})


def header_mismatch(message: Message, found: list[Mismatch]) -> bytes:
    """The answer to a request whose header fields do not say what its body says (2026-07-28)."""
    text = "; ".join(f"{one.header}: {one.text}" for one in found)
    return error(message, HEADER_MISMATCH, f"Header mismatch: {text}")


def local_failure(kind: str, text: str, body: bytes) -> tuple[int, Headers, bytes]:
    """Status, headers and body: a JSON-RPC error with the request's id that says whose words these are.

    ``kind`` is that of a Failure, or ``exit``, ``not recorded``, ``malformed``; ``body`` is the (beginning of
    the) request's body.
    """
    message = parse(body)
    asked = message if message.kind is Kind.REQUEST else _NOBODY
    return _STATUS.get(kind, 502), _JSON, failure_answer(kind, text, asked)


def as_json(headers: Headers) -> Headers:
    """Those of an answer whose body is JSON of ours now: its old coding and type are not true any more."""
    found = [line for line in headers if line[0].lower() != b"content-encoding"]
    types = [value for name, value in found if name.lower() == b"content-type"]
    if len(types) == 1 and types[0].partition(b";")[0].strip().lower() == b"application/json":
        return found
    return [*(line for line in found if line[0].lower() != b"content-type"), *_JSON]


def failure_answer(kind: str, text: str, asked: Message) -> bytes:
    """The JSON-RPC error alone, under the id of ``asked``."""
    said = f"mcpscope: {_WORDS.get(kind, 'no answer from')} {text}"
    return error(asked, _CODES.get(kind, OurCode.UPSTREAM_GONE), said, {"reason": kind})
