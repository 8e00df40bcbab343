"""Limits: what is counted when, for whom, and what a used-up one says."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from mcpscope.engine.decisions import Approve, Release
from mcpscope.engine.events import Received, Undone
from mcpscope.engine.limits import BookFault, Limit, MemoryBook, Refused, Want
from mcpscope.engine.policy.load import ORIGIN, in_force, load
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.policy.spelling import spelled
from mcpscope.protocol.parsing import parse
from tests.engine.talk import C2S, SECOND, Talk, as_json, call, result

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND


class Broken:
    """A book that cannot be reached."""

    def reserve(self, wants: object, at: int) -> Any:
        raise BookFault("the disk is gone")

    def give_back(self, reserved: object, at: int) -> None:
        raise BookFault("the disk is gone")

    def keep(self, reserved: object) -> None:
        raise BookFault("the disk is gone")


def under(rules: str, *, default: str = "deny", book: Any = None) -> Talk:
    talk = Talk(client="ann")
    law = f"version: 1\ndefault: {default}\nrules:\n{rules}"
    talk.steering.rules.replace_origin(ORIGIN, in_force([load(law)]))
    talk.steering.book = book if book is not None else MemoryBook()
    return talk


def passed(talk: Talk) -> list[int]:
    return [as_json(raw)["id"] for raw in talk.to_server]


def refusal(raw: bytes) -> str:
    said = as_json(raw)["result"]
    assert said["isError"] is True
    return str(said["content"][0]["text"])


def does(talk: Talk, *ids: int, tool: str = "send", **arguments: Any) -> None:
    for id in ids:
        talk.client(call(id, tool, **arguments))


SENDS = '  - {name: budget, match: "tool:send*", action: allow, message: slow down, limit: 2/minute}\n'


def test_a_used_up_limit_denies_does_not_fall_through_and_says_when_it_opens():
    talk = under(SENDS + '  - {match: "tool:send", action: allow}\n')
    does(talk, 1, 2, 3)
    assert passed(talk) == [1, 2]
    said = refusal(talk.to_client[0])
    assert "budget" in said and "slow down" in said and "2 of 2 are used" in said
    assert "it opens again at 1970-01-01T00:17:4" in said and "60 s" in said
    outcome = talk.last(talk.received[-1])
    assert (outcome.word.value, outcome.rule) == ("denied", "budget")
    assert outcome.detail["used"] == "2" and outcome.detail["opens"] > talk.at


def test_a_sliding_window_opens_as_the_first_calls_grow_old():
    talk = under(SENDS)
    does(talk, 1)
    talk.passes(30)
    does(talk, 2, 3)
    talk.passes(29)
    does(talk, 4)
    talk.passes(2)
    does(talk, 5, 6)
    assert passed(talk) == [1, 2, 5]


def test_a_window_of_utc_begins_anew_when_utc_does():
    talk = under('  - {name: b, match: "tool:send", action: allow, limit: 2/minute utc}\n')
    talk.at = 10 * DAY + 59 * SECOND
    does(talk, 1, 2, 3)
    assert "1970-01-11T00:01:00Z" in refusal(talk.to_client[0])
    talk.at = 10 * DAY + 60 * SECOND
    does(talk, 4, 5, 6)
    assert passed(talk) == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("rate", "begins"),
    [("1/minute utc", MINUTE), ("1/hour utc", HOUR), ("1/day utc", DAY), ("1/week utc", 4 * DAY)],
)
def test_the_windows_of_utc(rate: str, begins: int) -> None:
    talk = under(f'  - {{name: b, match: "tool:send", action: allow, limit: {rate}}}\n')
    talk.at = begins - SECOND
    does(talk, 1, 2)
    talk.at = begins
    does(talk, 3, 4)
    assert passed(talk) == [1, 3]


def test_amounts_are_summed_exactly_and_nothing_counts_less_than_nothing():
    limit = "{most: 0.3, of: args.amount, per: day}"
    talk = under(f'  - {{name: money, match: "tool:send", action: allow, limit: {limit}}}\n')
    does(talk, 1, amount=0.1)
    does(talk, 2, amount=-5)
    does(talk, 3, amount=0.2)
    does(talk, 4, amount=1e-9)
    does(talk, 5, amount=7)
    assert passed(talk) == [1, 2, 3]
    assert "the sum of args.amount" in refusal(talk.to_client[0])
    assert "never fits" in refusal(talk.to_client[1])


@pytest.mark.parametrize(
    "arguments", [{}, {"amount": "5"}, {"amount": True}, {"amount": None}, {"amount": [1]}]
)
def test_an_amount_that_is_no_number_does_not_pass(arguments: dict[str, Any]) -> None:
    limit = "{most: 10, of: args.amount, per: day}"
    talk = under(f'  - {{name: money, match: "tool:send", action: allow, limit: {limit}}}\n')
    does(talk, 1, **arguments)
    assert passed(talk) == [] and "money" in refusal(talk.to_client[0])


def test_integers_of_any_size_count_as_they_are():
    limit = "{most: 18446744073709551617, of: args.amount, per: day}"
    talk = under(f'  - {{name: money, match: "tool:send", action: allow, limit: {limit}}}\n')
    does(talk, 1, amount=2**64)
    does(talk, 2, 3, amount=1)
    assert passed(talk) == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}},
        result(1, isError=True),
    ],
)
def test_a_failed_call_gives_its_share_back(answer: dict[str, Any]) -> None:
    talk = under('  - {name: b, match: "tool:send", action: allow, limit: 1/day}\n')
    does(talk, 1)
    talk.server(answer)
    does(talk, 2, 3)
    talk.server(result(2))
    does(talk, 4)
    assert passed(talk) == [1, 2]


def test_what_did_not_reach_the_server_is_given_back():
    talk = under('  - {name: b, match: "tool:send", action: allow, limit: 1/day}\n')
    talk.client(call(1, "send"), stream=7)
    talk.client(call(2, "send"), stream=8)
    talk.run(Undone(7, talk.now()))
    talk.client(call(3, "send"), stream=9)
    assert passed(talk) == [1, 3]


def test_callers_and_tools_have_shares_of_their_own():
    limit = "{most: 1, per: day, by: [caller, tool]}"
    talk = under(f'  - {{name: b, match: "tool:send*", action: allow, limit: {limit}}}\n')
    for id, caller, tool in (
        (1, "ci", "send"),
        (2, "dev", "send"),
        (3, "ci", "send_all"),
        (4, "ci", "send"),
        (5, "dev", "send"),
    ):
        raw = call(id, tool)

        talk.run(Received(C2S, parse(json.dumps(raw).encode()), talk.now(), id, caller))
    assert passed(talk) == [1, 2, 3]


def test_several_limits_are_taken_together_or_not_at_all():
    talk = under(
        '  - {name: b, match: "tool:send", action: allow, limit: [3/day, {most: 10, of: args.n, per: day}]}\n'
    )
    does(talk, 1, n=6)
    does(talk, 2, n=6)
    does(talk, 3, 4, n=2)
    does(talk, 5, n=0)
    assert passed(talk) == [1, 3, 4]


def test_rules_that_only_limit_add_up_and_judging_goes_on():
    rules = (
        '  - {name: three, action: limit, match: "method:tools/call", limit: 3/day}\n'
        '  - {name: fewer, action: limit, match: "tool:send", limit: 1/day}\n'
        '  - {name: never, action: deny, match: "tool:wipe"}\n'
    )
    talk = under(rules, default="allow")
    does(talk, 1, 2)
    does(talk, 3, 4, tool="wipe")
    does(talk, 5, 6, 7, tool="read")
    assert passed(talk) == [1, 5, 6]
    assert ["three" in refusal(raw) for raw in talk.to_client] == [False, False, False, True]


def test_what_a_rule_denies_or_nobody_approves_costs_nothing():
    talk = under('  - {name: pay, match: "tool:send", action: ask, limit: 1/day}\n')
    does(talk, 1)
    talk.passes(301)
    does(talk, 2)
    talk.decide(Approve(next(iter(talk.engine.holds)).digest))
    does(talk, 3)
    talk.decide(Approve(next(iter(talk.engine.holds)).digest))
    assert passed(talk) == [2]
    assert "pay" in refusal(talk.to_client[-1])


def test_a_held_call_takes_its_share_when_it_leaves():
    talk = under(SENDS.replace("2/minute", "1/minute"))
    talk.breakpoint("tool:send")
    does(talk, 1, 2)
    one, two = talk.held
    talk.decide(Release(), two)
    talk.decide(Release(), one)
    assert passed(talk) == [2]


def test_the_rounds_of_one_call_are_counted_once_and_what_grows_is_added():
    limit = "[1/day, {most: 10, of: args.n, per: day}]"
    talk = under(f'  - {{name: b, match: "tool:send", action: allow, limit: {limit}}}\n')
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    talk.client(call(1, "send", meta=meta, n=4))
    asks = {"resultType": "input_required", "inputRequests": {}, "requestState": "s1"}
    talk.server({"jsonrpc": "2.0", "id": 1, "result": asks})
    again = call(2, "send", meta=meta, n=4)
    again["params"]["requestState"] = "s1"
    talk.client(again)
    talk.server({"jsonrpc": "2.0", "id": 2, "result": {**asks, "requestState": "s2"}})
    grown = call(3, "send", meta=meta, n=400)
    grown["params"]["requestState"] = "s2"
    talk.client(grown)
    assert passed(talk) == [1, 2]


def test_a_limit_that_cannot_be_counted_denies():
    talk = under(SENDS, book=Broken())
    does(talk, 1)
    assert passed(talk) == [] and "cannot be counted" in refusal(talk.to_client[0])
    assert talk.last(talk.received[0]).detail["fault"] == "the disk is gone"
    talk.steering.book = None
    does(talk, 2)
    assert passed(talk) == []


def test_in_shadow_a_limit_counts_apart_and_only_tells():
    talk = under(SENDS.replace("limit:", "mode: shadow, limit:"), default="allow")
    does(talk, 1, 2, 3)
    assert passed(talk) == [1, 2, 3]
    assert [talk.outcomes.get(at) is not None for at in talk.received] == [False, False, True]
    assert talk.last(talk.received[2]).detail["tags"] == ["would-deny:budget"]


def test_another_spelling_of_a_limited_tool_does_not_pass_uncounted():
    talk = under('  - {name: few, action: limit, match: "tool:send", limit: 1/day}\n', default="allow")
    does(talk, 1, tool="send\u200b")
    does(talk, 2, tool="send")
    assert passed(talk) == [2]


def test_a_batch_does_not_pass_where_something_is_counted():
    talk = Talk()
    talk.steering.rules.add(load("version: 1\nrules: [{name: x, action: limit, limit: 1/day}]").rules[0])
    talk.steering.book = MemoryBook()
    talk.client([call(1), call(2)])
    assert talk.to_server == []


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ("soon", "limit must be a rate"),
        ("5/fortnight", "limit must be a rate"),
        ("-1/hour", "limit must be a rate"),
        ("5/0s", "longer than nothing"),
        ("5/7h utc", "UTC divides"),
        ("[]", "no limit"),
        ("{most: 5}", "needs per"),
        ("{per: day}", "needs most"),
        ("{most: -5, per: day}", "most must be a number"),
        ("{most: 5, per: day, of: name}", "of must be a place"),
        ("{most: 5, per: day, by: server}", "by must be caller"),
        ("{most: 5, per: day, window: lunar}", "window"),
        ("{most: 5, per: day, colour: red}", "colour"),
    ],
)
def test_wrong_limits_are_told(limit: str, problem: str) -> None:
    with pytest.raises(PolicyError) as found:
        load(f"version: 1\nrules: [{{name: x, action: limit, limit: {limit}}}]")
    assert problem in found.value.message


def test_limits_are_spelled_as_they_are_read():
    text = "[20/hour, {most: 1.5, per: day, of: args.a.b, window: utc, by: [caller, tool], counter: c}]"
    rule = load(f"version: 1\nrules: [{{name: x, action: allow, limit: {text}}}]").rules[0]

    again = load(json.dumps({"version": 1, "rules": [spelled(rule)]})).rules[0]
    assert again.limits == rule.limits and len(rule.limits) == 2


def test_wants_of_one_call_for_one_counter_are_added_up():
    limit = Limit(DAY, Decimal(3))
    book = MemoryBook()
    assert isinstance(book.reserve([Want("k", Decimal(2), limit), Want("k", Decimal(2), limit)], 5), Refused)
    assert isinstance(book.reserve([Want("k", Decimal(2), limit), Want("k", Decimal(1), limit)], 5), tuple)
