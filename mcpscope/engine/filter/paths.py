"""Terms over the JSON of messages: ``args.path~^/etc``, ``result.structuredContent.total=0``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from sys import intern
from typing import Any

from mcpscope.engine.filter import units
from mcpscope.engine.filter.ast import Op, Path, Word
from mcpscope.engine.filter.globs import Test, whole
from mcpscope.engine.filter.jsonpath import Step, scalars, walk
from mcpscope.engine.filter.regexes import bytes_searcher, encoded
from mcpscope.engine.filter.subject import Subject

ScalarTest = Callable[[Any], bool | None]
_ORDERS: dict[Op, Callable[[float, float], bool]] = {
    Op.GREATER: operator.gt,
    Op.GREATER_EQUAL: operator.ge,
    Op.LESS: operator.lt,
    Op.LESS_EQUAL: operator.le,
}


def path_test(node: Path) -> Callable[[Subject], bool | None]:
    """Whether a value at the path matches; an object or list matches by any value inside it.

    None if there are values and an order was asked for that none of them has (text against ``>``).
    """
    inside = _inside(node.root, node.steps)
    if node.op is Op.REGEX:
        search = bytes_searcher(node.values[0].text)
        texts = _kept(intern(f"{node.root}{node.steps} as bytes"), lambda s: map(_as_bytes, inside(s)))
        return lambda subject: any(map(search, texts(subject)))
    matches = _scalar_test(node.op, node.values)

    def test(subject: Subject) -> bool | None:
        mismatch = False
        for scalar in inside(subject):
            found = matches(scalar)
            if found:
                return True
            mismatch = mismatch or found is None
        return None if mismatch else False

    return test


def _inside(root: str, steps: tuple[Step, ...]) -> Callable[[Subject], Iterable[Any]]:
    """The scalars at and inside a place."""
    values_of = _raw_text if root == "raw" and not steps else _ROOTS[root]
    keys = tuple(step for step in steps if isinstance(step, str))

    def at_keys(subject: Subject) -> list[Any]:
        found: list[Any] = []
        for value in values_of(subject):
            for key in keys:
                if not isinstance(value, dict) or key not in value:
                    break
                value = value[key]
            else:
                found.extend(scalars(value) if isinstance(value, dict | list) else (value,))
        return found

    def anywhere(subject: Subject) -> Iterator[Any]:
        for place in values_of(subject):
            for value in walk(place, steps):
                yield from scalars(value)

    return _kept(intern(f"{root}{steps}"), at_keys if len(keys) == len(steps) else anywhere)


def _kept(key: str, found: Callable[[Subject], Iterable[Any]]) -> Callable[[Subject], Iterable[Any]]:
    """``found``, worked out once for all rules that look at the same place of a live message."""

    def values(subject: Subject) -> Iterable[Any]:
        memo: dict[Any, Any] | None = getattr(subject, "memo", None)
        if memo is None:
            return found(subject)
        kept: list[Any] | None = memo.get(key)
        if kept is None:
            kept = memo[key] = list(found(subject))
        return kept

    return values


def _as_bytes(value: Any) -> bytes:
    return encoded(_spelled(value))


def places(root: str, subject: Subject) -> Iterable[Any]:
    """The JSON that a root names in an exchange; nothing for an unknown root."""
    values_of = _ROOTS.get(root)
    return values_of(subject) if values_of else ()


def _scalar_test(op: Op, words: tuple[Word, ...]) -> ScalarTest:
    if op not in (Op.MATCH, Op.EQUAL):
        return _ordered(op, units.number(words[0].text) or 0)
    strings = _strings(op, words)
    bare = [word for word in words if not word.quoted]
    spelled = whole(bare, literal=op is Op.EQUAL)
    numbers = {number for word in bare if (number := units.number(word.text)) is not None}

    def equal(value: Any) -> bool:
        if isinstance(value, str):
            return strings(value)
        if isinstance(value, bool) or value is None:
            return spelled(_spelled(value))
        return value in numbers or spelled(_spelled(value))

    return equal


def _strings(op: Op, words: tuple[Word, ...]) -> Test:
    test = whole(words, literal=op is Op.EQUAL)
    # Names are never empty, values may be: args.q="" and args.q:* find them.
    if any(
        not word.text or (op is Op.MATCH and not word.quoted and not word.text.strip("*")) for word in words
    ):
        return lambda value: value == "" or test(value)
    return test


def _ordered(op: Op, bound: float) -> ScalarTest:
    compare = _ORDERS[op]

    def test(value: Any) -> bool | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return compare(value, bound)

    return test


def _spelled(value: Any) -> str:
    """A scalar as JSON spells it; strings as they are."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value)
    except ValueError:  # an integer beyond what Python spells in decimal
        return ""


def _args(subject: Subject) -> Sequence[Any]:
    request = subject.request
    params = request.params if request is not None else {}
    return (params["arguments"],) if "arguments" in params else ()


def _params(subject: Subject) -> Sequence[Any]:
    body = subject.request.body if subject.request is not None else {}
    return (body["params"],) if "params" in body else ()


def _answer_member(member: str) -> Callable[[Subject], Sequence[Any]]:
    def place(subject: Subject) -> Sequence[Any]:
        body = subject.answer.body if subject.answer is not None else {}
        return (body[member],) if member in body else ()

    return place


def _meta(subject: Subject) -> Iterator[Any]:
    for message in (subject.request, subject.answer):
        if message is not None and message.meta:
            yield message.meta


def _bodies(subject: Subject) -> Iterator[Any]:
    for message in (subject.request, subject.answer):
        if message is not None:
            yield message.body
            for item in message.items:
                yield item.body


def _raw_text(subject: Subject) -> Iterator[Any]:
    for message in (subject.request, subject.answer):
        if message is not None:
            yield message.raw.decode("utf-8", "replace")


_ROOTS: dict[str, Callable[[Subject], Iterable[Any]]] = {
    "args": _args,
    "params": _params,
    "result": _answer_member("result"),
    "error": _answer_member("error"),
    "meta": _meta,
    "raw": _bodies,
}
