"""Terms over the JSON of messages: ``args.path~^/etc``, ``result.structuredContent.total=0``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mcpscope.engine.filter import units
from mcpscope.engine.filter.ast import Op, Path, Word
from mcpscope.engine.filter.globs import Test, whole
from mcpscope.engine.filter.jsonpath import scalars, walk
from mcpscope.engine.filter.regexes import searcher
from mcpscope.engine.filter.subject import Subject

ScalarTest = Callable[[Any], bool | None]


def path_test(node: Path) -> Callable[[Subject], bool | None]:
    """Whether a value at the path matches; an object or list matches by any value inside it.

    None if there are values and an order was asked for that none of them has (text against ``>``).
    """
    matches = _scalar_test(node.op, node.values)
    steps = node.steps
    values_of = _raw_text if node.root == "raw" and not steps else _ROOTS[node.root]

    key = (node.root, steps)

    def inside(subject: Subject) -> Iterable[Any]:
        found = (
            scalar
            for place in values_of(subject)
            for value in walk(place, steps)
            for scalar in scalars(value)
        )
        memo: dict[Any, Any] | None = getattr(subject, "memo", None)
        if memo is None:
            return found
        if key not in memo:
            memo[key] = list(found)  # for the other rules that look there
        kept: list[Any] = memo[key]
        return kept

    def test(subject: Subject) -> bool | None:
        mismatch = False
        for scalar in inside(subject):
            found = matches(scalar)
            if found:
                return True
            mismatch = mismatch or found is None
        return None if mismatch else False

    return test


def places(root: str, subject: Subject) -> Iterator[Any]:
    """The JSON that a root names in an exchange; nothing for an unknown root."""
    values_of = _ROOTS.get(root)
    return values_of(subject) if values_of else iter(())


def _scalar_test(op: Op, words: tuple[Word, ...]) -> ScalarTest:
    if op is Op.REGEX:
        search = searcher(words[0].text)
        return lambda value: search(_spelled(value))
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
    def test(value: Any) -> bool | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        match op:
            case Op.GREATER:
                return value > bound
            case Op.GREATER_EQUAL:
                return value >= bound
            case Op.LESS:
                return value < bound
            case _:
                return value <= bound

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


def _args(subject: Subject) -> Iterator[Any]:
    if subject.request is not None and "arguments" in subject.request.params:
        yield subject.request.params["arguments"]


def _params(subject: Subject) -> Iterator[Any]:
    if subject.request is not None and "params" in subject.request.body:
        yield subject.request.body["params"]


def _answer_member(member: str) -> Callable[[Subject], Iterator[Any]]:
    def place(subject: Subject) -> Iterator[Any]:
        if subject.answer is not None and member in subject.answer.body:
            yield subject.answer.body[member]

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


_ROOTS: dict[str, Callable[[Subject], Iterator[Any]]] = {
    "args": _args,
    "params": _params,
    "result": _answer_member("result"),
    "error": _answer_member("error"),
    "meta": _meta,
    "raw": _bodies,
}
