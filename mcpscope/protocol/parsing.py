"""Bytes to Message: fast for what is usual, tolerant of what real peers accept, never raising."""

from __future__ import annotations

from typing import Any

import orjson

from mcpscope.protocol import tolerant
from mcpscope.protocol.lookalikes import ENVELOPE, PARAMS, in_envelope, in_params
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.problems import Problem
from mcpscope.protocol.revisions import CLIENT_INFO

_loads = orjson.loads
_dumps = orjson.dumps
_BadJson = orjson.JSONDecodeError

# As a number: asked whether bytes are in others, Python raises and catches an error first (0.2 us).
_CR = 0x0D

# orjson turns integers beyond 64 bits into floats without a word; they have at least 19 digits in a row,
# and of so many bytes every sixth is looked at three times.
_SIXTH_DIGITS = b"000"
_DIGITS_AS_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19

_BEFORE_NUMBER = frozenset({b"", b":", b"[", b",", b" ", b"\t", b"\r", b"\n", b"-"})
_BEHIND_INTEGER = frozenset({b"", b",", b"]", b"}", b" ", b"\t", b"\r", b"\n"})

_SCALAR_IDS = (str, int)
_ASKED = ENVELOPE - {"result", "error"}

# Python 3.11 takes 50 ns to look up a member of an enum, a tenth of what parsing a small message takes.
_REQUEST, _NOTIFICATION, _RESULT, _ERROR = Kind.REQUEST, Kind.NOTIFICATION, Kind.RESULT, Kind.ERROR
_ASKING = (_REQUEST, _NOTIFICATION)

# Looking for a repeated key means a second parse: done for requests, for answers only while they are small.
_EXACT_BYTES = 4096  # of a larger message to write it again takes longer than to look for what is odd
_ANSWER_CHECK_BYTES = 2048
_REQUEST_CHECK_BYTES = 65536


def parse(raw: bytes) -> Message:
    """The message in ``raw``, one frame without its line end. Every input gives a Message.

    What no tolerant JSON reader makes an object or a batch of is ``Kind.MALFORMED``; everything odd is named
    in ``problems``. Integers of any size are exact.
    """
    try:
        value = _loads(raw)
        if len(raw) <= _EXACT_BYTES and type(value) is dict and (exact := _of_exact(raw, value)) is not None:
            return exact
        problems: tuple[str, ...] = ()
    except (_BadJson, RecursionError):
        value, problems = tolerant.read(raw)
        if value is tolerant.UNREADABLE:
            return Message(raw, Kind.MALFORMED, {}, problems=problems)
    else:
        if may_have_long_integer(raw) and _has_long_integer(raw):
            value = tolerant.exact_integers(raw, value)
    if _CR in raw:
        problems += (Problem.RAW_CR,)
    if type(value) is dict:
        return _of_object(raw, value, problems)
    if type(value) is list:
        return _of_batch(raw, value, problems)
    return Message(raw, Kind.MALFORMED, {}, problems=(*problems, Problem.NOT_AN_OBJECT))


def _of_exact(raw: bytes, body: dict[str, Any]) -> Message | None:
    """The usual request or result whose bytes are just what ``body`` is written as.

    No member stands in them twice then, no number was rounded, and nothing else is in between.
    """
    id = body.get("id")
    if (type(id) is not int and type(id) is not str) or body.get("jsonrpc") != "2.0":
        return None
    method: Any = ""
    params = None
    if len(body) == 4:
        method, params = body.get("method"), body.get("params")
        if type(method) is not str or type(params) is not dict or not params.keys() <= PARAMS:
            return None
    elif len(body) != 3 or "result" not in body:
        return None
    try:
        if _dumps(body) != raw:
            return None
    except TypeError:  # nested deeper than it writes
        return None
    return Message(raw, _RESULT if params is None else _REQUEST, body, method, id, True)


def may_have_long_integer(raw: bytes) -> bool:
    """Whether enough digits may stand in a row for readers to differ over the number; a quick look."""
    return raw[::6].translate(_DIGITS_AS_ZERO).find(_SIXTH_DIGITS) >= 0


def _has_long_integer(raw: bytes) -> bool:
    """Whether a run of 19 digits or more may be an integer: not those of a fraction, an id or a digest."""
    zeros = raw.translate(_DIGITS_AS_ZERO)
    at = zeros.find(_LONG_NUMBER)
    while at >= 0:
        end = at + len(_LONG_NUMBER)
        while zeros[end : end + 1] == b"0":
            end += 1
        if raw[at - 1 : at] in _BEFORE_NUMBER and raw[end : end + 1] in _BEHIND_INTEGER:
            return True
        at = zeros.find(_LONG_NUMBER, end)
    return False


def _of_object(raw: bytes, body: dict[str, Any], problems: tuple[str, ...]) -> Message:
    has_id = "id" in body
    id = body.get("id")
    if "method" in body:
        method = body["method"]
        if type(method) is not str:
            return Message(raw, Kind.MALFORMED, body, "", None, has_id, (), (*problems, Problem.BAD_METHOD))
        kind = _REQUEST if has_id else _NOTIFICATION
        plain = is_plain_asking(raw, body, kind, id)
    elif "error" in body:
        method, kind = "", _ERROR
        plain = type(body["error"]) is dict and "result" not in body and _is_plain_answer(raw, body, id)
    elif "result" in body:
        method, kind = "", _RESULT
        plain = _is_plain_answer(raw, body, id)
    else:
        return Message(raw, Kind.MALFORMED, body, "", None, has_id, (), (*problems, Problem.NOT_RPC))
    if plain:
        return Message(raw, kind, body, method, id, has_id, (), problems)
    problems += _envelope_problems(raw, body, kind)
    return Message(raw, kind, body, method, _scalar(id), has_id, (), problems)


def _is_plain_answer(raw: bytes, body: dict[str, Any], id: Any) -> bool:
    """Whether nothing in the envelope needs a second look; decides most messages in under a microsecond."""
    return (
        (type(id) is int or type(id) is str)
        and body.get("jsonrpc") == "2.0"
        and (len(raw) > _ANSWER_CHECK_BYTES or raw.count(b'"id"') == 1)
    )


def is_plain_asking(raw: bytes, body: dict[str, Any], kind: Kind, id: Any) -> bool:
    """The same of a request or notification: also no word stands more often than the value explains."""
    params = body.get("params", body)
    if kind is _REQUEST:
        if type(id) is not int and type(id) is not str:
            return False
    elif not body["method"].startswith("notifications/"):
        return False
    if not (
        body.get("jsonrpc") == "2.0"
        and type(params) is dict
        and body.keys() <= _ASKED
        and (params is body or params.keys() <= PARAMS)
    ):
        return False
    if len(raw) > _REQUEST_CHECK_BYTES:
        return True
    # Its words are only those that it may have: whatever stands there more often stands in what it holds.
    return _says_each_once(raw, params) or not tolerant.has_duplicate_keys(raw, body)


def _says_each_once(raw: bytes, params: dict[str, Any]) -> bool:
    if raw.count(b'"id"') > 1 or raw.count(b'"method"') > 1 or raw.count(b'"params"') > 1:
        return False
    if "name" not in params:
        return True
    if raw.count(b'"arguments"') > 1:
        return False
    count = raw.count(b'"name"')
    return count == 1 or (count == 2 and _names_its_client(raw, params.get("_meta")))


def _names_its_client(raw: bytes, meta: object) -> bool:
    """Whether a second name in a call is that of the client, and spelled as the first one is."""
    info = meta.get(CLIENT_INFO) if type(meta) is dict else None
    return type(info) is dict and "name" in info and b"\\u" not in raw


def _envelope_problems(raw: bytes, body: dict[str, Any], kind: Kind) -> tuple[str, ...]:
    found: list[str] = []
    if body.get("jsonrpc") != "2.0":
        found.append(Problem.BAD_VERSION)
    if kind in _ASKING:
        if type(body.get("params", body)) is not dict:
            found.append(Problem.BAD_PARAMS)
        mixed = "result" in body or "error" in body
    else:
        mixed = "result" in body and "error" in body
        if kind is _ERROR and type(body["error"]) is not dict:
            found.append(Problem.BAD_ERROR)
    if mixed:
        found.append(Problem.MIXED_MEMBERS)
    found.extend(_id_problems(body, kind))
    params = body.get("params")
    if in_envelope(body) or (type(params) is dict and kind in _ASKING and in_params(params)):
        found.append(Problem.LOOKALIKE_KEYS)
    if len(raw) <= _REQUEST_CHECK_BYTES and tolerant.has_duplicate_keys(raw, body):
        found.append(Problem.DUPLICATE_KEYS)
    return tuple(found)


def _id_problems(body: dict[str, Any], kind: Kind) -> tuple[str, ...]:
    if "id" not in body:
        if kind is _NOTIFICATION and body["method"].startswith("notifications/"):
            return ()
        return (Problem.MISSING_ID,)
    id = body["id"]
    if id is None:
        return (Problem.NULL_ID,)
    return () if type(id) in _SCALAR_IDS else (Problem.BAD_ID,)


def _scalar(id: Any) -> str | int | float | bool | None:
    return id if isinstance(id, str | int | float | bool) else None


def _of_batch(raw: bytes, elements: list[Any], problems: tuple[str, ...]) -> Message:
    """A batch with its elements parsed one by one, each with the bytes it has in the array."""
    if not elements:
        return Message(raw, Kind.MALFORMED, {}, problems=(*problems, Problem.EMPTY_BATCH))
    items = tuple(_element(part) for part in tolerant.element_bytes(raw, elements))
    return Message(raw, Kind.BATCH, {}, items=items, problems=(*problems, Problem.BATCH))


def _element(raw: bytes) -> Message:
    if raw.lstrip().startswith(b"["):
        return Message(raw, Kind.MALFORMED, {}, problems=(Problem.NESTED_BATCH,))
    return parse(raw)
