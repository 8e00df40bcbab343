"""Messages of which it is certain at a glance that everybody reads them in one way.

Without escapes and beyond ASCII nothing, each name stands in the bytes as it is read. What is doubted here is
not odd for that: ``protocol.strict`` and ``engine.readings`` look at it again, in full.
"""

from __future__ import annotations

from typing import Any, Final

from mcpscope.engine.ruled import Ruled
from mcpscope.engine.scripted import may_differ
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import METHODS, Method
from mcpscope.protocol.strict import MAX_DEPTH, has_right_types

_READ: Final = frozenset({Kind.REQUEST, Kind.NOTIFICATION, Kind.RESULT, Kind.ERROR})
_LISTEN: Final = Method.LISTEN.value
# Bytes as numbers: asked whether bytes are in it, Python raises and catches an error first (0.2 us).
_TAB, _LF, _CR, _BACKSLASH = b"\t\n\r\\"
_DOUBT: Final = -(1 << 62)


def has_one_reading(message: Message, ruled: Ruled) -> bool:
    """Whether ``message`` is one for every reader and is about nothing that may be taken for a ruled name."""
    raw = message.raw
    if message.problems or message.kind not in _READ or not has_one_spelling(raw):
        return False
    method = message.method
    if method and not (method in METHODS and has_right_types(message) and _is_about_itself(message, ruled)):
        return False
    if (b'" ' in raw or b' "' in raw) and _has_loose_text(message.body):
        return False
    return member_count(message.body, ruled) == raw.count(b'":')


def has_one_spelling(raw: bytes) -> bool:
    """Whether each text stands in ``raw``, which is JSON, as it is read, and no number is too long.

    A name that stands twice in one object is there once when read: then ``member_count`` and the number of
    ``":`` differ.
    """
    if not raw.isascii() or _BACKSLASH in raw:
        return False
    # A colon follows its name at once, so that names can be counted; a line is a line for everybody.
    if _TAB in raw or _LF in raw or _CR in raw or raw.find(b" :") >= 0:
        return False
    deep = len(raw) > 2 * MAX_DEPTH and raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
    return not deep and not may_differ(raw)


def member_count(value: Any, ruled: Ruled) -> int:
    """How many members there are in ``value``, below nothing if the name of one of them is doubtful."""
    count = 0
    items = value
    if type(value) is dict:
        names = tuple(value)
        if not ruled.has_plain_names(names):
            return _DOUBT
        count = len(names)
        items = value.values()
    for item in items:
        if type(item) is dict or type(item) is list:
            count += member_count(item, ruled)
    return count


def _is_about_itself(message: Message, ruled: Ruled) -> bool:
    """Whether method and target can be taken for nothing that a rule names; URIs need a closer look."""
    method, params = message.method, message.body.get("params")
    if ruled.alike(method) or method == _LISTEN:
        return False
    if type(params) is not dict:
        return True
    if "uri" in params or "ref" in params:
        return False
    name, task = params.get("name"), params.get("taskId")
    return not (type(name) is str and ruled.alike(name)) and not (type(task) is str and ruled.alike(task))


def _has_loose_text(value: Any) -> bool:
    """Whether a text has white space at its ends, which some readers drop."""
    if type(value) is str:
        return value != value.strip()
    items = value.values() if type(value) is dict else value if type(value) is list else ()
    return any(_has_loose_text(item) for item in items)
