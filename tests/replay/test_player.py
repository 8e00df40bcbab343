"""A tape answers a live client under its own ids, in whatever order it asks."""

from __future__ import annotations

from typing import Any

from mcpscope.replay.playing import answer_for
from tests.replay.tapes import STEP_NS, Seat, call, text

Said = list[tuple[str, dict[str, Any]]]
PROGRESS = "notifications/progress"


def with_token(request: dict[str, Any], token: Any) -> dict[str, Any]:
    return {**request, "params": {**request["params"], "_meta": {"progressToken": token}}}


def test_calls_are_answered_in_any_order_under_the_live_ids() -> None:
    said: Said = [(">", call(1, "a")), ("<", text(1, "A")), (">", call(2, "b")), ("<", text(2, "B"))]
    seat = Seat(said)
    assert seat.say(call("x", "b")) == [{"jsonrpc": "2.0", **text("x", "B")}]
    assert seat.say(call(7, "a")) == [{"jsonrpc": "2.0", **text(7, "A")}]


def test_a_call_made_twice_is_answered_as_it_was_the_first_and_the_second_time_and_then_again() -> None:
    said: Said = [(">", call(1, "n")), ("<", text(1, "1")), (">", call(2, "n")), ("<", text(2, "2"))]
    seat = Seat(said)
    answers = [seat.say(call(number, "n"))[0]["result"]["content"][0]["text"] for number in (1, 2, 3)]
    assert answers == ["1", "2", "2"]


def test_progress_comes_under_the_live_token_and_not_at_all_without_one() -> None:
    said: Said = [
        (">", with_token(call(1, "a"), 1)),
        ("<", {"method": PROGRESS, "params": {"progressToken": 1, "progress": 1}}),
        ("<", text(1, "A")),
    ]
    seat = Seat(said)
    progress, answer = seat.say(with_token(call(9, "a"), "tok"))
    assert progress == {
        "jsonrpc": "2.0",
        "method": PROGRESS,
        "params": {"progressToken": "tok", "progress": 1},
    }
    assert answer["id"] == 9
    assert [message["id"] for message in seat.say(call(10, "a"))] == [10]


def test_a_question_of_the_server_is_asked_and_its_answer_waited_for() -> None:
    asked = {"id": 0, "method": "sampling/createMessage", "params": {"messages": []}}
    said: Said = [
        (">", call(1, "dream")),
        ("<", asked),
        (">", {"id": 0, "result": {"role": "assistant", "model": "m", "content": []}}),
        ("<", text(1, "a dream")),
    ]
    seat = Seat(said)
    assert seat.say(call(0, "dream")) == [{"jsonrpc": "2.0", **asked}]
    words = {"role": "assistant", "model": "another", "content": [{"type": "text", "text": "else"}]}
    assert seat.say({"id": 0, "result": words})[0]["result"]["content"][0]["text"] == "a dream"
    (again,) = seat.say(call(1, "dream"))
    assert again["id"] not in (0, 1)


def test_the_branch_is_played_that_the_live_person_chooses() -> None:
    ask = {"method": "elicitation/create", "params": {"message": "Sure?"}}
    said: Said = [
        (">", call(1, "rm")),
        ("<", {"id": 7, **ask}),
        (">", {"id": 7, "result": {"action": "accept", "content": {"sure": True}}}),
        ("<", text(1, "removed")),
        (">", call(2, "rm")),
        ("<", {"id": 8, **ask}),
        (">", {"id": 8, "result": {"action": "decline"}}),
        ("<", text(2, "kept")),
    ]
    seat = Seat(said)
    (question,) = seat.say(call(5, "rm"))
    (answer,) = seat.say({"id": question["id"], "result": {"action": "decline"}})
    assert (answer["id"], answer["result"]["content"][0]["text"]) == (5, "kept")


def test_rounds_of_input_required_are_played_with_their_state() -> None:
    base = {"name": "paint", "arguments": {}}
    asked = {"resultType": "input_required", "requestState": "s1", "inputRequests": {"k": {"method": "x"}}}
    retry = {
        **base,
        "requestState": "s1",
        "inputResponses": {"k": {"action": "accept", "content": {"c": "red"}}},
    }
    said: Said = [
        (">", {"id": 1, "method": "tools/call", "params": base}),
        ("<", {"id": 1, "result": asked}),
        (">", {"id": 2, "method": "tools/call", "params": retry}),
        ("<", text(2, "red")),
    ]
    seat = Seat(said)
    assert seat.say({"id": "a", "method": "tools/call", "params": base})[0]["result"] == asked
    assert seat.say({"id": "b", "method": "tools/call", "params": retry})[0]["id"] == "b"
    wrong = {**retry, "inputResponses": {"k": {"action": "decline"}}}
    (missed,) = seat.say({"id": "c", "method": "tools/call", "params": wrong})
    assert 'inputResponses.k.action was "accept" and is "decline"' in missed["error"]["message"]


def test_what_followed_a_remark_of_the_client_follows_it_again() -> None:
    changed = {"method": "notifications/tools/list_changed"}
    said: Said = [(">", {"method": "notifications/initialized"}), ("<", changed)]
    assert Seat(said).say({"method": "notifications/initialized"}) == [{"jsonrpc": "2.0", **changed}]


def test_a_subscription_hears_under_its_live_id_what_other_calls_brought_about() -> None:
    key = "io.modelcontextprotocol/subscriptionId"
    acknowledged = "notifications/subscriptions/acknowledged"
    changed = "notifications/tools/list_changed"
    said: Said = [
        (">", {"id": 1, "method": "subscriptions/listen", "params": {"notifications": {}}}),
        ("<", {"method": acknowledged, "params": {"_meta": {key: 1}}}),
        (">", call(2, "change")),
        ("<", text(2, "done")),
        ("<", {"method": changed, "params": {"_meta": {key: 1}}}),
    ]
    seat = Seat(said)
    listen = {"id": "L", "method": "subscriptions/listen", "params": {"notifications": {}}}
    assert seat.say(listen) == [{"jsonrpc": "2.0", "method": acknowledged, "params": {"_meta": {key: "L"}}}]
    answer, event = seat.say(call(3, "change"))
    assert answer["id"] == 3
    assert event == {"jsonrpc": "2.0", "method": changed, "params": {"_meta": {key: "L"}}}


def test_the_recorded_pace_is_kept_where_it_is_asked_for() -> None:
    said: Said = [(">", call(1, "a")), ("<", text(1, "A"))]
    seat = Seat(said, speed=1.0)
    assert seat.say(call(1, "a")) == []
    assert seat.wait(STEP_NS - 1) == []
    assert seat.wait(1)[0]["id"] == 1


def test_a_call_that_was_given_up_stays_silent_until_it_is_given_up_again() -> None:
    cancel = {"method": "notifications/cancelled", "params": {"requestId": 1}}
    seat = Seat([(">", call(1, "slow")), (">", cancel)])
    assert seat.say(call(1, "slow")) == []
    assert seat.say(cancel) == []
    assert seat.player.is_idle


def test_an_older_client_is_greeted_in_its_own_revision() -> None:
    said: Said = [
        (">", {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}),
        ("<", {"id": 1, "result": {"protocolVersion": "2025-11-25", "serverInfo": {"name": "s"}}}),
    ]
    live = {"id": 4, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}}
    (answer,) = Seat(said).say(live)
    assert answer["result"] == {"protocolVersion": "2025-03-26", "serverInfo": {"name": "s"}}


def test_several_recordings_are_one() -> None:
    first: Said = [(">", call(1, "a")), ("<", text(1, "A"))]
    second: Said = [(">", call(1, "b")), ("<", text(1, "B"))]
    seat = Seat(first, second)
    assert [seat.say(call(9, tool))[0]["result"]["content"][0]["text"] for tool in ("b", "a")] == ["B", "A"]


def test_an_answer_leaves_byte_for_byte_but_for_its_id() -> None:
    said: Said = [(">", call(1, "a")), ("<", {"id": 1, "result": {"big": 12345678901234567890123, "f": 1.0}})]
    seat = Seat(said)
    recorded = seat.tape.calls[0].answer
    assert recorded is not None
    seat.say(call("n", "a"))
    seat.player.hear(recorded, 0)  # an answer that nobody asked for changes nothing
    assert seat.out == []
    assert answer_for(seat.tape.calls[0].request, recorded) == recorded.raw
