"""Rules made live beside those of a policy file: order, saving, and what only the file changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.control.client import Control
from mcpscope.engine.policy.saving import switched, with_rule
from mcpscope.errors import ScopeError
from tests.program import Program, until
from tests.session.steered import Steered, call

pytestmark = pytest.mark.timeout(120)
TEXT = "version: 1\nrules:\n  # slow ones wait\n  - {name: filed, match: 'tool:slow', action: deny}\n"


def names(control: Control) -> list[tuple[str, str]]:
    return [(rule["name"], rule["origin"]) for rule in control.call("scope/rules/list")]


def code(wire: Steered) -> Any:
    answer = wire.hears()
    return "refused" if "error" in answer or answer["result"].get("isError") else "passed"


def test_a_live_rule_is_put_moved_and_taken_over_by_the_file(program: Program) -> None:
    policy = program.folder / "policy.yaml"
    policy.write_text(TEXT)
    wire = Steered(program, "--policy", str(policy))
    with wire.dial() as control:
        rule = {"name": "mine", "match": "tool:echo", "when": "args.n > 3", "action": "deny"}
        made = control.call("scope/rules/put", rule=rule)
        assert made["spelled"] == rule
        assert names(control) == [("filed", "policy"), ("mine", "live")]
        assert control.call("scope/rules/move", name="mine", by=-1)[0]["name"] == "mine"
        wire.says(call(1, n=4))
        assert code(wire) == "refused"
        policy.write_text(with_rule(TEXT, made["spelled"], first=True))
        until(lambda: names(control) == [("mine", "policy"), ("filed", "policy")])
        assert control.call("scope/rules/list")[0]["hits"] == 1
        found = control.call("scope/policy/get")
        assert (found["files"], found["fault"], found["default"]) == ([str(policy)], "", "allow")
        policy.write_text(switched(policy.read_text(), "mine", on=False))
        until(lambda: not control.call("scope/rules/list")[0]["enabled"])
        wire.says(call(2, n=4))
        assert code(wire) == "passed"
    assert wire.closes() == 0


def test_what_a_file_says_is_not_changed_live(program: Program) -> None:
    policy = program.folder / "policy.yaml"
    policy.write_text(TEXT)
    wire = Steered(program, "--policy", str(policy))
    with wire.dial() as control:
        for method, params in (
            ("scope/rules/put", {"rule": {"name": "filed", "action": "allow"}}),
            ("scope/rules/add", {"name": "filed", "action": "allow"}),
            ("scope/breakpoints/add", {"name": "filed"}),
            ("scope/rules/move", {"name": "filed", "by": 1}),
            ("scope/rules/enable", {"name": "filed", "on": False}),
            ("scope/rules/remove", {"name": "filed"}),
        ):
            with pytest.raises(ScopeError, match="policy file"):
                control.call(method, **params)
        with pytest.raises(ScopeError, match="denny"):
            control.call("scope/rules/put", rule={"action": "denny"})
        policy.write_text("version: 2\n")
        until(lambda: "version must be 1" in control.call("scope/policy/get")["fault"])
        wire.says(call(1, "slow"))
        assert code(wire) == "refused"
        for command in (("status",), ("rules", "list")):
            said = program.run(*command).stderr.decode()
            assert "the old one stays in force" in said and "version must be 1" in said, command
        (told,) = json.loads(program.run("--json", "status").stdout)["data"]
        assert "version must be 1" in told["policy"]["fault"]
    assert wire.closes() == 0
