"""A rule saved from the outside leaves the user's file as it was, but for the rule."""

from __future__ import annotations

import pytest

from mcpscope.engine.policy.load import load
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.policy.saving import with_rule

TEXT = """# our policy
version: 1
default: allow   # open for now
rules:
  # never under etc
  - name: no deletes under etc
    match: "tool:delete_* args.path~^/etc"
    action: deny
"""


def test_comments_and_order_stay() -> None:
    new = with_rule(TEXT, {"name": "mine", "match": "tool:x", "action": "deny"})
    assert new.startswith(TEXT)
    assert [rule.name for rule in load(new).rules] == ["no deletes under etc", "mine"]


def test_a_wrong_rule_is_not_saved() -> None:
    with pytest.raises(PolicyError):
        with_rule(TEXT, {"name": "mine", "match": "tol:x", "action": "deny"})
    with pytest.raises(PolicyError):
        with_rule(TEXT, {"name": "no deletes under etc", "action": "deny"})


def test_a_file_without_rules_gets_its_first() -> None:
    assert len(load(with_rule("version: 1\n", {"action": "deny", "match": "tool:x"})).rules) == 1
