"""Each action in every form that a person has for it, in both directions and both eras."""

import json

import pytest

from mcpscope.control.methods import METHODS, validated
from mcpscope.engine.decisions import Answer, Drop, Edit, Release
from mcpscope.session import wishes

from .talk import C2S, S2C, Talk, as_json, call, cancel
from .test_actions import (
    NOTIFICATIONS,
    REQUESTS,
    SERVER_REQUESTS,
    answered_request,
    held_request,
    named,
    spelled,
    to,
)

GOOD = b'{"result" : {"content":[],"n":1e2, "resultType":"complete"},"jsonrpc":"2.0","id":"id 1"}'


def wish(verb, **said):
    """The decision that ``scope/holds/VERB`` makes of what a person says."""
    method = f"scope/holds/{verb}"
    return wishes.DECISIONS[method](validated(METHODS[method], {"id": 1, **said}))


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_step_lets_the_request_go_as_it_came_and_stops_its_answer(case):
    talk, direction, raw, at = held_request(case)
    talk.decide(wish("step"))
    assert (to(talk, direction), talk.words(at), talk.held) == ([raw], ["held", "forwarded"], [])
    answer = talk.says(direction.other, GOOD)
    assert (to(talk, direction.other), len(talk.held)) == ([], 1)
    talk.decide(Release())
    assert (to(talk, direction.other), talk.words(answer)) == ([GOOD], ["held", "forwarded"])
    assert not talk.engine.busy


@pytest.mark.parametrize("case", REQUESTS, ids=named)
@pytest.mark.parametrize("next_way", [C2S, S2C], ids=lambda way: way.value)
def test_a_step_to_any_message_stops_the_next_of_either_side(case, next_way):
    talk, direction, raw, _ = held_request(case)
    talk.decide(wish("step", any=True))
    assert to(talk, direction) == [raw]
    name = "notifications/roots/list_changed" if next_way is C2S else "notifications/message"
    next_raw = spelled(name, {"level": "info", "data": "x"}, "legacy")
    at = talk.says(next_way, next_raw)
    assert (len(talk.held), next_raw in to(talk, next_way)) == (1, False)
    talk.decide(Release())
    assert (to(talk, next_way)[-1], talk.words(at)) == (next_raw, ["held", "forwarded"])


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_request_is_edited_by_setting_and_removing_and_stops_again_at_its_answer(case):
    talk, direction, raw, at = held_request(case)
    first = next(iter(as_json(raw)["params"]), None)
    removed = [f"/params/{first}"] if first is not None else []
    talk.decide(wish("edit", set={"/params/new": {"deep": 1}}, remove=removed, anyway=True, step="answer"))
    (sent,) = to(talk, direction)
    body = as_json(raw)
    body["params"].pop(first, None)
    assert as_json(sent) == {**body, "params": {**body["params"], "new": {"deep": 1}}}
    assert talk.words(at) == ["held", "edited"]
    talk.says(direction.other, GOOD)
    assert (len(talk.held), to(talk, direction.other)) == (1, [])


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_an_answer_is_edited_by_a_patch_and_by_setting_and_removing(case):
    operation = {"op": "replace", "path": "/result/n", "value": 2}
    for said, was, now in (
        ({"patch": [operation]}, b"1e2", b"2"),
        ({"set": {"/result/n": "two"}}, b"1e2", b'"two"'),
        ({"remove": ["/result/n"]}, b'"n":1e2, ', b""),
    ):
        talk, way, raw, at = answered_request(case)
        talk.decide(wish("edit", anyway=True, **said))
        (sent,) = to(talk, way)
        assert as_json(sent) == as_json(raw.replace(was, now))
        assert (talk.words(at), talk.last(at).sent) == (["held", "edited"], sent)


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_request_is_answered_by_an_error_by_the_text_of_a_file_and_by_the_last_good_answer(case):
    direction, method, params, era = case
    talk, direction, _, at = held_request(case)
    talk.decide(wish("answer", error={"code": -9, "message": "no"}))
    told = as_json(to(talk, direction.other)[0])
    assert (told["id"], told["error"], talk.words(at)) == (
        "id 1",
        {"code": -9, "message": "no"},
        ["held", "answered"],
    )
    talk, direction, _, at = held_request(case)
    talk.decide(wish("answer", text='{"result":{"big":12345678901234567890,  "spelled": "\\u0041"}}'))
    (told,) = to(talk, direction.other)
    assert b'{"big":12345678901234567890,"spelled":"\\u0041"}' in told  # on one line, its values as written
    assert as_json(told)["id"] == "id 1"
    talk = Talk()
    talk.says(direction, spelled(method, params, era, "id 1"))
    talk.says(direction.other, GOOD)
    talk.breakpoint(f"method:{method}")
    at = talk.says(direction, spelled(method, params, era, 2))
    to(talk, direction.other).clear()
    talk.decide(Answer(last_good=True))
    (told,) = map(as_json, to(talk, direction.other))
    assert (told["id"], told["result"], talk.words(at)) == (2, as_json(GOOD)["result"], ["held", "answered"])


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_cancel_of_a_held_request_is_absorbed_and_only_a_confirmed_release_runs_it(case):
    talk, direction, raw, at = held_request(case)
    stop = talk.says(direction, cancel("id 1"))
    assert (to(talk, direction), talk.words(stop)) == ([], ["absorbed"])
    assert talk.words(at) == ["held", "gave-up"]
    talk.decide(Release(confirmed=True))
    assert (to(talk, direction), talk.words(at)[-1]) == ([raw], "forwarded")


@pytest.mark.parametrize("case", NOTIFICATIONS, ids=named)
def test_a_notification_is_dropped_and_nobody_told(case):
    direction, method, params, era = case
    talk = Talk()
    talk.breakpoint(f"method:{method}")
    at = talk.says(direction, spelled(method, params, era))
    talk.decide(Drop(code=-5))
    assert (talk.to_server, talk.to_client, talk.words(at)) == ([], [], ["held", "dropped"])


@pytest.mark.parametrize("kind", sorted(SERVER_REQUESTS))
def test_an_entry_of_input_requests_is_held_with_its_answer_and_decided_as_one(kind):
    entry = {"method": kind, "params": SERVER_REQUESTS[kind]}
    asks = {"resultType": "input_required", "requestState": "s", "inputRequests": {"k": entry}}
    raw = spelled("x", {}, "modern", 1)  # its spelling only: the answer is made below
    raw = raw[: raw.index(b'"method"')] + b'"result": ' + json.dumps(asks).encode() + b" }"
    path = "/result/inputRequests/k/params/extra"

    def asked():
        talk = Talk()
        talk.breakpoint(f"method:{kind}")
        talk.client(call(1))
        at = talk.server(raw)
        assert (len(talk.held), talk.to_client) == (1, [])
        return talk, at

    talk, at = asked()
    talk.decide(Release())
    assert (talk.to_client, talk.words(at)) == ([raw], ["held", "forwarded"])
    talk, at = asked()
    talk.decide(Edit(patch=({"op": "add", "path": path, "value": 1},)))
    changed = as_json(talk.to_client[0])["result"]["inputRequests"]["k"]["params"]
    assert (changed["extra"], talk.words(at)) == (1, ["held", "edited"])
    talk, at = asked()
    talk.decide(wish("edit", set={path: 2}))
    assert as_json(talk.to_client[0])["result"]["inputRequests"]["k"]["params"]["extra"] == 2
    talk, at = asked()
    talk.decide(Answer(body={"result": {"content": []}}))
    assert (as_json(talk.to_client[0])["result"], talk.words(at)) == ({"content": []}, ["held", "answered"])
    talk, at = asked()
    talk.decide(Drop(code=-3, text="no"))
    assert (as_json(talk.to_client[0])["error"]["code"], talk.words(at)) == (-3, ["held", "dropped"])
