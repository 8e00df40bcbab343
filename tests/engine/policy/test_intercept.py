"""Policies in Intercept's format: recognised, read strictly, and deciding as documented there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcpscope.engine.limits import MemoryBook
from mcpscope.engine.policy.load import ORIGIN, Policy, in_force, load
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.steering import certain
from tests.engine.policy.intercept_cases import CASES, GOVERNED, OPS, WRONG, Case, Op
from tests.engine.talk import SECOND, Talk, as_json, call, result

POLICIES = sorted((Path(__file__).parents[3] / "fixtures" / "policies").glob("*.yaml"))
TEN_O_CLOCK = (20_000 * 86_400 + 10 * 3600) * SECOND


def under(*policies: Policy) -> Talk:
    talk = Talk()
    talk.steering.strict = certain
    talk.steering.view.obey([glob for policy in policies for glob in policy.hide])
    talk.steering.rules.replace_origin(ORIGIN, in_force(policies))
    talk.steering.book = MemoryBook()
    talk.at = TEN_O_CLOCK
    return talk


def passes(talk: Talk, id: int, tool: str, args: dict[str, Any]) -> bool:
    before = len(talk.to_server)
    talk.client(call(id, tool, **args))
    return len(talk.to_server) > before


def answers(talk: Talk, id: int, answer: str) -> None:
    failed = {"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": "no"}}
    said = {"ok": result(id), "error": failed, "isError": result(id, isError=True)}
    if answer in said:
        talk.server(said[answer])


@pytest.mark.parametrize("case", OPS, ids=lambda op: f"{op.path} {op.op} {op.value} of {op.args}")
def test_a_condition_on_arguments(case: Op) -> None:
    condition = {"path": case.path, "op": case.op, "value": case.value}
    rule = {"name": "r", "conditions": [condition], "on_deny": "not so"}
    talk = under(load(json.dumps({"version": "1", "tools": {"t": {"rules": [rule]}}})))
    assert passes(talk, 1, "t", case.args) is case.passes
    if not case.passes:
        assert "not so" in as_json(talk.to_client[0])["result"]["content"][0]["text"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_calls_under_a_policy(case: Case) -> None:
    talk = under(load(f'version: "1"\n{case.policy}'))
    owed = 0
    for id, one in enumerate(case.calls, 1):
        talk.at += one.after * SECOND
        if owed:
            answers(talk, owed, "error")
            owed = 0
        assert passes(talk, id, one.tool, one.args) is one.passes, (id, one)
        if one.passes and one.answer == "late error":
            owed = id
        elif one.passes:
            answers(talk, id, one.answer)


def test_the_table_is_long_enough() -> None:
    assert len(OPS) + len(CASES) >= 100


@pytest.mark.parametrize(("method", "params", "denied", "hidden"), GOVERNED)
def test_every_method_is_governed(method: str, params: dict[str, Any], *, denied: bool, hidden: bool) -> None:
    for policy, expected in (("default: deny\ntools: {t: }", denied), ("hide: [t]\ntools: {}", hidden)):
        talk = under(load(f'version: "1"\n{policy}'))
        talk.client({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        assert bool(talk.to_server) is expected


def test_a_list_without_what_is_hidden_keeps_its_other_members() -> None:
    talk = under(load('version: "1"\nhide: [t]\ntools: {}'))
    talk.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    listed = {
        "tools": [{"name": "t"}, {"name": "u", "x": 1}],
        "nextCursor": "n",
        "ttlMs": 5,
        "_meta": {"a": 1},
    }
    talk.server({"jsonrpc": "2.0", "id": 1, "result": listed})
    said = as_json(talk.to_client[0])["result"]
    assert said["tools"] == [{"name": "u", "x": 1}]
    assert said["nextCursor"] == "n" and said["_meta"] == {"a": 1} and "ttlMs" in said


@pytest.mark.parametrize(("text", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_what_is_wrong_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as found:
        load(text, "p.yaml")
    assert problem in found.value.message and found.value.problems[0].line >= 1


def test_a_file_of_theirs_beside_one_of_ours() -> None:
    theirs = load(
        'version: "1"\ntools: {t: {rules: [{name: r, rate_limit: 1/hour}, {name: r, rate_limit: 2/day}]}}'
    )
    ours = load('version: 1\nrules: [{name: "no u", match: "tool:u", action: deny}]')
    talk = under(theirs, ours)
    assert len({rule.name for rule in in_force([theirs, ours])}) == 3
    assert [passes(talk, id, tool, {}) for id, tool in enumerate("ttux")] == [True, False, False, True]
    with pytest.raises(PolicyError, match="no key 'tools'"):
        load("version: 1\ntools: {}\nrules: []")


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_the_ten_policies_load(path: Path) -> None:
    policy = load(path.read_text(), str(path))
    assert policy.rules and all(rule.condition is not None and rule.condition.text for rule in policy.rules)


DECISIONS = [
    ("browser", "browser_navigate", {"url": "https://www.example.com/a"}, True),
    ("browser", "browser_navigate", {"url": "https://example.com.evil.org/"}, False),
    ("browser", "browser_evaluate", {}, False),
    ("calendar", "create_event", {"calendar": "team", "attendees": ["a"], "minutes": 30}, True),
    ("calendar", "create_event", {"calendar": "team", "attendees": ["a"], "minutes": 300}, False),
    ("calendar", "delete_all", {}, False),
    ("chat", "post_message", {"channel": "dev", "text": "hello @ann, look"}, True),
    ("chat", "post_message", {"channel": "dev", "text": "@ann @bob"}, False),
    ("chat", "upload_file", {"file": {"size": 2_000_000}}, False),
    ("cluster", "scale", {"namespace": "staging", "replicas": 3}, True),
    ("cluster", "scale", {"namespace": "production", "replicas": 3}, False),
    ("database", "query", {"sql": "select 1;", "limit": 10}, True),
    ("database", "query", {"sql": "select 1; drop table x", "limit": 10}, False),
    ("database", "query", {"sql": "select 1", "limit": 60_000}, False),
    ("files", "write_file", {"path": "/docs/a", "content": ""}, True),
    ("files", "write_file", {"path": "/etc/a", "content": ""}, False),
    ("mail", "send_mail", {"to": "ann@example.com"}, True),
    ("mail", "send_mail", {"to": "ann@example.com", "bcc": "x"}, False),
    ("payments", "create_charge", {"amount": 40_000, "currency": "eur"}, True),
    ("payments", "create_charge", {"amount": 40_001, "currency": "eur"}, False),
    ("repository", "create_issue", {"labels": ["bug", "by-agent"]}, True),
    ("repository", "merge_pull_request", {"base": "main"}, False),
    ("search", "search", {"options": {"depth": 3}}, True),
    ("search", "crawl", {"pages": 51}, False),
]


@pytest.mark.parametrize(("policy", "tool", "args", "allowed"), DECISIONS)
def test_what_the_ten_policies_decide(policy: str, tool: str, args: dict[str, Any], allowed: bool) -> None:
    path = next(path for path in POLICIES if path.stem == policy)
    assert passes(under(load(path.read_text())), 1, tool, args) is allowed


def test_charges_that_run_high_stop_refunds() -> None:
    path = next(path for path in POLICIES if path.stem == "payments")
    talk = under(load(path.read_text()))
    charge = {"amount": 40_000, "currency": "chf"}
    assert [passes(talk, 1, "create_charge", charge), passes(talk, 2, "create_refund", {})] == [True, True]
    charge = {"amount": 39_999, "currency": "chf"}
    assert passes(talk, 3, "create_charge", charge) and passes(talk, 4, "create_refund", {})
    assert passes(talk, 5, "create_charge", {"amount": 15_000, "currency": "chf"})
    assert not passes(talk, 6, "create_refund", {})
