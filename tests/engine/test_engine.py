"""Conversations: what arrives at the engine, and what leaves it."""

import json

import pytest

from mcpscope.engine.decisions import Answer, Drop, Edit, Extend, KeepAlive, Release, Revert
from mcpscope.errors import ScopeError

from .talk import C2S, S2C, Talk, as_json, call, cancel, result

PING = {"jsonrpc": "2.0", "id": 99, "method": "ping"}
ODD_CALL = (
    b'{ "id":1,"method" : "tools/call","jsonrpc":"2.0",'
    b'"params":{"name":"sea\\u0072ch","arguments":{"n":1e2}}}'
)


def progress(token, value):
    params = {"progressToken": token, "progress": value}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def test_with_no_rule_everything_passes_as_it_came():
    talk = Talk()
    for raw in (ODD_CALL, b"not json", b"[]", b'{"jsonrpc":"2.0","method":"x"}'):
        talk.client(raw)
    assert talk.to_server == [ODD_CALL, b"not json", b"[]", b'{"jsonrpc":"2.0","method":"x"}']
    assert talk.plain == set(talk.received)


def test_a_breakpoint_holds_its_call_and_nothing_else():
    talk = Talk()
    talk.breakpoint("tool:search")
    held = talk.client(call(1, "search"))
    assert (talk.to_server, talk.words(held)) == ([], ["held"])
    for id in range(2, 102):
        talk.client(call(id, "other"))
        talk.server(result(id))
    talk.client(PING)
    talk.server(progress(7, 1))
    talk.client(cancel(50))
    assert len(talk.to_server) == 102
    assert len(talk.to_client) == 101
    assert talk.told[0][0] == "held"


def test_an_unedited_continue_forwards_the_identical_bytes():
    talk = Talk()
    talk.breakpoint("tool:search")
    held = talk.client(ODD_CALL)
    talk.decide(Release())
    assert talk.to_server == [ODD_CALL]
    assert talk.words(held) == ["held", "forwarded"]
    assert talk.last(held).actor == "ui pts/3"
    assert talk.last(held).waited_ns > 0
    assert talk.told[-1][1]["outcome"] == "forwarded"


def test_an_edit_splices_the_arguments_and_is_recorded_with_both_versions():
    talk = Talk()
    talk.breakpoint("tool:search")
    held = talk.client(ODD_CALL)
    talk.decide(Edit(patch=({"op": "replace", "path": "/params/arguments/n", "value": 5},)))
    assert talk.to_server == [ODD_CALL.replace(b"1e2", b"5")]
    assert talk.words(held) == ["held", "edited"]
    assert talk.last(held).sent == talk.to_server[0]


def test_a_draft_stays_held_until_it_is_released_and_can_be_reverted():
    talk = Talk()
    talk.breakpoint("tool:search")
    talk.client(ODD_CALL)
    talk.decide(Edit(text='{"n": 7}', part="args", release=False))
    assert talk.to_server == []
    assert next(iter(talk.engine.holds)).state == "edited"
    talk.decide(Revert())
    talk.decide(Release())
    assert talk.to_server == [ODD_CALL]


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "replace", "path": "/id", "value": 2}],
        [{"op": "remove", "path": "/id"}],
        [{"op": "replace", "path": "/id", "value": 1.0}],
        [{"op": "remove", "path": "/method"}],
        [{"op": "replace", "path": "", "value": []}],
        [{"op": "replace", "path": "/params/requestState", "value": "x"}],
        [{"op": "remove", "path": "/params/nothing"}],
    ],
)
def test_an_edit_that_breaks_the_message_does_nothing(patch):
    talk = Talk()
    talk.breakpoint("tool:search")
    body = call(1, "search")
    body["params"]["requestState"] = "sealed"
    talk.client(body)
    with pytest.raises(ScopeError):
        talk.decide(Edit(patch=tuple(patch)))
    assert talk.to_server == []
    assert len(talk.held) == 1


def test_request_state_changes_when_it_was_unlocked():
    talk = Talk()
    talk.breakpoint("tool:search")
    body = call(1, "search")
    body["params"]["requestState"] = "sealed"
    talk.client(body)
    op = {"op": "replace", "path": "/params/requestState", "value": "attack"}
    talk.decide(Edit(patch=(op,), unlock_state=True))
    assert as_json(talk.to_server[0])["params"]["requestState"] == "attack"


def test_an_edit_is_judged_again():
    talk = Talk()
    talk.breakpoint("tool:search")
    talk.rule("deny", "tool:delete", name="no deletes", message="not here")
    held = talk.client(call(1, "search"))
    talk.decide(Edit(patch=({"op": "replace", "path": "/params/name", "value": "delete"},)))
    assert talk.to_server == []
    answer = as_json(talk.to_client[0])
    assert answer["result"]["isError"] is True
    assert "no deletes" in answer["result"]["content"][0]["text"]
    assert talk.words(held) == ["held", "denied"]
    assert talk.told[-1][1]["outcome"] == "denied"


def test_an_answer_is_given_with_the_id_as_it_was_spelled():
    talk = Talk()
    talk.breakpoint("tool:search")
    held = talk.client(ODD_CALL.replace(b'"id":1', b'"id":12345678901234567890123'))
    talk.decide(Answer(text='{"result": {"content": [], "n": 1e2}}'))
    assert talk.to_client == [
        b'{"jsonrpc":"2.0","id":12345678901234567890123,"result":{"content":[],"n":1e2}}'
    ]
    assert (talk.to_server, talk.words(held)) == ([], ["held", "answered"])


def test_the_last_good_answer_of_a_tool_can_be_given_again():
    talk = Talk()
    talk.breakpoint("tool:search args.q=hold")
    talk.client(call(1, "search"))
    talk.server(result(1, "good"))
    talk.client(call(2, "search"))
    talk.server(result(2, "bad", isError=True))
    talk.client(call(3, "search", q="hold"))
    talk.decide(Answer(last_good=True))
    assert as_json(talk.to_client[-1]) == result(3, "good")


def test_a_dropped_request_gets_the_chosen_error_and_a_dropped_notification_nothing():
    talk = Talk()
    talk.breakpoint()
    first = talk.client(call(1))
    talk.decide(Drop(code=-7, text="no"))
    error = as_json(talk.to_client[0])["error"]
    assert (error["code"], error["message"], talk.words(first)) == (-7, "no", ["held", "dropped"])
    second = talk.client({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})
    talk.decide(Drop())
    assert (len(talk.to_client), talk.words(second)) == (1, ["held", "dropped"])
    assert talk.to_server == []


def test_an_answer_can_be_held_edited_replaced_and_dropped():
    talk = Talk()
    talk.breakpoint("tool:search", on="answer")
    for id in (1, 2, 3, 4):
        talk.client(call(id, "search"))
        talk.server(result(id))
    assert (len(talk.to_server), talk.to_client) == (4, [])
    first, second, third, fourth = talk.held
    talk.decide(Edit(text='"new"', part="/result/content/0/text"), first)
    talk.decide(Answer(body={"error": {"code": 1, "message": "x"}}), second)
    talk.decide(Drop(text="gone"), third)
    talk.decide(Release(), fourth)
    edited, replaced, dropped, released = map(as_json, talk.to_client)
    assert edited == result(1, "new")
    assert replaced == {"jsonrpc": "2.0", "id": 2, "error": {"code": 1, "message": "x"}}
    assert (dropped["id"], dropped["error"]["message"]) == (3, "gone")
    assert released == result(4)


def test_step_stops_again_at_the_answer():
    talk = Talk()
    name = talk.breakpoint("tool:search")
    talk.client(call(1, "search"))
    talk.decide(Release(stop_at="answer"))
    talk.steering.rules.remove(name)
    assert talk.engine.busy
    talk.client(call(2, "search"))
    talk.server(result(2))
    talk.server(result(1))
    assert [as_json(raw)["id"] for raw in talk.to_client] == [2]
    assert len(talk.held) == 1
    talk.decide(Release())
    assert not talk.engine.busy


def test_step_any_stops_at_the_next_message_but_not_at_a_ping():
    talk = Talk()
    talk.breakpoint("tool:search")
    talk.client(call(1, "search"))
    talk.decide(Release(stop_at="any"))
    talk.client(PING)
    assert talk.held == []
    talk.client(call(2, "other"))
    assert len(talk.held) == 1


def test_a_cancel_of_a_held_request_is_absorbed_and_the_hold_gave_up():
    talk = Talk()
    talk.breakpoint("tool:search")
    held = talk.client(call(1, "search"))
    gone = talk.client(cancel(1))
    assert talk.to_server == []
    assert (talk.words(held), talk.words(gone)) == (["held", "gave-up"], ["absorbed"])
    with pytest.raises(ScopeError, match="nobody waits"):
        talk.decide(Release())
    talk.decide(Release(confirmed=True))
    assert len(talk.to_server) == 1
    assert talk.words(held)[-1] == "forwarded"


def test_a_hold_that_gave_up_is_discarded_without_an_answer():
    talk = Talk()
    talk.breakpoint("tool:search")
    held = talk.client(call(1, "search"))
    talk.client(cancel(1))
    talk.decide(Drop())
    assert (talk.to_server, talk.to_client, talk.words(held)[-1]) == ([], [], "dropped")


def test_with_nobody_attached_a_cancel_ends_the_hold():
    talk = Talk(attached=False, detached="wait")
    talk.breakpoint("tool:search")
    held = talk.client(call("a", "search"))
    talk.client(cancel("a"))
    assert (talk.held, talk.words(held)) == ([], ["held", "abandoned"])


def test_a_client_that_leaves_leaves_no_hold():
    talk = Talk()
    talk.breakpoint()
    held = talk.client(call(1))
    talk.leaves(C2S)
    talk.ends()
    assert (talk.held, talk.to_server, talk.words(held)[-1]) == ([], [], "abandoned")


def test_a_closed_stream_gives_up_only_its_own_holds():
    talk = Talk()
    talk.breakpoint()
    one, two = talk.client(call(1), stream=5), talk.client(call(2), stream=6)
    talk.leaves(C2S, stream=5)
    assert (talk.words(one), talk.words(two)) == (["held", "gave-up"], ["held"])


def test_a_server_that_is_gone_answers_what_was_held_for_it():
    talk = Talk()
    talk.breakpoint()
    held = talk.client(call(1))
    talk.leaves(S2C)
    assert "error" in as_json(talk.to_client[0])
    assert (talk.to_server, talk.words(held)) == ([], ["held", "refused"])


def test_the_answer_never_passes_its_own_held_progress():
    talk = Talk()
    talk.breakpoint("method:notifications/progress")
    talk.client(call(1, "slow", meta={"progressToken": "t"}))
    talk.client(call(2))
    talk.server(progress("t", 1))
    talk.server(progress("t", 2))
    talk.server(result(2))
    answer = talk.server(result(1))
    assert [as_json(raw).get("id") for raw in talk.to_client] == [2]
    talk.decide(Release())
    talk.decide(Release())
    assert [as_json(raw).get("params", {}).get("progress") for raw in talk.to_client[1:]] == [1, 2, None]
    assert talk.words(answer)[-1] == "forwarded"


def test_one_sse_stream_keeps_its_order():
    talk = Talk()
    talk.breakpoint("method:notifications/message")
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}
    talk.server(log, stream=4)
    talk.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}, stream=4)
    talk.server({"jsonrpc": "2.0", "method": "notifications/prompts/list_changed"}, stream=5)
    assert len(talk.to_client) == 1
    talk.decide(Release())
    assert [as_json(raw)["method"].split("/")[1] for raw in talk.to_client] == ["prompts", "message", "tools"]


def test_two_deciders_make_one_decision():
    talk = Talk()
    talk.breakpoint()
    talk.client(call(1))
    (hold,) = talk.held
    talk.decide(Release(), hold, actor="ui pts/1")
    with pytest.raises(ScopeError, match="already forwarded by ui pts/1"):
        talk.decide(Drop(), hold, actor="ui pts/2")
    assert len(talk.to_server) == 1
    assert [name for name, _ in talk.told] == ["held", "released"]


def test_a_decision_binds_to_the_bytes_that_were_seen():
    talk = Talk()
    talk.breakpoint()
    talk.client(call(1))
    digest = next(iter(talk.engine.holds)).digest
    talk.decide(Edit(text="7", part="args.x", release=False))
    with pytest.raises(ScopeError, match="other bytes"):
        talk.decide(Release(digest=digest))
    talk.decide(Release(digest=next(iter(talk.engine.holds)).digest[:12]))
    assert len(talk.to_server) == 1


def test_with_nobody_attached_breakpoints_pass_or_do_as_told():
    talk = Talk(attached=False)
    talk.breakpoint()
    assert not talk.steering.gated
    talk.client(call(1))
    assert len(talk.to_server) == 1
    talk = Talk(attached=False, detached="error")
    talk.breakpoint()
    talk.client(call(1))
    assert "error" in as_json(talk.to_client[0])
    talk = Talk(attached=False, detached="wait")
    talk.breakpoint()
    talk.client(call(1))
    assert len(talk.held) == 1


def test_the_deadline_discards_and_tells_the_client():
    talk = Talk(timeout=5)
    talk.breakpoint()
    held = talk.client(call(1))
    talk.passes(4)
    assert talk.to_client == []
    talk.passes(2)
    assert "error" in as_json(talk.to_client[0])
    assert (talk.to_server, talk.words(held)) == ([], ["held", "abandoned"])


def test_an_hour_is_the_deadline_where_none_is_set_and_it_can_be_moved():
    talk = Talk()
    talk.breakpoint()
    talk.client(call(1))
    talk.decide(Extend(7200, "continue"))
    talk.passes(3700)
    assert len(talk.held) == 1
    talk.passes(3700)
    assert len(talk.to_server) == 1


def test_the_clock_says_where_its_limit_comes_from():
    def clock(talk):
        return [
            (h.clock.limit_ns and h.clock.limit_ns // 10**9, h.clock.source.value) for h in talk.engine.holds
        ][-1]

    talk = Talk(client="claude-ai")
    talk.breakpoint()
    talk.client(call(1))
    assert clock(talk) == (60, "known")
    talk.passes(4)
    talk.client(cancel(1))
    talk.client(call(2))
    assert clock(talk) == (4, "learned")
    talk = Talk(client="nobody knows")
    talk.breakpoint()
    talk.client(call(1))
    assert clock(talk) == (60, "assumed")
    talk.passes(61)
    assert len(talk.held) == 1, "assumed clocks never fire"
    talk = Talk(timeout=9)
    talk.breakpoint()
    talk.client(call(1))
    assert clock(talk) == (9, "set")


def test_keep_alive_sends_progress_of_our_own_while_the_request_is_held():
    talk = Talk()
    talk.breakpoint()
    talk.client(call(1, meta={"progressToken": 1}))
    talk.decide(KeepAlive(on=True))
    talk.passes(25)
    sent = [as_json(raw)["params"] for raw in talk.to_client]
    assert [params["message"] for params in sent] == ["held in mcpscope"] * 3
    assert sent[0]["progress"] < sent[1]["progress"] < sent[2]["progress"] < 0.001
    talk.client(call(2))
    with pytest.raises(ScopeError, match="progress"):
        talk.decide(KeepAlive(on=True), talk.held[1])


def test_errors_only_first_time_and_after_n_hits():
    talk = Talk()
    talk.breakpoint("tool:a", on="answer", errors_only=True)
    talk.breakpoint("tool:b", once=True)
    talk.breakpoint("tool:c", skip=2)
    talk.client(call(1, "a"))
    talk.server(result(1))
    assert talk.held == []
    talk.client(call(2, "a"))
    talk.server(result(2, isError=True))
    assert len(talk.held) == 1
    talk.client(call(3, "b"))
    talk.client(call(4, "b"))
    assert len(talk.held) == 2
    for id in (5, 6):
        talk.client(call(id, "c"))
    assert len(talk.held) == 2
    talk.client(call(7, "c"))
    assert len(talk.held) == 3


def test_a_log_point_does_not_stop():
    talk = Talk()
    talk.rule("log", "tool:search", name="watch")
    talk.client(call(1, "search", q="x"))
    assert len(talk.to_server) == 1
    assert "watch" in talk.notes[0]


def test_rules_decide_in_order_and_the_first_match_wins():
    talk = Talk()
    talk.rule("allow", "tool:search args.safe=true")
    talk.rule("deny", "tool:search", name="d")
    talk.client(call(1, "search", safe=True))
    talk.client(call(2, "search"))
    assert [as_json(raw)["id"] for raw in talk.to_server] == [1]
    assert as_json(talk.to_client[0])["id"] == 2


def test_edits_add_up_and_what_leaves_is_judged():
    talk = Talk()
    talk.rule("edit", "tool:search", patch=({"op": "set", "path": "args.limit", "value": 5},))
    talk.rule("edit", "args.limit=5", patch=({"op": "set", "path": "args.trace", "value": True},))
    talk.rule("tag", "args.trace=true", tag="traced")
    at = talk.client(call(1, "search"))
    assert as_json(talk.to_server[0])["params"]["arguments"] == {"limit": 5, "trace": True}
    assert talk.last(at).detail["tags"] == ["traced"]
    talk.rule("deny", "args.trace=true")
    talk.client(call(2, "search"))
    assert len(talk.to_server) == 1


def test_answer_and_drop_rules_never_reach_the_server():
    talk = Talk()
    talk.rule("answer", "tool:a", answer=Answer(body={"result": {"content": []}}))
    talk.rule("drop", "tool:b", code=77, message="closed")
    talk.rule("answer", "tool:c", answer=Answer(last_good=True))
    one, two, three = (talk.client(call(n, tool)) for n, tool in ((1, "a"), (2, "b"), (3, "c")))
    assert talk.to_server == []
    assert as_json(talk.to_client[0])["result"] == {"content": []}
    assert as_json(talk.to_client[1])["error"]["code"] == 77
    assert "no good answer" in as_json(talk.to_client[2])["error"]["message"]
    assert [talk.words(at) for at in (one, two, three)] == [["answered"], ["dropped"], ["dropped"]]


def test_a_delay_holds_for_a_while_and_a_cancel_ends_it():
    talk = Talk()
    talk.rule("delay", "tool:slow", delay_ns=2 * 10**9)
    at = talk.client(call(1, "slow"))
    talk.client(call(2, "slow"))
    talk.client(cancel(2))
    talk.passes(1.5)
    assert talk.to_server == []
    talk.passes(1)
    assert [as_json(raw)["id"] for raw in talk.to_server] == [1]
    assert talk.words(at) == ["held", "forwarded"]


def test_intercept_leaves_pings_and_the_handshake_alone_unless_named():
    talk = Talk()
    talk.rule("break", "dir:c2s", origin="intercept", name="intercept")
    talk.client({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {}})
    talk.client(PING)
    talk.client(cancel(3))
    assert len(talk.to_server) == 3
    talk.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert len(talk.held) == 1
    talk.rule("break", "method:(initialize,tools/list)", origin="intercept", name="intercept")
    talk.client({"jsonrpc": "2.0", "id": 5, "method": "initialize", "params": {}})
    assert len(talk.held) == 2


def test_a_refused_question_of_the_server_is_answered_to_the_server():
    talk = Talk()
    talk.rule("deny", "dir:s2c kind:request")
    talk.server({"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}})
    talk.server({"jsonrpc": "2.0", "id": 2, "method": "sampling/createMessage", "params": {}})
    talk.server({"jsonrpc": "2.0", "id": 3, "method": "roots/list"})
    talk.server({"jsonrpc": "2.0", "id": 4, "method": "ping"})
    decline, sampling, roots, *_ = map(as_json, talk.to_server)
    assert decline["result"] == {"action": "decline"}
    assert (sampling["error"]["code"], roots["error"]["code"]) == (-1, -32601)
    assert talk.to_client == []


def test_entries_of_input_requests_are_judged_like_requests():
    def asks(id):
        entry = {"method": "elicitation/create", "params": {"mode": "form", "message": "?"}}
        return {
            "jsonrpc": "2.0",
            "id": id,
            "result": {"resultType": "input_required", "inputRequests": {"k": entry}},
        }

    talk = Talk()
    name = talk.breakpoint("method:elicitation/create")
    talk.client(call(1))
    talk.server(asks(1))
    assert len(talk.held) == 1
    text = '"May I?"'
    talk.decide(Edit(text=text, part="/result/inputRequests/k/params/message"))
    assert as_json(talk.to_client[0])["result"]["inputRequests"]["k"]["params"]["message"] == "May I?"
    talk.steering.rules.remove(name)
    talk.rule("deny", "method:elicitation/create", name="no questions")
    talk.client(call(2))
    at = talk.server(asks(2))
    assert as_json(talk.to_client[1])["result"]["isError"] is True
    assert talk.words(at) == ["denied"]


def test_a_question_is_judged_however_its_place_is_spelled():
    talk = Talk()
    talk.rule("deny", "method:elicitation/create", name="no questions")
    talk.client(call(1))
    entry = b'{"method":"elicitation/create","params":{"mode":"form","message":"Are you sure?"}}'
    body = b'{"resultType":"input_required","inputR\\u0065quests":{"k":%b}}' % entry
    at = talk.server(b'{"jsonrpc":"2.0","id":1,"result":%b}' % body)
    assert talk.words(at) == ["denied"]
    assert b"elicitation" not in talk.to_client[0]


def test_a_batch_passes_as_it_came_or_without_what_was_refused():
    talk = Talk()
    talk.rule("deny", "tool:bad", name="no")
    raw = json.dumps([call(1, "good"), call(2, "good")]).encode()
    talk.client(raw)
    assert talk.to_server == [raw]
    talk.server([result(1), result(2)])
    mixed = talk.client([call(3, "good"), call(4, "bad")])
    assert as_json(talk.to_server[1]) == [call(3, "good")]
    assert talk.words(mixed) == ["edited"]
    talk.server([result(3)])
    assert [answer["id"] for answer in as_json(talk.to_client[1])] == [3, 4]
    all_bad = talk.client([call(5, "bad")])
    assert as_json(talk.to_client[2])[0]["id"] == 5
    assert talk.words(all_bad) == ["denied"]


def test_the_refusals_of_a_batch_follow_an_answer_that_comes_alone():
    talk = Talk()
    talk.rule("deny", "tool:bad")
    talk.client([call(3, "good"), call(4, "bad")])
    talk.server(result(3))
    assert [as_json(raw)["id"] for raw in talk.to_client] == [3, 4]


def test_a_hold_on_an_element_holds_the_frame():
    talk = Talk()
    talk.breakpoint("tool:stop")
    raw = json.dumps([call(1, "go"), call(2, "stop")]).encode()
    at = talk.client(raw)
    assert talk.to_server == []
    talk.decide(Release())
    assert (talk.to_server, talk.words(at)) == ([raw], ["held", "forwarded"])


def test_too_long_a_message_is_refused_with_its_own_id():
    talk = Talk()
    talk.rule("tag", "tool:x")
    at = talk.oversized(C2S, b'{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"x":"aaaa')
    assert as_json(talk.to_client[0])["id"] == "big"
    assert talk.words(at) == ["refused"]
    talk.client(call(1))
    talk.oversized(S2C, b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"aaaa')
    assert as_json(talk.to_client[1])["id"] == 1


def test_strictness_refuses_what_cannot_be_read_with_certainty():
    talk = Talk()
    talk.steering.strict = lambda message, direction: ("duplicate-keys",) if b"dup" in message.raw else ()
    talk.client(call(1, "dup"))
    talk.client([call(2), call(3)])
    talk.client(call(4))
    assert [as_json(raw)["id"] for raw in talk.to_server] == [4]
    assert [item["id"] for item in as_json(talk.to_client[1])] == [2, 3]


def test_an_injected_message_is_judged_and_its_answer_goes_to_the_person_alone():
    talk = Talk()
    talk.rule("deny", "tool:bad")
    talk.inject(C2S, call("m1", "good"))
    talk.inject(C2S, call("m2", "bad"))
    assert [as_json(raw)["id"] for raw in talk.to_server] == ["m1"]
    at = talk.server(result("m1"))
    assert (talk.to_client, talk.words(at)) == ([], ["absorbed"])
    answers = [as_json(data["answer"])["id"] for name, data in talk.told if name == "answered"]
    assert answers == ["m2", "m1"]


def lists_tools(talk, **tool):
    talk.client({"jsonrpc": "2.0", "id": "list", "method": "tools/list"})
    talk.server({"jsonrpc": "2.0", "id": "list", "result": {"tools": [tool]}})
    talk.to_server.clear()
    talk.to_client.clear()


def test_schema_warnings_ask_once_and_are_recorded():
    talk = Talk()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    lists_tools(talk, name="search", inputSchema=schema)
    talk.breakpoint("tool:search")
    at = talk.client(call(1, "search", n=1))
    with pytest.raises(ScopeError, match='n: "bad" is not of type "integer"'):
        talk.decide(Edit(text='"bad"', part="args.n", anyway=False))
    assert len(talk.held) == 1
    talk.decide(Edit(text='"bad"', part="args.n", anyway=True))
    assert talk.last(at).detail["warnings"] == ['n: "bad" is not of type "integer"']
    talk.client(call(2, "search", n="wrong from the start"))
    assert talk.told[-1][1]["warnings"] == ['n: "wrong from the start" is not of type "integer"']


def test_results_are_checked_and_references_fetch_nothing():
    talk = Talk()
    schema = {"type": "object", "required": ["total"]}
    lists_tools(talk, name="search", inputSchema={"$ref": "http://127.0.0.1:9/x"}, outputSchema=schema)
    talk.breakpoint("tool:search", on="both")
    talk.client(call(1, "search"))
    assert "cannot be used" in talk.told[-1][1]["warnings"][0]
    talk.decide(Release())
    talk.server(result(1, structuredContent={}))
    assert talk.told[-1][1]["warnings"] == ['the whole: "total" is a required property']


def test_every_hold_is_abandoned_when_the_session_ends():
    talk = Talk()
    talk.breakpoint("method:notifications/progress")
    talk.client(call(1, meta={"progressToken": 1}))
    talk.server(progress(1, 1))
    behind = talk.server(result(1))
    talk.ends()
    assert talk.held == []
    assert talk.words(behind)[-1] == "abandoned"
    assert talk.to_client == []


def questions(id, state="s", **entries):
    body = {"resultType": "input_required", "inputRequests": entries}
    if state:
        body["requestState"] = state
    return {"jsonrpc": "2.0", "id": id, "result": body}


FORM = {"method": "elicitation/create", "params": {"mode": "form", "message": "?"}}
ROOTS = {"method": "roots/list", "params": {}}


def test_a_rule_answers_one_question_and_the_client_the_other():
    talk = Talk()
    accepted = {"action": "accept", "content": {"x": 1}}
    talk.rule("answer", "method:elicitation/create", answer=Answer(body={"result": accepted}))
    talk.client(call(1))
    at = talk.server(questions(1, form=FORM, roots=ROOTS))
    assert as_json(talk.to_client[0]) == questions(1, roots=ROOTS)
    assert talk.words(at) == ["edited"]
    assert talk.engine.busy
    retry = call(2)
    retry["params"] |= {"requestState": "s", "inputResponses": {"roots": {"roots": []}}}
    again = talk.client(retry)
    sent = as_json(talk.to_server[-1])["params"]
    assert sent["inputResponses"] == {"roots": {"roots": []}, "form": accepted}
    assert talk.words(again) == ["edited"]
    assert not talk.engine.busy


def test_the_only_question_is_answered_where_a_state_is_left_to_retry_with():
    talk = Talk()
    talk.rule("answer", "method:elicitation/create", answer=Answer(body={"result": {"action": "decline"}}))
    talk.client(call(1))
    talk.server(questions(1, form=FORM))
    assert as_json(talk.to_client[0])["result"] == {"resultType": "input_required", "requestState": "s"}
    retry = call(2)
    retry["params"]["requestState"] = "s"
    talk.client(retry)
    assert as_json(talk.to_server[-1])["params"]["inputResponses"] == {"form": {"action": "decline"}}
    talk.client(call(3))
    talk.server(questions(3, state="", form=FORM))
    assert as_json(talk.to_client[-1])["result"]["isError"] is True


def test_what_waits_behind_a_hold_is_bounded():
    talk = Talk()
    talk.breakpoint("method:notifications/progress params.progress=1")
    talk.client(call(1, meta={"progressToken": "t"}))
    talk.server(progress("t", 1))
    for value in range(2, 10_003):
        talk.server(progress("t", value))
    talk.passes(0.001)
    assert talk.held == []
    assert len(talk.to_client) == 10_001


def test_a_step_is_done_when_a_breakpoint_stops_at_the_same_place():
    talk = Talk()
    talk.breakpoint("tool:search", on="both")
    talk.client(call(1, "search"))
    talk.decide(Release(stop_at="answer"))
    talk.server(result(1))
    talk.decide(Release())
    assert len(talk.to_client) == 1
    talk.client(call(2, "search"))
    talk.decide(Release(stop_at="any"))
    talk.client(call(3, "search"))
    talk.decide(Release())
    assert (talk.held, len(talk.to_server)) == ([], 3)


def test_any_rule_may_act_once():
    talk = Talk(attached=False)
    more = {"edit": {"patch": ({"op": "set", "path": "args.x", "value": 1},)}, "delay": {"delay_ns": 1000}}
    for word in ("edit", "tag", "log", "delay", "deny", "drop"):
        name = talk.rule(word, "tool:search", once=True, **more.get(word, {}))
        at = talk.client(call(word, "search"))
        talk.passes(1)
        assert not talk.steering.rules.get(name).rule.enabled, word
        again = talk.client(call(word + "2", "search"))
        assert (at in talk.plain, again in talk.plain) == (word == "log", True), word
