"""The demo's server and client, played in virtual time: no process, no waiting."""

import orjson
import pytest

from mcpscope.demo.theatre import play


@pytest.mark.parametrize("modern", [False, True])
def test_the_tour_ends_and_shows_each_feature_once(modern: bool) -> None:
    theatre = play("tour", modern=modern, seed=1)
    said = b"".join(found.line for found in theatre.said)
    wanted = [
        b"sampling/createMessage",
        b"elicitation/create",
        b"tools/list_changed",
        b"notifications/cancelled",
    ]
    if modern:
        wanted += [b"input_required", b"requestState", b"subscriptions/listen", b"2026-07-28"]
    else:
        wanted += [
            b"initialize",
            b"image/png",
            b"isError",
            b"notifications/progress",
            b"-32002",
            b"DEBUG 0 dup",
        ]
    assert theatre.ended
    assert [word for word in wanted if word not in said] == []


def test_a_cancelled_request_is_answered_late_and_one_answer_is_very_long() -> None:
    lines = [found for found in play("tour", modern=False, seed=1).said if found.line.startswith(b"{")]
    parsed = [(found.who, orjson.loads(found.line)) for found in lines]
    at, hung = next(
        (at, message["params"]["requestId"])
        for at, (_, message) in enumerate(parsed)
        if message.get("method") == "notifications/cancelled"
    )
    late = [at for at, (who, message) in enumerate(parsed) if who == "server" and message.get("id") == hung]
    assert [answer > at for answer in late if "result" in parsed[answer][1]] == [True]
    assert max(len(found.line) for found in lines) > 1_500_000


def test_the_picture_is_a_png() -> None:
    said = b"".join(found.line for found in play("tour", modern=False, seed=1).said)
    assert b'"data":"iVBORw0KGgo' in said


def test_the_same_seed_says_the_same_bytes_at_the_same_times() -> None:
    assert play("tour", modern=False, seed=3).said == play("tour", modern=False, seed=3).said


def test_a_load_keeps_its_rate_and_ends_by_itself() -> None:
    theatre = play("load", modern=False, seed=1, rate=200.0, seconds=2.0)
    calls = [found for found in theatre.said if found.who == "client" and b"tools/call" in found.line]
    assert theatre.ended
    assert len(calls) == 400
    assert 1.9 < theatre.now < 3.0
