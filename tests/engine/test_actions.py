"""Each action on each kind of message, in both directions and both eras."""

import json

import pytest

from mcpscope.engine.decisions import Answer, Deny, Drop, Edit, Release
from mcpscope.errors import ScopeError

from .talk import C2S, S2C, Talk, as_json

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "demo", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
CLIENT_REQUESTS = {
    "tools/call": {"name": "t", "arguments": {"a": 1}},
    "tools/list": {},
    "resources/read": {"uri": "file:///x"},
    "prompts/get": {"name": "p"},
    "completion/complete": {
        "ref": {"type": "ref/prompt", "name": "p"},
        "argument": {"name": "a", "value": ""},
    },
    "x/unknown": {"deep": [1, {"b": 2}]},
}
SERVER_REQUESTS = {
    "sampling/createMessage": {"messages": [], "maxTokens": 1},
    "elicitation/create": {"message": "?", "requestedSchema": {"type": "object", "properties": {}}},
    "roots/list": {},
}
NOTIFICATIONS = [
    (C2S, "notifications/roots/list_changed", {}, "legacy"),
    (C2S, "notifications/progress", {"progressToken": 9, "progress": 1}, "legacy"),
    (S2C, "notifications/message", {"level": "info", "data": "x"}, "legacy"),
    (S2C, "notifications/message", {"level": "info", "data": "x"}, "modern"),
    (
        S2C,
        "notifications/tools/list_changed",
        {"_meta": {"io.modelcontextprotocol/subscriptionId": 4}},
        "modern",
    ),
]
REQUESTS = [
    *(
        (C2S, method, params, era)
        for era in ("legacy", "modern")
        for method, params in CLIENT_REQUESTS.items()
    ),
    *((S2C, method, params, "legacy") for method, params in SERVER_REQUESTS.items()),
]


def spelled(method, params, era, id=None):
    """The message as a peer of that era spells it, with white space and escapes that must survive."""
    params = {**params, "_meta": MODERN} if era == "modern" and id is not None else params
    head = f'"id" :  {json.dumps(id)},' if id is not None else ""
    body = (
        f'{{ "jsonrpc":"2.0", {head}"method":{json.dumps(method)}, "params":{json.dumps(params, indent=1)} }}'
    )
    return body.replace("\n", " ").replace("/", "\\/").encode()


def named(case):
    direction, method, _, era = case
    return f"{era} {direction.value} {method}"


def to(talk, direction):
    return talk.to_server if direction is C2S else talk.to_client


def held_request(case, on="request"):
    direction, method, params, era = case
    talk = Talk()
    talk.breakpoint(f"method:{method}", on=on)
    raw = spelled(method, params, era, "id 1")
    return talk, direction, raw, talk.says(direction, raw)


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_held_request_continues_with_its_bytes(case):
    talk, direction, raw, at = held_request(case)
    assert to(talk, direction) == []
    talk.decide(Release())
    assert to(talk, direction) == [raw]
    assert talk.words(at) == ["held", "forwarded"]


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_held_request_is_edited_in_place(case):
    talk, direction, raw, at = held_request(case)
    talk.decide(Edit(patch=({"op": "add", "path": "/params/zz", "value": [2**65]},)))
    (sent,) = to(talk, direction)
    assert as_json(sent) == {**(body := as_json(raw)), "params": {**body["params"], "zz": [2**65]}}
    assert sent.startswith(raw[: raw.rindex(b"}", 0, raw.rindex(b"}")) - 1].rstrip())
    assert (talk.words(at), talk.last(at).sent) == (["held", "edited"], sent)


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_held_request_is_answered_in_the_receivers_place(case):
    talk, direction, _, at = held_request(case)
    talk.decide(Answer(body={"result": {"ok": True}}))
    assert as_json(to(talk, direction.other)[0]) == {"jsonrpc": "2.0", "id": "id 1", "result": {"ok": True}}
    assert (to(talk, direction), talk.words(at)) == ([], ["held", "answered"])


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_dropped_request_gets_an_error(case):
    talk, direction, _, at = held_request(case)
    talk.decide(Drop())
    answer = as_json(to(talk, direction.other)[0])
    assert (answer["id"], answer["error"]["data"]["source"]) == ("id 1", "mcpscope")
    assert not -32768 <= answer["error"]["code"] <= -32000
    assert (to(talk, direction), talk.words(at)) == ([], ["held", "dropped"])


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_denied_request_gets_the_form_of_its_method(case):
    direction, method, params, era = case
    talk = Talk(attached=False)
    talk.rule("deny", f"method:{method}", name="law", message="not here")
    at = talk.says(direction, spelled(method, params, era, 5))
    answer = as_json(to(talk, direction.other)[0])
    assert answer["id"] == 5
    if method == "tools/call":
        result = answer["result"]
        assert result["isError"] is True
        assert result["content"][0]["text"] == "Blocked by policy law: not here"
        assert ("resultType" in result) == (era == "modern")
    elif method == "elicitation/create":
        assert answer["result"] == {"action": "decline"}
    else:
        codes = {"sampling/createMessage": -1, "roots/list": -32601}
        assert answer["error"]["code"] == codes.get(method, 4030)
    assert (to(talk, direction), talk.words(at)) == ([], ["denied"])


def answered_request(case, rule=None):
    """The request has passed; its answer arrives and is stopped (or meets ``rule``)."""
    direction, method, params, era = case
    talk = Talk()
    if rule is None:
        talk.breakpoint(f"method:{method}", on="answer")
    else:
        talk.rule(*rule[:2], **rule[2])
    talk.says(direction, spelled(method, params, era, 8))
    to(talk, direction).clear()
    raw = b'{"result" : {"content":[],"n":1e2, "resultType":"complete"},"jsonrpc":"2.0","id":8}'
    return talk, direction.other, raw, talk.says(direction.other, raw)


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_an_answer_continues_is_edited_replaced_and_dropped(case):
    talk, way, raw, at = answered_request(case)
    talk.decide(Release())
    assert (to(talk, way), talk.words(at)) == ([raw], ["held", "forwarded"])
    talk, way, raw, at = answered_request(case)
    talk.decide(Edit(text="[7]", part="/result/content"))
    assert to(talk, way) == [raw.replace(b"[]", b"[7]")]
    talk, way, raw, at = answered_request(case)
    talk.decide(Answer(body={"result": {}}))
    assert (as_json(to(talk, way)[0])["result"], talk.words(at)) == ({}, ["held", "answered"])
    talk, way, raw, at = answered_request(case)
    talk.decide(Drop(code=3, text="x"))
    assert as_json(to(talk, way)[0])["error"]["code"] == 3
    assert (as_json(to(talk, way)[0])["id"], talk.words(at)) == (8, ["held", "dropped"])


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_rule_that_looks_at_the_answer_refuses_it(case):
    rule = ("deny", f"method:{case[1]} result.n=100", {"name": "law"})
    talk, way, _, at = answered_request(case, rule)
    (sent,) = map(as_json, to(talk, way))
    assert sent["id"] == 8
    assert sent.get("result", {}).get("isError") is True or sent["error"]["code"] == 4030
    assert (talk.words(at), talk.last(at).rule) == (["denied"], "law")


@pytest.mark.parametrize("case", NOTIFICATIONS, ids=named)
def test_a_notification_continues_is_edited_or_swallowed_and_never_answered(case):
    direction, method, params, era = case
    raw = spelled(method, params, era)
    talk = Talk()
    talk.breakpoint(f"method:{method}")
    first, second, third = (talk.says(direction, raw) for _ in range(3))
    one, two, three = talk.held
    with pytest.raises(ScopeError, match="no answer"):
        talk.decide(Answer(body={"result": {}}), one)
    talk.decide(Release(), one)
    talk.decide(Edit(patch=({"op": "add", "path": "/params/k", "value": 1},)), two)
    talk.decide(Deny("no"), three)
    left, edited = to(talk, direction)
    assert (left, as_json(edited)["params"]["k"]) == (raw, 1)
    assert to(talk, direction.other) == []
    assert [talk.words(at)[-1] for at in (first, second, third)] == ["forwarded", "edited", "denied"]


@pytest.mark.parametrize("word", ["answer", "drop", "deny", "delay", "edit", "tag", "log"])
@pytest.mark.parametrize("case", [*REQUESTS, *NOTIFICATIONS], ids=named)
def test_every_rule_gives_every_message_one_outcome(case, word):
    direction, method, params, era = case
    more = {
        "answer": {"answer": Answer(body={"result": {}})},
        "delay": {"delay_ns": 1000},
        "edit": {"patch": ({"op": "add", "path": "/params/k", "value": 1},)},
        "tag": {"tag": "seen"},
    }
    talk = Talk(attached=False)
    talk.rule(word, f"method:{method}", **more.get(word, {}))
    is_request = case in REQUESTS
    at = talk.says(direction, spelled(method, params, era, 1 if is_request else None))
    talk.passes(1)
    passes = word in ("delay", "edit", "tag", "log")
    assert len(to(talk, direction)) == passes
    assert len(to(talk, direction.other)) == (is_request and not passes)
    assert talk.words(at)[-1] in {"plain", "forwarded", "edited", "answered", "dropped", "denied"}
    assert sum(outcome.word.final for outcome in talk.outcomes.get(at, [])) == (at not in talk.plain)
