"""Expressions as functions of ours: to every message they say what the CEL project's own runtime says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpscope.engine.cel.functions import function_of
from mcpscope.engine.cel.tree import Unknown
from mcpscope.engine.cel.values import Elsewhere, Failed, Type
from mcpscope.engine.live import Facts, Live
from mcpscope.engine.passage import Passage
from mcpscope.engine.policy.when import WhenCondition, _environment, _told, _truth
from mcpscope.engine.rule import Phase
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from tests.engine.cel.expressions import ARGUMENTS, VALUES, expressions

VARIABLES = {"args": lambda data: data["args"], "tool": lambda data: data["tool"]}
ERROR = ("error", "")


def by_the_runtime(expression: Any, data: dict[str, Any]) -> tuple[str, object]:
    try:
        found = expression.eval(data=data)
    except Exception:
        return ERROR
    kind = found.type().name()
    if kind == "ERROR":
        return ERROR
    if kind.startswith(("LIST", "MAP")):
        return kind.split("<")[0].lower(), len(found.value())
    return ("type", "") if kind == "TYPE" else (type(found.value()).__name__, repr(found.value()))


def by_us(function: Any, data: dict[str, Any]) -> tuple[str, object]:
    try:
        found = function(data)
    except Failed:
        return ERROR
    if isinstance(found, list | dict):
        return ("list" if isinstance(found, list) else "map"), len(found)
    return ("type", "") if isinstance(found, Type) else (type(found).__name__, repr(found))


def agree(text: str, values: list[dict[str, Any]]) -> None:
    """Hold a text that compiles and is known against ``values`` in both ways."""
    try:
        expression = _environment().compile(text)
    except Exception:
        return
    try:
        function = function_of(expression.serialize(), VARIABLES)
    except Unknown:
        return
    for arguments in values:
        data = {"args": arguments, "tool": "ab"}
        try:
            said = by_us(function, data)
        except Elsewhere:
            continue
        assert said == by_the_runtime(expression, data), (text, arguments)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions(), st.lists(ARGUMENTS, min_size=2, max_size=5))
def test_an_expression_gives_what_the_runtime_gives(text: str, values: list[dict[str, Any]]) -> None:
    agree(text, values)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions(), st.lists(ARGUMENTS, min_size=2, max_size=8))
def test_many_expressions_give_what_the_runtime_gives(text: str, values: list[dict[str, Any]]) -> None:
    agree(text, values)


USUAL = (
    "size(args.x) > 1",
    "args.x == 'a'",
    "args.x in ['a', 'b', 1]",
    "args.x.startsWith('a') || args.x.endsWith('b')",
    "has(args.x) && args.x != null",
    "!has(args.x) || args.x <= 1.5",
    "args.x.matches('^a|b$')",
    "args.l.exists(v, v == args.x)",
    "args.l.all(v, v > 0)",
    "args.m.exists(k, args.m[k] == 1)",
    "args.l.filter(v, v > 1).size() == 1",
    "args.l.map(v, v + 1) == [2]",
    "args.l.exists_one(v, v == 1)",
    "type(args.x) == string && args.x.lowerAscii().contains('a')",
    "args.x + args.y > 10",
    "args.x ? true : false",
    "tool == 'ab' || args.y",
    "args['x'] != 'a' && -args.x < 0",
    "int(args.x) > 1 || string(args.x) == '1'",
    "args.x % 2 == 0 || args.x / 2 == 1",
)


@pytest.mark.parametrize("text", USUAL)
def test_a_usual_expression_is_a_function_and_gives_what_the_runtime_gives(text: str) -> None:
    assert function_of(_environment().compile(text).serialize(), VARIABLES)

    @settings(max_examples=10, deadline=None)
    @given(ARGUMENTS)
    def held_against(arguments: dict[str, Any]) -> None:
        agree(text, [arguments])

    held_against()


ODD = ["\udc80", "a\udc80", 1 << 63, 1 << 64, -(1 << 70), float("inf"), float("nan"), "\ud83d\ude00", "😀"]
ASKED = (
    *(
        "args.x == args.y",
        "args.x > 1",
        "size(args.x) == 1",
        "args.x == 18446744073709551616.0",
        "tool == 't'",
    ),
    *("has(args.x)", "args.l.exists(v, v == args.x)", "params.arguments.x != 'a'", "args.x.contains('a')"),
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ASKED), st.one_of(st.sampled_from(ODD), VALUES), st.one_of(st.sampled_from(ODD), VALUES)
)
def test_a_condition_says_of_odd_messages_what_the_runtime_says(text: str, x: Any, y: Any) -> None:
    arguments = {"x": x, "y": y, "l": [x, y]}
    params = {"name": "t", "arguments": arguments}
    message = parse(
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    )
    passage = Passage(Direction.TO_SERVER, message, message, 1, 0, Phase.REQUEST)
    condition = WhenCondition(None, text)
    try:
        expected = _truth(condition._expression.eval(_told(Live(passage, Facts(), 1), condition._used)))
    except Exception:
        expected = None
    assert condition.test(Live(passage, Facts(), 1)) is expected, (text, arguments)


@pytest.mark.parametrize("elements", [10, 3_000, 30_000])
def test_a_macro_over_many_elements_ends_where_the_runtime_ends_it(elements: int) -> None:
    arguments = {"l": [1] * elements}
    params = {"name": "t", "arguments": arguments}
    message = parse(
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    )
    passage = Passage(Direction.TO_SERVER, message, message, 1, 0, Phase.REQUEST)
    said = WhenCondition(None, "args.l.all(v, v == 1)").test(Live(passage, Facts(), 1))
    assert said is (True if elements < 10_000 else None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("args.x == '/safe'", False),
        ("args.x.contains('etc')", True),
        ("args.x.split('s').size() == 2", None),  # no function of ours: asked of the runtime
    ],
)
def test_what_stands_behind_a_nul_is_seen_or_the_condition_is_undecided(text: str, said: bool | None) -> None:
    params = {"name": "t", "arguments": {"x": "/safe\0/../etc"}}
    message = parse(
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    )
    passage = Passage(Direction.TO_SERVER, message, message, 1, 0, Phase.REQUEST)
    assert WhenCondition(None, text).test(Live(passage, Facts(), 1)) is said
