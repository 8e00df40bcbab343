"""The tree of a filter compiled to one function over a Subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import assert_never

from mcpscope.engine.filter.ast import (
    All,
    And,
    Contains,
    Names,
    Node,
    Not,
    Number,
    Op,
    Or,
    Path,
    Since,
    States,
    Term,
    Word,
)
from mcpscope.engine.filter.contains import contains_test
from mcpscope.engine.filter.fields import STATES, State
from mcpscope.engine.filter.globs import Test, whole
from mcpscope.engine.filter.ids import spellings
from mcpscope.engine.filter.paths import path_test
from mcpscope.engine.filter.regexes import searcher
from mcpscope.engine.filter.subject import Subject

Verdict = Callable[[Subject], bool | None]

OPEN_STATUSES = frozenset({"waiting", "held", "input", "task"})

_ONE: dict[str, Callable[[Subject], str]] = {
    "method": attrgetter("method"),
    "tool": attrgetter("tool"),
    "name": attrgetter("name"),
    "uri": attrgetter("uri"),
    "id": attrgetter("rpc_id"),
    "dir": attrgetter("dir"),
    "status": attrgetter("status"),
}
_MANY: dict[str, Callable[[Subject], Sequence[str]]] = {
    "kind": attrgetter("kinds"),
    "session": attrgetter("session_names"),
    "client": attrgetter("client_names"),
    "server": attrgetter("server_names"),
    "rule": attrgetter("rules"),
}
_NUMBERS: dict[str, Callable[[Subject], int | None]] = {
    "wait": attrgetter("wait_ns"),
    "req": attrgetter("req_bytes"),
    "res": attrgetter("res_bytes"),
    "code": attrgetter("code"),
    "seq": attrgetter("seq"),
}


def compile_node(node: Node, now: int | None, *, three_valued: bool) -> Verdict:
    """The function of a tree.

    A comparison that a value's type does not allow is None. In a ``three_valued`` function None survives
    (Kleene's logic), otherwise it counts as False where it arises, also under a ``not``.
    """
    match node:
        case All():
            return everything
        case And(items):
            return _and([compile_node(item, now, three_valued=three_valued) for item in items], three_valued)
        case Or(items):
            return _or([compile_node(item, now, three_valued=three_valued) for item in items], three_valued)
        case Not(item):
            return _not(compile_node(item, now, three_valued=three_valued), three_valued)
        case _:
            return _term(node, now)


def _term(node: Term, now: int | None) -> Verdict:
    match node:
        case Names():
            return names_test(node)
        case Contains():
            return contains_test(node)
        case Number():
            return _number(node, now)
        case States():
            return _states(node, now)
        case Since(at, later):
            return (lambda s: s.opened_at >= at) if later else (lambda s: s.opened_at < at)
        case Path():
            return path_test(node)
        case _:
            assert_never(node)


def name_matcher(node: Names) -> Test:
    """The test of a Names term for one value."""
    if node.op is Op.REGEX:
        search = searcher(node.values[0].text)
        return lambda value: value != "" and search(value)
    words = node.values
    if node.field == "id":
        words = tuple(Word(one, word.quoted) for word in words for one in spellings(word.text))
    return whole(words, literal=node.op is Op.EQUAL)


def names_test(node: Names) -> Verdict:
    matches = name_matcher(node)
    if one := _ONE.get(node.field):
        return lambda subject: matches(one(subject))
    many = _MANY[node.field]
    return lambda subject: any(map(matches, many(subject)))


def elapsed(subject: Subject, now: int | None) -> int | None:
    """The duration; of an open exchange what has passed until ``now``."""
    if subject.dur_ns is None and now is not None and subject.status in OPEN_STATUSES:
        return now - subject.opened_at
    return subject.dur_ns


def _number(node: Number, now: int | None) -> Verdict:
    compare = _comparison(node.op, node.values)
    if node.field == "dur":

        def duration(subject: Subject) -> bool:
            value = elapsed(subject, now)
            return value is not None and compare(value)

        return duration
    if node.field == "size":
        return lambda subject: compare((subject.req_bytes or 0) + (subject.res_bytes or 0))
    get = _NUMBERS[node.field]

    def number(subject: Subject) -> bool:
        value = get(subject)
        return value is not None and compare(value)

    return number


def _comparison(op: Op, values: Sequence[float]) -> Callable[[float], bool]:
    bound = values[0]
    match op:
        case Op.GREATER:
            return lambda value: value > bound
        case Op.GREATER_EQUAL:
            return lambda value: value >= bound
        case Op.LESS:
            return lambda value: value < bound
        case Op.LESS_EQUAL:
            return lambda value: value <= bound
        case _:
            return frozenset(values).__contains__


def _states(node: States, now: int | None) -> Verdict:
    tests = [_state(STATES[word], now) for word in node.words]
    if len(tests) == 1:
        return tests[0]
    return lambda subject: any(test(subject) for test in tests)


def _state(state: State, now: int | None) -> Verdict:
    statuses, flags, kinds = frozenset(state.statuses), frozenset(state.flags), frozenset(state.kinds)

    def test(subject: Subject) -> bool:
        if subject.status in statuses or (flags and not flags.isdisjoint(subject.flags)):
            return True
        if kinds and not kinds.isdisjoint(subject.kinds) and (not state.dir or subject.dir == state.dir):
            return True
        if state.slow_ns and (value := elapsed(subject, now)) is not None and value >= state.slow_ns:
            return True
        return (
            bool(state.big_bytes) and (subject.req_bytes or 0) + (subject.res_bytes or 0) >= state.big_bytes
        )

    return test


def _and(tests: list[Verdict], three_valued: bool) -> Verdict:
    if not three_valued:
        if len(tests) == 2:
            first, second = tests
            return lambda subject: bool(first(subject) and second(subject))
        return lambda subject: all(test(subject) for test in tests)
    return all_of(tests)


def everything(subject: Subject) -> bool:
    return True


def all_of(tests: Sequence[Verdict]) -> Verdict:
    """All of ``tests`` in Kleene's logic."""
    if not tests:
        return everything
    if len(tests) == 1:
        return tests[0]

    def kleene(subject: Subject) -> bool | None:
        result: bool | None = True
        for test in tests:
            found = test(subject)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return kleene


def _or(tests: list[Verdict], three_valued: bool) -> Verdict:
    if not three_valued:
        return lambda subject: any(test(subject) for test in tests)

    def kleene(subject: Subject) -> bool | None:
        result: bool | None = False
        for test in tests:
            found = test(subject)
            if found:
                return True
            if found is None:
                result = None
        return result

    return kleene


def _not(test: Verdict, three_valued: bool) -> Verdict:
    if not three_valued:
        return lambda subject: not test(subject)

    def kleene(subject: Subject) -> bool | None:
        found = test(subject)
        return None if found is None else not found

    return kleene
