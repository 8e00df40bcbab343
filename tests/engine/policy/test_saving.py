"""A rule saved from the outside leaves the user's file as it was, but for the rule."""

from __future__ import annotations

import pytest

from mcpscope.engine.policy.load import load
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.policy.saving import moved, replaced, rule_of, rule_text, switched, with_rule, without
from mcpscope.engine.policy.spelling import spelled

TEXT = """# our policy
version: 1
default: allow   # open for now
rules:
  # never under etc
  - name: no deletes under etc
    match: "tool:delete_* args.path~^/etc"
    action: deny      # for good
    message: |
      not
      here
  # and slow

  # what a test needs
  - {name: slow, match: "tool:search*",   action: delay, for: 2s}
  - name: mock   # of old
    match: tool:weather
    action: answer
    answer:
      result: {content: []}

# the end
hide: [admin_*]
"""


def names(text: str) -> list[str]:
    return [rule.name for rule in load(text).rules]


def test_comments_and_order_stay() -> None:
    new = with_rule(TEXT, {"name": "mine", "match": "tool:x", "action": "deny"})
    made = "  - {name: mine, match: tool:x, action: deny}\n"
    assert new.replace(made, "") == TEXT
    assert names(new) == ["no deletes under etc", "slow", "mock", "mine"]


def test_a_rule_can_stand_before_all_others() -> None:
    new = with_rule(TEXT, {"name": "mine", "action": "edit", "set": {"args.n": 5}}, first=True)
    assert names(new)[0] == "mine"
    assert new.index("mine") < new.index("# never under etc")


def test_a_wrong_rule_is_not_saved() -> None:
    with pytest.raises(PolicyError):
        with_rule(TEXT, {"name": "mine", "match": "tol:x", "action": "deny"})
    with pytest.raises(PolicyError):
        with_rule(TEXT, {"name": "no deletes under etc", "action": "deny"})


@pytest.mark.parametrize("text", ["version: 1\n", "version: 1\nrules: []  # none\n"])
def test_a_file_without_rules_gets_its_first(text: str) -> None:
    assert names(with_rule(text, {"name": "a", "action": "deny", "match": "tool:x"})) == ["a"]


@pytest.mark.parametrize("name", ["no deletes under etc", "slow", "mock"])
def test_a_rule_is_switched_off_and_on_and_keeps_its_comments(name: str) -> None:
    off = switched(TEXT, name, on=False)
    assert [rule.enabled for rule in load(off).rules if rule.name == name] == [False]
    for comment in ("# for good", "# never under etc", "# of old", "# the end", "# open for now"):
        assert comment in off
    changed = set(off.splitlines()) ^ set(TEXT.splitlines())
    assert all("enabled" in line or name in line for line in changed)
    again = load(switched(off, name, on=True)).rules
    assert [spelled(rule) for rule in again] == [spelled(rule) for rule in load(TEXT).rules]


def test_a_rule_moves_with_the_comments_above_it() -> None:
    new = moved(TEXT, "slow", -1)
    assert names(new) == ["slow", "no deletes under etc", "mock"]
    assert new.index("# what a test needs") < new.index("name: slow") < new.index("# never under etc")
    assert sorted(new.splitlines()) == sorted(TEXT.splitlines())
    assert moved(TEXT, "mock", 1) == TEXT
    assert names(moved(TEXT, "no deletes under etc", 9)) == ["slow", "mock", "no deletes under etc"]


def test_a_rule_is_taken_out_with_its_comment() -> None:
    new = without(TEXT, "no deletes under etc")
    assert names(new) == ["slow", "mock"]
    assert "never under etc" not in new
    alone = "version: 1\nrules:\n  - {name: a, action: deny, match: tool:x}\nhide: [b]\n"
    assert names(without(alone, "a")) == []
    assert "hide: [b]" in without(alone, "a")


def test_a_rule_is_replaced_where_it_stands() -> None:
    new = replaced(TEXT, "slow", {"name": "slow", "match": "tool:s", "action": "deny"})
    assert names(new) == names(TEXT)
    assert load(new).rules[1].action.value == "deny"
    assert "# what a test needs" in new


def test_lists_that_are_not_indented_stay_so() -> None:
    text = "version: 1\nrules:\n- name: a\n  match: tool:x\n  action: deny\n- name: b\n  action: allow"
    assert names(moved(text, "b", -1)) == ["b", "a"]
    off = switched(text, "a", on=False)
    assert off.startswith(
        "version: 1\nrules:\n- name: a\n  match: tool:x\n  action: deny\n  enabled: false\n"
    )
    assert names(with_rule(text, {"name": "c", "action": "allow"})) == ["a", "b", "c"]


def test_what_an_editor_says_is_one_rule_or_a_problem_at_its_place() -> None:
    rule = {"name": "a", "match": "tool:x", "action": "answer", "answer": {"result": {"content": []}}}
    assert rule_of(rule_text(rule)) == rule
    with pytest.raises(PolicyError) as caught:
        rule_of("name: a\naction: denny\n")
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (2, 9)
    for text in ("", "- a\n", "action: deny\n- action: deny\n"):
        with pytest.raises(PolicyError):
            rule_of(text)


EVERYTHING = """
version: 1
rules:
  - {name: a, match: "tool:x", action: deny, message: no, mode: shadow, skip: 2}
  - {name: b, action: ask, timeout: 90s, when: "args.n > 3"}
  - {name: c, match: "tool:y", when: "args.n > 3", action: drop, code: -32602, probability: 0.5, seed: 7}
  - {name: d, action: delay, for: 1500ms, jitter: 200ms, enabled: false}
  - {name: e, action: rate-limit, limit: 20/minute}
  - {name: f, action: answer, answer: last-good, once: true}
  - {name: g, action: break, fallback: continue, errors_only: true, on: answer}
  - name: h
    action: edit
    set: {args.n: 5, 'args."a b"': [1, {x: null}]}
  - name: i
    action: edit
    patch: [{op: remove, path: /params/arguments/n}]
  - {name: j, action: answer, answer: {error: {code: -1, message: x}}}
  - {name: k, action: tag, tag: seen}
"""


def test_every_rule_spelled_and_loaded_is_the_same_rule() -> None:
    before = load(EVERYTHING).rules
    text = "version: 1\n"
    for rule in before:
        text = with_rule(text, spelled(rule))
    after = load(text).rules
    assert [spelled(rule) for rule in after] == [spelled(rule) for rule in before]
    for one, other in zip(before, after, strict=True):
        assert (one.delay_ns, one.timeout_ns, one.fault, one.patch, one.answer, one.on, one.shadow) == (
            other.delay_ns,
            other.timeout_ns,
            other.fault,
            other.patch,
            other.answer,
            other.on,
            other.shadow,
        )
