"""What a policy file may say, and how it is told what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from mcpscope.engine.policy.keys import json_schema
from mcpscope.engine.policy.load import in_force, load
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.rule import Action, Fallback, On

GOOD = """
version: 1
description: an example
default: deny
callers:
  ci: {bearer: "${env:CI_TOKEN}"}
hide: ["admin_*"]
redact: ["$.params.arguments.password", "header:authorization", api_key]
rules:
  - name: no deletes under etc
    match: tool:delete_* args.path~^/etc
    action: deny
    message: "deleting under /etc is not allowed here"
  - name: refunds need a person
    match: tool:create_refund
    when: args.amount > 100 && caller != "ci"
    action: ask
    timeout: 2m
  - {name: slow search, match: "tool:search*", action: delay, for: 2s}
  - {match: "tool:weather", action: answer, answer: {result: {content: []}}}
  - {match: "tool:fetch", action: edit, set: {params.arguments.timeout: 30}, mode: shadow}
  - {match: "tool:x", action: break, on: both, fallback: error, once: true, skip: 2}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load(text, "p.yaml")
    assert caught.value.exit == 6
    return [str(problem) for problem in caught.value.problems]


def test_the_example_of_the_design_loads() -> None:
    policy = load(GOOD)
    deny, ask, delay, answer, edit, stop = policy.rules
    assert (deny.action, deny.message) == (Action.DENY, "deleting under /etc is not allowed here")
    assert (ask.action, ask.timeout_ns) == (Action.ASK, 120 * 10**9)
    assert delay.delay_ns == 2 * 10**9
    assert answer.answer is not None and answer.answer.body == {"result": {"content": []}}
    assert edit.shadow and edit.patch == ({"op": "set", "path": "params.arguments.timeout", "value": 30},)
    assert (stop.on, stop.fallback, stop.once, stop.skip) == (On.BOTH, Fallback.ERROR, True, 2)
    assert policy.callers == {"ci": "${env:CI_TOKEN}"}
    assert [rule.name for rule in in_force([policy])][-1] == "default: deny"


def test_all_problems_come_at_once_each_with_its_place() -> None:
    text = """version: 2
defualt: deny
rules:
  - {match: "tol:x", action: deny}
  - {action: deni}
  - {match: "tool:a", when: "args.x >", action: ask}
  - {match: "tool:a", action: delay}
  - {name: a, action: deny}
  - {name: a, action: allow, message: no}
"""
    found = problems(text)
    assert [line.split(": ")[0] for line in found] == [
        "p.yaml:1:10",
        "p.yaml:2:10",
        "p.yaml:4:13",
        "p.yaml:5:14",
        "p.yaml:6:29",
        "p.yaml:7:5",
        "p.yaml:9:39",
    ]
    assert "did you mean 'default'?" in found[1]
    assert "did you mean tool?" in found[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("[]", "must be a mapping"),
        ("version: 1\nversion: 1", "twice"),
        ("version: 1\nrules: [{action: deny, action: allow}]", "twice"),
        ("version: 1\nrules: {}", "must be a list"),
        ("version: 1\nrules: [{action: deny, message: 5}]", "put it in quotes"),
        ("version: 1\nrules: [{action: drop, code: -32050}]", "belong to the specification"),
        ("version: 1\nrules: [{action: delay, for: .nan}]", "no number that JSON has"),
        ("version: 1\nrules: [{action: deny, when: '1 + 1'}]", "not true or false"),
        ("version: 1\ncallers: {a: {bearer: x}, b: {bearer: x}}", "same token"),
        ("version: 1\nredact: ['$.']", "redact must be"),
        ("version: 1\nx: &a {y: *a}", "nested deeper"),
        ("version: 1\nrules: [{action: !!python/object:os.system x}]", ""),
        ("a: [", ""),
        ("\tversion: 1", ""),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    assert any(says in line for line in problems(text))


def test_the_schema_for_editors_agrees_with_the_loader() -> None:
    from ruamel.yaml import YAML

    validator = jsonschema_rs.validator_for(json_schema())
    assert validator.is_valid(json.loads(json.dumps(YAML(typ="safe").load(GOOD))))
    assert not validator.is_valid({"version": 1, "rules": [{"action": "deni"}]})
    assert not validator.is_valid({"version": 1, "defualt": "deny"})


def test_every_policy_that_ships_loads() -> None:
    for path in (Path(__file__).parents[3] / "fixtures" / "policies").glob("*.yaml"):
        load(path.read_text(), path.name)
