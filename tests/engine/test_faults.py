"""Conversations about trouble on purpose: what the client meets, what is recorded, and the seed."""

import json

import pytest

from mcpscope.engine.chance import Dice, Fault
from mcpscope.engine.commands import Close
from mcpscope.errors import ScopeError
from mcpscope.session.troubles import fault, read

from .talk import S2C, SECOND, Talk, as_json, call, result

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}


def troubled(text, **more):
    talk = Talk(**more)
    talk.steering.rules.add(read(text, "f"))
    return talk


@pytest.mark.parametrize("meta", [None, MODERN])
def test_an_error_a_rate_limit_and_an_empty_result_are_answers_as_of_a_server(meta):
    talk = troubled("tool:search error code=-32001 message=down")
    at = talk.client(call(1, "search", meta=meta))
    assert as_json(talk.to_client[-1])["error"] == {"code": -32001, "message": "down"}
    assert talk.last(at).detail["fault"] == "error"
    talk = troubled("tool:search empty")
    at = talk.client(call(2, "search", meta=meta))
    assert as_json(talk.to_client[-1])["result"]["content"] == []
    assert ("resultType" in as_json(talk.to_client[-1])["result"]) == (meta is not None)
    assert (talk.to_server, talk.last(at).detail["fault"], talk.last(at).rule) == ([], "empty", "f")
    talk = troubled("tool:search rate-limit 2/10s")
    for id in range(5):
        talk.client(call(id, "search", meta=meta))
    assert [as_json(raw)["id"] for raw in talk.to_server] == [0, 1]
    assert {as_json(raw)["error"]["code"] for raw in talk.to_client} == {-32000}
    talk.passes(11)
    talk.client(call(9, "search", meta=meta))
    assert as_json(talk.to_server[-1])["id"] == 9


def test_a_timeout_is_silence_on_either_leg():
    talk = troubled("tool:search timeout")
    at = talk.client(call(1, "search"))
    assert (talk.to_server, talk.to_client, talk.words(at)) == ([], [], ["dropped"])
    talk = troubled("tool:search timeout on=answer")
    talk.client(call(1, "search"))
    at = talk.server(result(1))
    assert (len(talk.to_server), talk.to_client, talk.words(at)) == (1, [], ["dropped"])


def test_a_disconnect_closes_the_channel_of_the_client():
    talk = troubled("tool:search disconnect")
    talk.closed = []
    run = talk.run
    talk.run = lambda event: talk.closed.extend(c for c in run(event) if isinstance(c, Close))
    talk.client(call(1, "search"), stream=4)
    assert [(c.direction, c.stream) for c in talk.closed] == [(S2C, 4)]
    assert talk.to_server == []


def test_a_delay_has_jitter_and_counts_as_a_fault():
    talk = troubled("tool:search delay 2s jitter=1s seed=3")
    at = talk.client(call(1, "search"))
    talk.passes(1.9)
    assert talk.to_server == []
    talk.passes(1.2)
    assert len(talk.to_server) == 1
    assert talk.words(at) == ["held", "forwarded"]
    assert 2 * SECOND <= talk.last(at).waited_ns <= 3 * SECOND
    assert talk.last(at).detail == {"fault": "delay"}


def test_truncated_and_corrupted_results_are_recorded_with_what_left():
    talk = troubled("tool:search truncate")
    talk.client(call(1, "search"))
    at = talk.server(result(1, "some text"))
    with pytest.raises(ValueError):
        json.loads(talk.to_client[-1])
    assert (talk.words(at), talk.last(at).sent) == (["edited"], talk.to_client[-1])
    talk = troubled("tool:search corrupt seed=5")
    talk.client(call(1, "search"))
    at = talk.server(result(1, "a text of some length", isError=False))
    said = as_json(talk.to_client[-1])
    assert said["id"] == 1
    assert said["result"]["content"][0]["type"] == "text"
    assert said["result"]["content"][0]["text"] != "a text of some length"
    assert talk.last(at).detail["fault"] == "corrupt"


def struck(seed, count=200):
    talk = troubled(f"tool:search empty probability=0.3 seed={seed}")
    for id in range(count):
        talk.client(call(id, "search"))
    return [as_json(raw)["id"] for raw in talk.to_client]


def test_the_same_seed_gives_the_same_run_and_another_another():
    first = struck(7)
    assert first == struck(7)
    assert first != struck(8)
    assert 30 <= len(first) <= 90


def test_after_n_and_once():
    talk = troubled("tool:search empty after=2 once")
    for id in range(6):
        talk.client(call(id, "search"))
    assert [as_json(raw)["id"] for raw in talk.to_client] == [2]
    assert [as_json(raw)["id"] for raw in talk.to_server] == [0, 1, 3, 4, 5]


def test_the_dice_are_splitmix64():
    dice = Dice(1234567)
    assert [dice.draw() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize(
    "text",
    [
        "tool:x",
        "tool:x delay",
        "tool:x delay soon",
        "tool:x rate-limit 5",
        "tool:x empty probability=2",
        "tool:x empty f=1",
    ],
)
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(ScopeError):
        read(text, "f")


def test_a_fault_of_a_control_call_says_the_same():
    given = {"match": "tool:x", "value": "2s", "jitter": "", "probability": 0.5, "seed": 3, "once": False}
    rule = fault("f", "delay", given)
    assert (rule.delay_ns, rule.fault) == (2 * SECOND, Fault(0.5, 3))


@pytest.mark.parametrize(
    "text",
    [
        "tool:x timeout 5s",
        "tool:x error jitter=1s",
        "tool:x empty code=5",
        "tool:x empty after=-1",
        "tool:x empty after=1.5",
        "tool:x empty seed=x",
        "tool:x empty once=maybe",
        "tool:x corrupt on=request",
        "tool:x empty seed=1 seed=2",
    ],
)
def test_what_would_mean_nothing_is_refused(text):
    with pytest.raises(ScopeError):
        read(text, "f")


def test_a_message_may_have_blanks_and_name_a_fault_and_a_seed_keeps_its_bits():
    rule = read("tool:x error message='read timeout' seed=12345678901234567", "f")
    assert (rule.message, rule.fault.seed) == ("read timeout", 12345678901234567)


def test_a_corrupted_result_is_never_the_same():
    for seed in range(20):
        talk = troubled(f"tool:search corrupt seed={seed}")
        talk.client(call(1, "search"))
        talk.server(result(1, "3"))
        assert as_json(talk.to_client[-1])["result"]["content"][0]["text"] in tuple("#?%~")
