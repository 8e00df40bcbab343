"""Large messages, read only at their surface: what correlates and summarises them, not what they carry.

Making objects of a megabyte takes five times as long as passing over it, and freeing them as long again.
Whatever is not the plain form of a large message is left to ``parsing.parse``, which reads all of it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from mcpscope.protocol.lookalikes import PARAMS
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import PROTOCOL_VERSION

LARGE_ANSWER_BYTES: Final = 4096
LARGE_CALL_BYTES: Final = 8192  # below it a name that stands twice is looked for in the arguments, too

_SMALL_BYTES = 512  # of a member; it is read as it is
_SHOWN_BYTES = 500  # of a long text; less than what is small, so that its end is not among them
_CALLS = frozenset({Method.TOOLS_CALL.value, Method.PROMPTS_GET.value})
_BLOCKS = frozenset({"content", "contents"})
# What somebody reads to its end: definitions, questions to the client, tasks, who the server is.
_READ_WHOLE = frozenset(
    {
        "_meta",
        "capabilities",
        "content",
        "contents",
        "error",
        "inputRequests",
        "message",
        "messages",
        "params",
        "prompts",
        "requestState",
        "resourceTemplates",
        "resources",
        "result",
        "roots",
        "serverInfo",
        "task",
        "tools",
    }
)
_NAMED_ONCE = (b'"id"', b'"method"', b'"params"', b'"arguments"', b'"name"')
_ENVELOPE_BYTES = 2048
_LONGEST_ESCAPE = 14  # a pair of surrogates, and the quote

# A number with so many digits may be an integer that orjson does not keep.
_DIGITS_AS_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_INTEGER = b"0" * 19


class _Large(Exception):
    """Something is large that has to be read as a whole."""


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    jsonrpc: str
    id: msgspec.Raw
    method: str | None = None
    params: dict[str, msgspec.Raw] | None = None
    result: dict[str, msgspec.Raw] | None = None


_envelope = msgspec.json.Decoder(_Envelope).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_blocks = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def read(raw: bytes) -> Message:
    """``parse``, but that ``body`` of a large plain call or result may lack what lies deep in it.

    Its texts are then cut, numbers deep in it are not looked at, objects and arrays are empty or their items
    None; ``content`` has all its blocks.
    """
    return (len(raw) >= LARGE_ANSWER_BYTES and _surface(raw)) or parse(raw)


def _surface(raw: bytes) -> Message | None:
    if b"\r" in raw or not _is_text(raw):
        return None
    try:
        seen = _envelope(raw)
        id = _small(bytes(seen.id))
        if seen.jsonrpc != "2.0" or type(id) not in (int, str):
            return None
        return _result(raw, id, seen) if seen.method is None else _call(raw, id, seen)
    except (ValueError, RecursionError, _Large):
        return None


def _call(raw: bytes, id: int | str, seen: _Envelope) -> Message | None:
    params, method = seen.params, seen.method
    if method not in _CALLS or params is None or seen.result is not None or not params.keys() <= PARAMS:
        return None
    rest = _without(raw, bytes(params.get("arguments", b"")))
    if len(raw) < LARGE_CALL_BYTES or len(rest) > _ENVELOPE_BYTES:
        return None
    if any(rest.count(name) > 1 for name in _NAMED_ONCE):
        return None
    read: dict[str, Any] = {}
    for name, value in params.items():
        read[name] = _arguments(bytes(value)) if name == "arguments" else _member(name, bytes(value))
    if PROTOCOL_VERSION in (read.get("_meta") or ()):
        return None  # its retry is recognised by all that it says
    return Message(
        raw, Kind.REQUEST, {"jsonrpc": "2.0", "id": id, "method": method, "params": read}, method, id, True
    )


def _result(raw: bytes, id: int | str, seen: _Envelope) -> Message | None:
    if seen.result is None or seen.params is not None:
        return None
    result: dict[str, Any] = {}
    for name, value in seen.result.items():
        data = bytes(value)
        if name in _BLOCKS and len(data) > _SMALL_BYTES:
            result[name] = [_block(block) for block in _blocks(data)]
        else:
            result[name] = _member(name, data)
    return Message(raw, Kind.RESULT, {"jsonrpc": "2.0", "id": id, "result": result}, "", id, True)


def _block(members: dict[str, msgspec.Raw]) -> dict[str, Any]:
    """One block of content; of a large embedded resource the names of its members."""
    read: dict[str, Any] = {}
    for name, value in members.items():
        data = bytes(value)
        if name == "resource" and len(data) > _SMALL_BYTES:
            read[name] = dict.fromkeys(_members(data))
        else:
            read[name] = _member(name, data)
    return read


def _arguments(data: bytes) -> Any:
    if not data.startswith(b"{"):
        return _member("", data)
    read: dict[str, Any] = {}
    for name, value in _members(data).items():
        inner = bytes(value)
        many = inner.startswith(b"[") and len(inner) > _SMALL_BYTES
        read[name] = [None] * len(_elements(inner)) if many else _member("", inner)
    return read


def _member(name: str, data: bytes) -> Any:
    """The value in ``data`` where it is small or a text; something of its type where it is neither."""
    if len(data) <= _SMALL_BYTES:
        return _small(data)
    if name in _READ_WHOLE:
        raise _Large
    if data.startswith(b'"'):
        return _beginning(data)
    return {"…": None} if data.startswith(b"{") else []


def _small(data: bytes) -> Any:
    if len(data) >= len(_LONG_INTEGER) and _LONG_INTEGER in data.translate(_DIGITS_AS_ZERO):
        raise _Large
    return orjson.loads(data)


def _beginning(data: bytes) -> str:
    """The first characters of a long JSON string."""
    shown = data[:_SHOWN_BYTES]
    for _ in range(_LONGEST_ESCAPE):
        try:
            text: str = orjson.loads(shown + b'"')
        except ValueError:
            shown = shown[:-1]  # it ended within an escape or a character
        else:
            return text
    raise _Large


def _without(raw: bytes, value: bytes) -> bytes:
    """``raw`` without the ``value`` that lies in it."""
    at = raw.find(value[:64])
    while at >= 0 and not raw.startswith(value, at):
        at = raw.find(value[:64], at + 1)
    return raw[:at] + raw[at + len(value) :] if at >= 0 else raw


def _is_text(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
