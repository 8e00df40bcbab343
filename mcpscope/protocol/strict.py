"""Whether a message has exactly one reading, whoever reads it: the question a gate asks under a policy.

Findings are what lets two JSON readers see two messages in the same bytes: repeated and look-alike member
names, numbers and characters that not all of them take, nesting, types, ids. No finding means every reader
agrees. A raw CR or LF is none: in valid JSON it is white space, and ``flatten`` makes it harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from mcpscope.protocol.lookalikes import (
    ENVELOPE,
    FOLDED_ENVELOPE,
    FOLDED_METHODS,
    FOLDED_PARAMS,
    PARAMS,
    folded,
    in_envelope,
    in_params,
)
from mcpscope.protocol.members import depth, keys
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import METHODS, Method
from mcpscope.protocol.problems import Problem

MAX_DEPTH: Final = 128

_NEEDS_TEXT = {
    Method.TOOLS_CALL: "name",
    Method.PROMPTS_GET: "name",
    Method.RESOURCES_READ: "uri",
    Method.SUBSCRIBE: "uri",
    Method.UNSUBSCRIBE: "uri",
    Method.TASKS_GET: "taskId",
    Method.TASKS_RESULT: "taskId",
    Method.TASKS_CANCEL: "taskId",
    Method.TASKS_UPDATE: "taskId",
}
_HARMLESS = frozenset({Problem.RAW_CR})
_LEGAL_IN_ERRORS = frozenset({Problem.RAW_CR, Problem.NULL_ID, Problem.MISSING_ID})


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to doubt: its word, what exactly, and the byte it is at (-1 where it is the whole)."""

    problem: Problem
    text: str
    at: int = -1

    def __str__(self) -> str:
        return f"{self.text} (byte {self.at})" if self.at >= 0 else self.text


def findings(message: Message, *, max_depth: int = MAX_DEPTH) -> tuple[Finding, ...]:
    """Why ``message`` may be read in more than one way; empty if it cannot be.

    The members of ``message`` must be those of its bytes (``protocol.parsing``).
    """
    raw = message.raw
    if _is_certain(message, max_depth):
        return ()
    found = [*_of_problems(message)]
    deepest, at = depth(raw)
    if deepest > max_depth:
        found.append(Finding(Problem.TOO_DEEP, f"nested {deepest} deep, {max_depth} allowed", at))
    if message.kind is not Kind.MALFORMED:
        found.extend(_of_keys(raw))
        found.extend(_of_types(message))
    return tuple({(finding.problem, finding.text): finding for finding in reversed(found)}.values())[::-1]


def has_right_types(message: Message) -> bool:
    """Whether what its method demands has the types that it demands."""
    return next(_of_types(message), None) is None


def flatten(raw: bytes) -> bytes:
    """``raw`` with raw line breaks as spaces: the same JSON value, and one line for who splits at CR."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ")


class _TwiceError(Exception):
    """A member name occurs twice in one object."""


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) != len(members):
        raise _TwiceError
    return made


_ONCE = json.JSONDecoder(object_pairs_hook=_once)


def _is_certain(message: Message, max_depth: int) -> bool:
    """The quick answer for a clean message; what it doubts is looked at again, with positions."""
    raw = message.raw
    if message.kind is Kind.MALFORMED or message.kind is Kind.BATCH:
        return False
    if message.problems:
        legal = _LEGAL_IN_ERRORS if message.kind is Kind.ERROR else _HARMLESS
        if not legal.issuperset(message.problems):
            return False
    if raw.count(b"{") + raw.count(b"[") > max_depth and not _within(message.body, max_depth):
        return False
    try:
        body = _ONCE.decode(raw.decode())
    except (_TwiceError, RecursionError, ValueError):
        return False
    if in_envelope(body):
        return False
    if not message.method:
        return True
    if not has_right_types(message):
        return False
    params = message.params
    return not in_params(params) and not _any_alike(params)


def _within(value: Any, levels: int) -> bool:
    """Whether ``value`` is nested at most ``levels`` deep; recurses no deeper than that."""
    if not levels:
        return False
    items = value.values() if type(value) is dict else value
    return all(_within(item, levels - 1) for item in items if type(item) is dict or type(item) is list)


def _any_alike(value: Any) -> bool:
    """Whether two members of any object inside may be taken for one another. At most ``MAX_DEPTH`` deep."""
    if type(value) is dict:
        if len(value) > 1 and len(set(map(folded, value))) != len(value):
            return True
        return any(_any_alike(item) for item in value.values() if type(item) in (dict, list))
    return any(_any_alike(item) for item in value if type(item) in (dict, list))


def _of_problems(message: Message) -> Iterator[Finding]:
    legal = _LEGAL_IN_ERRORS if message.kind is Kind.ERROR else _HARMLESS
    for problem in message.problems:
        if problem in legal or problem in _LOOKED_AT_AGAIN:
            continue
        if problem == Problem.NOT_JSON:
            yield _why_not_json(message.raw)
        else:
            yield Finding(Problem(problem), _TEXTS.get(Problem(problem), problem))


def _why_not_json(raw: bytes) -> Finding:
    text = raw.decode(errors="replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        at = len(text[: error.pos].encode(errors="replace"))
        if error.msg == "Extra data":
            return Finding(Problem.TRAILING_BYTES, "something follows the message", at)
        return Finding(Problem.NOT_JSON, f"not JSON: {error.msg}", at)
    except (RecursionError, ValueError):
        pass
    return Finding(Problem.NOT_JSON, _TEXTS[Problem.NOT_JSON])


def _of_keys(raw: bytes) -> Iterator[Finding]:
    """Repeated names anywhere; look-alikes in the envelope and everywhere below ``params``."""
    exact: dict[tuple[int, str], int] = {}
    alike: dict[tuple[int, str], str] = {}
    for key in keys(raw):
        where = ".".join(key.path) or "the message"
        shown = json.dumps(key.name)
        if (key.owner, key.name) in exact:
            yield Finding(Problem.DUPLICATE_KEYS, f"the member {shown} occurs twice in {where}", key.at)
        exact[(key.owner, key.name)] = key.at
        if key.path and key.path[0] != "params":
            continue
        known, folds = {
            0: (ENVELOPE, FOLDED_ENVELOPE),
            1: (PARAMS, FOLDED_PARAMS),
        }.get(len(key.path), (frozenset(), {}))
        fold = folded(key.name)
        other = alike.setdefault((key.owner, fold), key.name)
        if key.name not in known and fold in folds:
            other = folds[fold]
        if other != key.name:
            text = f"the member {shown} of {where} may be taken for {json.dumps(other)}"
            yield Finding(Problem.LOOKALIKE_KEYS, text, key.at)


def _of_types(message: Message) -> Iterator[Finding]:
    """Types that the method demands and readers are known to bend."""
    if not message.method:
        return
    params = message.params
    arguments = params.get("arguments")
    if arguments is not None and type(arguments) is not dict and message.method in _WITH_ARGUMENTS:
        yield Finding(Problem.BAD_ARGUMENTS, "arguments is not an object")
    elif "arguments" in params and arguments is None and message.method in _WITH_ARGUMENTS:
        yield Finding(Problem.BAD_ARGUMENTS, "arguments is null")
    needed = _NEEDS_TEXT.get(message.method)  # type: ignore[call-overload]  # a StrEnum is its text
    if needed is not None and type(params.get(needed)) is not str:
        yield Finding(Problem.BAD_NAME, f"{needed} is not a string")
    if message.method not in METHODS and folded(message.method) in FOLDED_METHODS:
        text = f"the method may be taken for {FOLDED_METHODS[folded(message.method)]}"
        yield Finding(Problem.BAD_METHOD, text)


_LOOKED_AT_AGAIN = frozenset({Problem.DUPLICATE_KEYS, Problem.LOOKALIKE_KEYS})
_WITH_ARGUMENTS = frozenset({Method.TOOLS_CALL, Method.PROMPTS_GET})
_TEXTS = {
    Problem.NOT_JSON: "not JSON",
    Problem.NOT_AN_OBJECT: "not an object",
    Problem.NOT_RPC: "neither a request nor a notification nor an answer",
    Problem.BATCH: "a batch",
    Problem.EMPTY_BATCH: "an empty batch",
    Problem.NESTED_BATCH: "a batch within a batch",
    Problem.BAD_VERSION: 'jsonrpc is not "2.0"',
    Problem.BAD_METHOD: "method is not a string",
    Problem.BAD_PARAMS: "params is not an object",
    Problem.BAD_ERROR: "error is not an object",
    Problem.BAD_ID: "the id is neither a string nor an integer",
    Problem.NULL_ID: "the id is null",
    Problem.MISSING_ID: "an id is missing",
    Problem.MIXED_MEMBERS: "members of a request and of an answer together, or result and error",
    Problem.NON_FINITE: "a number that JSON does not have or a double cannot hold",
    Problem.LONE_SURROGATE: "half of a surrogate pair",
    Problem.BOM: "a byte order mark",
    Problem.NOT_UTF8: "bytes that are not UTF-8",
    Problem.TOO_DEEP: "nested too deep",
}
