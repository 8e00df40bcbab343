"""Single messages against the revision that was agreed on: direction, envelope, capabilities, content."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from mcpscope.protocol.headers import VERSION, mismatches
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import LISTS, METHODS, Method
from mcpscope.protocol.problems import Problem
from mcpscope.protocol.revisions import (
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    PROTOCOL_VERSION,
    Era,
    declared,
    era_of,
)

_BATCHES: Final = "2025-03-26"  # the only revision that has them
_COMPLETIONS: Final = "2025-03-26"  # the first revision in which they are declared
_VERSION_HEADER: Final = "2025-06-18"  # the first revision that demands it
_ENVELOPE: Final = (PROTOCOL_VERSION, CLIENT_INFO, CLIENT_CAPABILITIES)
_UNKNOWN_METHOD: Final = -32601
_PROBES: Final = frozenset({Method.INITIALIZE, Method.DISCOVER})  # asked to learn which era it is
_BEFORE_HANDSHAKE: Final = frozenset({Method.INITIALIZE, Method.PING, Method.DISCOVER})
_UNREADABLE: Final = frozenset({Problem.NOT_JSON, Problem.NOT_AN_OBJECT, Problem.NOT_RPC, Problem.TOO_DEEP})
_BATCHED: Final = frozenset({Problem.BATCH, Problem.EMPTY_BATCH, Problem.NESTED_BATCH})
_IDS: Final = frozenset({Problem.NULL_ID, Problem.MISSING_ID, Problem.BAD_ID})
_SERVER_NEEDS: Final[dict[str, str]] = {
    Method.TOOLS_LIST: "tools",
    Method.TOOLS_CALL: "tools",
    Method.PROMPTS_LIST: "prompts",
    Method.PROMPTS_GET: "prompts",
    Method.RESOURCES_LIST: "resources",
    Method.RESOURCES_READ: "resources",
    Method.TEMPLATES_LIST: "resources",
    Method.SUBSCRIBE: "resources",
    Method.SET_LEVEL: "logging",
    Method.COMPLETE: "completions",
}
_CLIENT_NEEDS: Final[dict[str, str]] = {
    Method.SAMPLING: "sampling",
    Method.ELICITATION: "elicitation",
    Method.ROOTS_LIST: "roots",
}
_MEMBERS: Final[dict[str, tuple[str, type]]] = {
    **{method: (name, list) for method, name in LISTS.items()},
    Method.RESOURCES_READ: ("contents", list),
    Method.PROMPTS_GET: ("messages", list),
    Method.COMPLETE: ("completion", dict),
    Method.INITIALIZE: ("protocolVersion", str),
    Method.ROOTS_LIST: ("roots", list),
    Method.ELICITATION: ("action", str),
    Method.SAMPLING: ("role", str),
}


@dataclass(slots=True)
class Standing:
    """What has been agreed so far: the revision, what each side can do, whether the handshake is over."""

    revision: str = ""
    client: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    known: bool = False
    initialized: bool = False
    initializes: int = 0


def of_message(message: Message, direction: Direction, standing: Standing) -> Iterator[tuple[str, str]]:
    """Code and text of each finding about one message; the side at fault is its sender."""
    yield from _of_problems(message, standing)
    if message.kind in (Kind.REQUEST, Kind.NOTIFICATION):
        yield from _of_method(message, direction, standing)
    elif message.kind is Kind.ERROR:
        code = message.error.get("code")
        if type(code) is not int or type(message.error.get("message")) is not str:
            yield "bad-error", f"code {code!r}, message {message.error.get('message')!r}"


def _of_problems(message: Message, standing: Standing) -> Iterator[tuple[str, str]]:
    for problem in message.problems:
        if problem in _UNREADABLE:
            yield "not-json", f"{problem}: {message.raw[:80].decode(errors='replace')}"
        elif problem in _BATCHED:
            if standing.revision != _BATCHES:
                yield "batch", str(problem)
        elif problem in _IDS:
            yield "null-id", f"{message.method or 'an answer'}: {problem}"
        elif problem in (Problem.BAD_VERSION, Problem.BAD_METHOD, Problem.BAD_PARAMS, Problem.MIXED_MEMBERS):
            yield "bad-envelope", f"{message.method or 'an answer'}: {problem}"
        elif problem == Problem.BAD_ERROR:
            yield "bad-error", "error is no object"
        else:
            yield "bad-json", f"{message.method or 'a message'}: {problem}"


def _of_method(message: Message, direction: Direction, standing: Standing) -> Iterator[tuple[str, str]]:
    method = message.method
    info = METHODS.get(method)
    if info is None:
        yield "unknown-method", method[:80]
        return
    everywhere = frozenset().union(*info.senders.values())
    revision = standing.revision
    if direction not in everywhere:
        yield "wrong-direction", f"the {_side(direction)} sent {method}"
    elif (
        revision and not info.extension and method not in _PROBES and direction not in info.sent_by(revision)
    ):
        yield "wrong-revision", f"{method} is not in {revision}"
    modern = bool(revision) and era_of(revision) is Era.MODERN
    if modern and message.kind is Kind.REQUEST and method != Method.INITIALIZE:
        yield from _of_envelope(message, direction)
    if not modern and message.kind is Kind.REQUEST:
        yield from _of_handshake(method, message.params, direction, standing)
    yield from _of_capability(method, direction, standing)


def _of_envelope(message: Message, direction: Direction) -> Iterator[tuple[str, str]]:
    lacking = [key.rpartition("/")[2] for key in _ENVELOPE if key not in message.meta]
    if lacking and direction is Direction.TO_SERVER:
        yield "missing-meta", f"{message.method} lacks {', '.join(lacking)}"


def _of_handshake(
    method: str, params: dict[str, Any], direction: Direction, standing: Standing
) -> Iterator[tuple[str, str]]:
    if method == Method.INITIALIZE:
        for name, kind in (("protocolVersion", str), ("capabilities", dict), ("clientInfo", dict)):
            if type(params.get(name)) is not kind:
                yield "bad-hello", f"initialize has no {name}"
        standing.initializes += 1
        if standing.initializes > 1:
            yield "second-initialize", f"for the {standing.initializes}. time"
    elif standing.initializes and not standing.initialized and method not in _BEFORE_HANDSHAKE:
        yield "early-request", f"{method} before notifications/initialized"


def _of_capability(method: str, direction: Direction, standing: Standing) -> Iterator[tuple[str, str]]:
    if not standing.known:
        return
    asked = direction is Direction.TO_SERVER
    need = (_SERVER_NEEDS if asked else _CLIENT_NEEDS).get(method)
    if need == "completions" and standing.revision < _COMPLETIONS:
        return
    if need is not None and need not in (standing.server if asked else standing.client):
        yield "capability", f"{method}, though the {'server' if asked else 'client'} declares no {need}"


def of_refusal(method: str, error: dict[str, Any], standing: Standing) -> Iterator[tuple[str, str]]:
    """Code and text of each finding about a server's error for a request of ``method``."""
    need = _SERVER_NEEDS.get(method)
    if error.get("code") == _UNKNOWN_METHOD and standing.known and need in standing.server:
        yield "unkept-capability", f"{need} is declared, and {method} refused as unknown"


def of_headers(
    message: Message, headers: list[tuple[str, str]], standing: Standing, schema: dict[str, Any] | None
) -> Iterator[tuple[str, str]]:
    """Code and text of each finding about the headers of the POST that carried ``message``."""
    if declared(message.meta):
        for found in mismatches(headers, message, schema):
            yield (
                "missing-header" if found.said is None else "header-mismatch",
                f"{found.header}: {found.text}",
            )
    elif standing.initialized and standing.revision >= _VERSION_HEADER:
        said = [value for name, value in headers if name.lower() == VERSION.lower()]
        if not said:
            yield "missing-header", f"{VERSION} is missing"
        elif said[0] != standing.revision:
            yield "header-mismatch", f"{VERSION} is {said[0]}, agreed on was {standing.revision}"


def of_result(method: str, result: Any) -> Iterator[tuple[str, str]]:
    """Code and text of each finding about the result of ``method``."""
    if type(result) is not dict:
        yield "bad-result", f"the result of {method} is no object"
        return
    if result.get("resultType", "complete") != "complete" or "task" in result:
        return
    yield from _of_members(method, result)
    if method == Method.TOOLS_CALL:
        if type(result.get("content")) is not list:
            yield "bad-result", "the result of tools/call has no content"
        else:
            yield from _of_blocks(result["content"])
    elif method == Method.RESOURCES_READ and type(result.get("contents")) is list:
        for item in result["contents"]:
            if type(item) is not dict or ("text" not in item and "blob" not in item) or "uri" not in item:
                yield "bad-content", "contents need a uri, and text or blob"
            elif "blob" in item and not _is_base64(item["blob"]):
                yield "bad-content", "blob is no base64"


def _of_members(method: str, result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the result of a method must have."""
    if method == Method.INITIALIZE:
        for name in ("capabilities", "serverInfo"):
            if type(result.get(name)) is not dict:
                yield "bad-hello", f"the answer to initialize has no {name}"
    if method in LISTS and type(result.get("nextCursor", "")) is not str:
        yield "bad-result", f"nextCursor of {method} is no text"
    wanted = _MEMBERS.get(method)
    if wanted is not None and type(result.get(wanted[0])) is not wanted[1]:
        yield "bad-result", f"the result of {method} has no {wanted[0]}"


def _of_blocks(blocks: list[Any]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        kind = block.get("type") if type(block) is dict else None
        if kind in ("image", "audio"):
            if not _is_base64(block.get("data")):
                yield "bad-content", f"the data of {kind} content is no base64"
            if type(block.get("mimeType")) is not str:
                yield "bad-content", f"{kind} content without mimeType"
        elif not _is_whole(kind, block):
            yield "bad-content", f"content of type {kind!r} lacks what it needs, or is unknown"


def _is_whole(kind: Any, block: Any) -> bool:
    """Whether a block of another kind than image and audio has what it needs."""
    if kind == "text":
        return type(block.get("text")) is str
    if kind == "resource":
        return type(block.get("resource")) is dict and "uri" in block["resource"]
    return kind == "resource_link" and type(block.get("uri")) is str


def _is_base64(value: Any) -> bool:
    if type(value) is not str:
        return False
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _side(direction: Direction) -> str:
    return "client" if direction is Direction.TO_SERVER else "server"
