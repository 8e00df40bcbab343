"""A rule begun from a row or a decision finds the same call again, and no other, and does the same to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.engine.filter.language import parse as parse_filter
from mcpscope.engine.patch import apply
from mcpscope.engine.policy.load import load
from mcpscope.protocol.parsing import parse
from mcpscope.tui.present.fresh_rule import changes, for_decision, for_row, match_for


class Subject:
    def __init__(self, body: dict[str, Any]) -> None:
        self.request = parse(json.dumps(body).encode())
        self.answer = None
        self.method = body["method"]
        self.tool = body["params"].get("name", "") if body["method"] == "tools/call" else ""


def call(**arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "a b", "arguments": arguments},
    }


ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"path": "/etc/pass wd", "n": 5},
    {"n": "5"},
    {"n": -1.5, "on": True, "off": None},
    {"q": 'say "no" \\ (x|y) *', "two words": "ü"},
    {"deep": {"er": [1, {"x": "y"}]}, "-": "~!"},
    {"s": "", "tool": "x"},
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_call_is_found_again_and_another_is_not(arguments: dict[str, Any]) -> None:
    body = call(**arguments)
    text = match_for("tools/call", body["params"])
    found = parse_filter(text).predicate()
    assert found(Subject(body)), text
    for other in ARGUMENTS:
        if set(other) - set(arguments) == set() and other != arguments:
            assert not found(Subject(call(**other))), text


def test_other_methods_are_found_by_their_params() -> None:
    body = {"method": "resources/read", "params": {"uri": "file:///a b", "_meta": {"progressToken": 1}}}
    assert match_for("resources/read", body["params"]) == 'method:resources/read params.uri="file:///a b"'
    assert match_for("ping", None) == "method:ping"


@pytest.mark.parametrize("arguments", [*ARGUMENTS, {"long": "x" * 5000}, {f"k{n}": n for n in range(40)}])
def test_every_rule_that_is_begun_can_be_loaded(arguments: dict[str, Any]) -> None:
    body = call(**arguments)
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("continue", {}),
        ("drop", {"code": -32602, "text": "no"}),
        ("drop", {}),
        ("answer", {"last_good": True}),
        ("answer", {"result": {"content": []}}),
        ("answer", {"text": '{"error":{"code":1,"message":"x"}}'}),
        ("edit", {"before": body, "after": call(**arguments, new=1)}),
        ("step", {}),
    ]
    rules = [for_row("tools/call", body["params"])]
    rules += [for_decision(verb, wish, body, answers=False) for verb, wish in wishes]
    for rule in rules:
        assert len(load(json.dumps({"version": 1, "rules": [rule]})).rules) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"n": 5, "q": "x"}, {"n": 500, "q": "x"}),
        ({"n": 5, "list": [1, 2]}, {"list": [2], "a b": {"c": None}}),
        ({"x": {"y": {"z": 1}}}, {"x": {"y": {"z": True, "k/~": 1}}}),
        ({"n": 1}, {"n": 1.0}),
    ],
)
def test_an_edit_becomes_the_rule_that_makes_it(before: dict[str, Any], after: dict[str, Any]) -> None:
    rule = {"action": "edit", "match": "tool:x", **changes(call(**before), call(**after))}
    (made,) = load(json.dumps({"version": 1, "rules": [rule]})).rules
    assert json.loads(apply(json.dumps(call(**before)).encode(), made.patch)) == call(**after)
