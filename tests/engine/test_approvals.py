"""``ask``: one person's answer lets exactly one message pass, the one that was seen."""

from __future__ import annotations

import hashlib

import pytest

from mcpscope.engine.decisions import Answer, Approve, Deny, Drop, Edit, Extend, Release, Revert
from mcpscope.engine.policy.load import ORIGIN, in_force, load
from mcpscope.errors import ScopeError
from tests.engine.talk import Talk, as_json, call, cancel, result

LAW = """\
version: 1
default: deny
rules:
  - {name: refunds, match: "tool:refund", action: ask, message: how much}
  - {name: no root, match: "args.user=root", action: deny}
  - {name: reads, match: "tool:read", action: allow}
"""


def under(law: str = LAW) -> Talk:
    talk = Talk()
    talk.steering.rules.replace_origin(ORIGIN, in_force([load(law)]))
    return talk


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def held_digest(talk: Talk) -> str:
    return next(iter(talk.engine.holds)).digest


def test_nobody_answers_and_it_is_denied_at_its_timeout():
    talk = under()
    at = talk.client(call(1, "refund"))
    talk.passes(299)
    assert talk.to_client == []
    talk.passes(2)
    assert as_json(talk.to_client[0])["result"]["isError"] is True
    assert talk.words(at) == ["held", "denied"]
    assert talk.to_server == []


def test_an_approval_lets_those_bytes_pass_and_says_who_and_why():
    talk = under()
    at = talk.client(call(1, "refund", amount=5))
    talk.decide(Approve(held_digest(talk)[:8], "ticket 7"), actor="cli ann")
    assert [as_json(raw)["params"]["arguments"] for raw in talk.to_server] == [{"amount": 5}]
    outcome = talk.last(at)
    assert (outcome.word.value, outcome.actor, outcome.rule) == ("forwarded", "cli ann", "refunds")
    assert outcome.detail["why"] == "ticket 7"
    assert outcome.detail["approved"] == digest(talk.to_server[0])


@pytest.mark.parametrize("decision", [Release(), Release(stop_at="answer"), Release(confirmed=True)])
def test_what_is_asked_about_is_not_let_go_without_its_digest(decision):
    talk = under()
    talk.client(call(1, "refund"))
    with pytest.raises(ScopeError) as refused:
        talk.decide(decision)
    assert refused.value.code == "ask"
    assert talk.to_server == [] and len(talk.held) == 1


@pytest.mark.parametrize("named", ["", "0" * 8, "0" * 64])
def test_another_digest_or_none_approves_nothing(named):
    talk = under()
    talk.client(call(1, "refund"))
    with pytest.raises(ScopeError):
        talk.decide(Approve(named))
    with pytest.raises(ScopeError):
        talk.decide(Approve(held_digest(talk)[:7]))
    assert talk.to_server == [] and len(talk.held) == 1


def test_an_edited_call_needs_the_approval_of_what_it_is_now():
    talk = under()
    talk.client(call(1, "refund", amount=5))
    seen = held_digest(talk)
    edit = Edit(patch=({"op": "set", "path": "args.amount", "value": 500},))
    with pytest.raises(ScopeError):
        talk.decide(edit)
    talk.decide(Edit(patch=edit.patch, release=False))
    with pytest.raises(ScopeError):
        talk.decide(Approve(seen))
    assert talk.to_server == []
    talk.decide(Approve(held_digest(talk)))
    assert as_json(talk.to_server[0])["params"]["arguments"] == {"amount": 500}


def test_an_approved_edit_that_another_rule_refuses_does_not_pass():
    talk = under(LAW.replace("default: deny\n", "").replace('"tool:refund"', '"tool:refund -args.user=root"'))
    talk.client(call(1, "refund", user="ann"))
    talk.decide(Edit(patch=({"op": "set", "path": "args.user", "value": "root"},), release=False))
    talk.decide(Approve(held_digest(talk)))
    assert talk.to_server == []
    assert "no root" in as_json(talk.to_client[0])["result"]["content"][0]["text"]


def test_two_identical_calls_need_two_approvals_and_a_used_one_is_used_up():
    talk = under()
    talk.client(call(1, "refund"))
    talk.client(call(1, "refund"))
    one, two = talk.held
    seen = held_digest(talk)
    talk.decide(Approve(seen), one)
    assert len(talk.to_server) == 1 and talk.held == [two]
    with pytest.raises(ScopeError) as late:
        talk.decide(Approve(seen), one, actor="ui pts/9")
    assert late.value.code == "hold_resolved" and "ui pts/3" in late.value.message
    talk.client(call(1, "refund"))
    assert len(talk.to_server) == 1 and len(talk.held) == 2


def test_a_cancelled_call_cannot_be_approved_any_more():
    talk = under()
    talk.client(call(1, "refund"))
    id, seen = talk.held[0], held_digest(talk)
    talk.client(cancel(1))
    with pytest.raises(ScopeError):
        talk.decide(Approve(seen), id)
    assert talk.to_server == []


@pytest.mark.parametrize("decision", [Deny("no"), Drop(0, "no"), Answer({"result": {}}), Extend(9), Revert()])
def test_every_other_decision_sends_nothing(decision):
    talk = under()
    talk.client(call(1, "refund"))
    talk.decide(decision)
    talk.passes(1000)
    assert talk.to_server == []


def test_the_same_arguments_are_allowed_for_the_session_if_a_person_says_so():
    talk = under()
    first = talk.client(call(1, "refund", amount=5, to="ann"))
    talk.decide(Approve(held_digest(talk), again=True))
    again = talk.client(call(2, "refund", to="ann", amount=5, meta={"progressToken": 9}))
    assert [as_json(raw)["id"] for raw in talk.to_server] == [1, 2]
    assert talk.last(first).detail["again"] is True
    assert (talk.last(again).actor, talk.last(again).detail["approved_before"]) == ("ui pts/3", True)
    for other in (call(3, "refund", amount=5), call(4, "refund", amount=5.5, to="ann")):
        talk.client(other)
    assert len(talk.to_server) == 2 and len(talk.held) == 2


def test_a_rule_that_changed_while_the_call_was_held_judges_for_itself():
    talk = under()
    talk.client(call(1, "refund"))
    seen = held_digest(talk)
    now = LAW.replace("action: ask, message: how much", "action: deny")
    talk.steering.rules.replace_origin(ORIGIN, in_force([load(now)]))
    talk.decide(Approve(seen))
    assert talk.to_server == []
    talk.client(call(2, "refund"))
    assert talk.held == []


def test_a_policy_that_was_loaded_again_unchanged_keeps_the_approval():
    talk = under()
    talk.client(call(1, "refund"))
    talk.steering.rules.replace_origin(ORIGIN, in_force([load(LAW)]))
    talk.decide(Approve(held_digest(talk)))
    assert len(talk.to_server) == 1


def test_a_question_of_the_server_can_be_asked_about_as_well():
    talk = under('version: 1\nrules: [{name: samples, match: "dir:s2c kind:request", action: ask}]\n')
    talk.server({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}})
    talk.passes(301)
    assert talk.to_client == [] and as_json(talk.to_server[0])["error"]["code"] == -1
    talk.server({"jsonrpc": "2.0", "id": 2, "method": "sampling/createMessage", "params": {}})
    talk.decide(Approve(held_digest(talk)))
    assert [as_json(raw)["id"] for raw in talk.to_client] == [2]


def test_the_answer_of_an_approved_call_comes_back():
    talk = under()
    talk.client(call(1, "refund"))
    talk.decide(Approve(held_digest(talk)))
    talk.server(result(1))
    assert as_json(talk.to_client[0])["id"] == 1


def test_a_rule_that_asks_once_lets_pass_what_was_approved_and_is_used_up():
    talk = under(LAW.replace("action: ask", "action: ask, once: true"))
    talk.client(call(1, "refund"))
    talk.client(call(2, "refund"))
    talk.decide(Approve(held_digest(talk)))
    assert [as_json(raw)["id"] for raw in talk.to_server] == [1]
    talk.client(call(3, "refund"))
    assert [as_json(raw)["id"] for raw in talk.to_client] == [2, 3]
    assert all(as_json(raw)["result"]["isError"] for raw in talk.to_client)
