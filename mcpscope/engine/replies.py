"""What is said in place of a message that does not pass; ids are spelled as they came."""

from __future__ import annotations

import json
import re
from typing import Any

from mcpscope.engine import spans
from mcpscope.engine.decisions import Answer
from mcpscope.engine.passage import PROGRESS, Passage
from mcpscope.engine.patch import PatchError, encode
from mcpscope.engine.rule import Phase
from mcpscope.protocol import answers
from mcpscope.protocol.answers import METHOD_NOT_FOUND, REJECTED_SAMPLING, OurCode
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import PROTOCOL_VERSION

_ID = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|null|true|false)')
_METHOD = re.compile(rb'"method"\s*:\s*("(?:[^"\\]|\\.)*")')


def denied(passage: Passage, rule: str, why: str) -> bytes | None:
    """A refusal in the form its receiver understands best; None for what has no answer."""
    text = f"Blocked by policy {rule}" if rule else "Blocked"
    text = f"{text}: {why}" if why else text
    if passage.phase is Phase.REQUEST and passage.direction is Direction.TO_CLIENT:
        return _denied_server(passage, text, rule)
    if passage.method == Method.TOOLS_CALL and _answerable(passage):
        return answer(passage, answers.refused_call(text, modern=_modern(passage)))
    return _error(passage, OurCode.DENIED, text, {"rule": rule} if rule else {})


def dropped(passage: Passage, code: int, text: str, rule: str) -> bytes | None:
    """An error of the person's or rule's choice."""
    return _error(
        passage, code or OurCode.DROPPED, text or "Dropped in mcpscope", {"rule": rule} if rule else {}
    )


def troubled(passage: Passage, code: int, text: str) -> bytes:
    """An error as a server in trouble would give it; does not tell that it is ours."""
    return answer(passage, b'"error":' + encode({"code": code, "message": text}))


def timed_out(passage: Passage) -> bytes | None:
    return _error(passage, OurCode.TIMED_OUT, "Held in mcpscope until its time was over; it was not sent", {})


def upstream_gone(passage: Passage) -> bytes | None:
    return _error(passage, OurCode.UPSTREAM_GONE, "The other side ended before this was sent to it", {})


def unreadable(passage: Passage, problems: tuple[str, ...]) -> bytes | None:
    text = "Refused: a policy is in force and this cannot be read with certainty"
    return _error(passage, OurCode.UNREADABLE, text, {"problems": list(problems)})


def broken(passage: Passage) -> bytes | None:
    return _error(
        passage, OurCode.UNREADABLE, "Refused: mcpscope could not judge it, and rules are in force", {}
    )


def too_large(passage: Passage, limit: int) -> bytes | None:
    text = f"Refused: longer than the {limit} bytes that mcpscope takes in its gate (--max-message)"
    return _error(passage, OurCode.TOO_LARGE, text, {"limit": limit})


def answer(passage: Passage, body: bytes) -> bytes:
    """The answer with ``body``, the member text ``"result":...`` or ``"error":...``."""
    return answers.answer(passage.received, body)


def body_of(wish: Answer | None, last_good: bytes | None) -> bytes | None:
    """The member text of the answer that was wished for; None where no last good one is known.

    Raises PatchError for a text that is no answer.
    """
    if wish is None or wish.last_good:
        there = spans.find(last_good, ("result",)) if last_good is not None else None
        return None if last_good is None or there is None else b'"result":' + last_good[there[0] : there[1]]
    if not wish.text:
        return _member({key: encode(value) for key, value in wish.body.items()})
    try:
        body = json.loads(wish.text)
        raw = wish.text.encode()
    except ValueError as error:
        raise PatchError(f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise PatchError("not an object")
    return _member(
        {
            slot.key: spans.compact(raw[slot.value : slot.end])
            for slot in spans.slots(raw, spans.value_start(raw))
        }
    )


def held_progress(token: Any, count: int) -> bytes:
    """A sign of life for a client whose request is held; so small that real progress rises above it."""
    params = {"progressToken": token, "progress": count / 1_000_000, "message": "held in mcpscope"}
    return encode({"jsonrpc": "2.0", "method": PROGRESS, "params": params})


def head_of(head: bytes) -> Message:
    """What can be told of a message from its first bytes: its kind, id and method."""
    method, id = _METHOD.search(head), _ID.search(head)
    said: list[bytes] = []
    if id:
        said.append(b'"id":' + id.group(1))
    if method:
        said.append(b'"method":' + method.group(1))
    elif b'"error"' in head and b'"result"' not in head:
        said.append(b'"error":{}')
    elif id:
        said.append(b'"result":{}')
    found = parse(b'{"jsonrpc":"2.0",' + b",".join(said) + b"}") if said else parse(head)
    return Message(head, found.kind, found.body, found.method, found.id, found.has_id, (), found.problems)


def _member(parts: dict[str, bytes]) -> bytes:
    for key in ("result", "error"):
        if key in parts:
            return b'"%b":%b' % (key.encode(), parts[key])
    raise PatchError("neither a result nor an error")


def _denied_server(passage: Passage, text: str, rule: str) -> bytes | None:
    """What a server hears whose question a person or rule turns down."""
    if passage.method == Method.ELICITATION:
        return answer(passage, b'"result":{"action":"decline"}') if _answerable(passage) else None
    if passage.method == Method.SAMPLING:
        return _error(passage, REJECTED_SAMPLING, text, {"rule": rule} if rule else {})
    if passage.method == Method.ROOTS_LIST:
        return _error(passage, METHOD_NOT_FOUND, text, {})
    return _error(passage, OurCode.DENIED, text, {"rule": rule} if rule else {})


def _error(passage: Passage, code: int, text: str, data: dict[str, Any]) -> bytes | None:
    if not _answerable(passage):
        return None
    return answers.error(passage.received, code, text, data)


def _answerable(passage: Passage) -> bool:
    """Whether something goes in its place: a request awaits an answer, an answer is awaited."""
    return passage.is_request or passage.received.kind in (Kind.RESULT, Kind.ERROR)


def _modern(passage: Passage) -> bool:
    request = passage.request if passage.phase is Phase.ANSWER else passage.received
    return request is not None and PROTOCOL_VERSION in request.meta
