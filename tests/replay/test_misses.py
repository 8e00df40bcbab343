"""What a stand-in says of a request that was not recorded: the nearest recorded call, and the real reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.replay.tapes import Seat, call, text

LONG = (
    "the quick brown fox jumps over the lazy dog and runs away from it as fast as it can, over hill and dale"
)
ASK = {"method": "elicitation/create", "params": {"message": "Which colour?"}}

BASE: list[tuple[str, dict[str, Any]]] = [
    (">", {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}),
    ("<", {"id": 1, "result": {"protocolVersion": "2025-11-25", "capabilities": {}}}),
    (">", {"id": 2, "method": "tools/list"}),
    ("<", {"id": 2, "result": {"tools": [], "nextCursor": "page-2"}}),
    (">", call(3, "search", query="whales", limit=10, deep={"tags": ["a", "b"]})),
    ("<", text(3, "many")),
    (">", call(4, "search", query="dogs", limit=10)),
    ("<", text(4, "few")),
    (">", call(5, "write", path="/tmp/a", body=LONG)),
    ("<", text(5, "written")),
    (">", call(6, "count")),
    ("<", text(6, "1")),
    (">", call(7, "hang", seconds=9)),
    (">", {"id": 8, "method": "resources/read", "params": {"uri": "file:///docs/readme.md"}}),
    ("<", {"id": 8, "result": {"contents": []}}),
    (">", {"id": 9, "method": "prompts/get", "params": {"name": "greet", "arguments": {"who": "Ada"}}}),
    ("<", {"id": 9, "result": {"messages": []}}),
    (">", call(10, "paint")),
    ("<", {"id": 50, **ASK}),
    (">", {"id": 50, "result": {"action": "accept", "content": {"colour": "green"}}}),
    ("<", text(10, "painted green")),
    (">", call(11, "login", user="ada", password="[masked 1]")),
    ("<", text(11, "welcome")),
    (
        ">",
        {
            "id": 12,
            "method": "completion/complete",
            "params": {
                "ref": {"type": "ref/prompt", "name": "greet"},
                "argument": {"name": "who", "value": "A"},
            },
        },
    ),
    ("<", {"id": 12, "result": {"completion": {"values": ["Ada"]}}}),
]

MISSES: list[tuple[str, dict[str, Any], str]] = [
    (
        "another value",
        call(1, "search", query="dogs", limit=20),
        "not recorded; the nearest, call #7 of search in base, differs: arguments.limit was 10 and is 20",
    ),
    (
        "an argument more",
        call(1, "search", query="dogs", limit=10, fast=True),
        "call #7 of search in base, differs: arguments.fast is new: true",
    ),
    (
        "an argument less",
        call(1, "search", query="dogs"),
        "call #7 of search in base, differs: arguments.limit was 10 and is missing",
    ),
    (
        "another type",
        call(1, "search", query="dogs", limit="10"),
        'differs: arguments.limit was the number 10 and is the string "10"',
    ),
    (
        "another case",
        call(1, "search", query="Dogs", limit=10),
        'call #7 of search in base, differs: arguments.query was "dogs" and is "Dogs"',
    ),
    (
        "an item deep inside",
        call(1, "search", query="whales", limit=10, deep={"tags": ["a", "c"]}),
        'call #5 of search in base, differs: arguments.deep.tags[1] was "b" and is "c"',
    ),
    (
        "an item more",
        call(1, "search", query="whales", limit=10, deep={"tags": ["a", "b", "c"]}),
        'call #5 of search in base, differs: arguments.deep.tags[2] is new: "c"',
    ),
    (
        "the end of a long text",
        call(1, "write", path="/tmp/a", body=LONG.replace("hill and dale", "hill and vale")),
        "call #9 of write in base, differs: arguments.body was ",
    ),
    (
        "no arguments where there were some",
        call(1, "write"),
        "call #9 of write in base, differs: arguments was {",
    ),
    (
        "arguments where there were none",
        call(1, "count", to=3),
        'call #11 of count in base, differs: arguments is new: {"to": 3}',
    ),
    (
        "a tool whose name is misspelt",
        call(1, "serch", query="dogs", limit=10),
        'call #7 of search in base, differs: name was "search" and is "serch"; '
        "no call of the tool serch was recorded "
        "(there are: search ×2, write ×1, count ×1, hang ×1, paint ×1, login ×1)",
    ),
    (
        "a request that was never answered",
        call(1, "hang", seconds=9),
        "call #13 of hang in base, is the same, but was never answered",
    ),
    (
        "a method that nobody said",
        {"id": 1, "method": "resources/list"},
        "not recorded; nobody asked for resources/list in base, but for: tools/call ×7, initialize ×1",
    ),
    (
        "a page that was not asked for",
        {"id": 1, "method": "tools/list", "params": {"cursor": "page-2"}},
        'tools/list #3 in base, differs: cursor is new: "page-2"',
    ),
    (
        "another resource",
        {"id": 1, "method": "resources/read", "params": {"uri": "file:///docs/license.md"}},
        "call #14 of file:///docs/readme.md in base, differs: uri was",
    ),
    (
        "another prompt",
        {"id": 1, "method": "prompts/get", "params": {"name": "meet", "arguments": {"who": "Ada"}}},
        'name was "greet" and is "meet"; no call of the prompt meet was recorded (there are: greet ×1)',
    ),
    (
        "another argument of a prompt",
        {"id": 1, "method": "prompts/get", "params": {"name": "greet", "arguments": {"who": "Bob"}}},
        'call #16 of greet in base, differs: arguments.who was "Ada" and is "Bob"',
    ),
    (
        "another user behind a masked password",
        call(1, "login", user="bob", password="secret"),
        'call #22 of login in base, differs: arguments.user was "ada" and is "bob"',
    ),
    (
        "another beginning to complete",
        {
            "id": 1,
            "method": "completion/complete",
            "params": {
                "ref": {"type": "ref/prompt", "name": "greet"},
                "argument": {"name": "who", "value": "B"},
            },
        },
        'completion/complete #24 in base, differs: argument.value was "A" and is "B"',
    ),
    (
        "many differences",
        call(1, "search", query="cats", limit=[1], deep={"tags": {}}, more=None, fast=1, wild=2),
        ", and ",
    ),
]


@pytest.mark.parametrize(("live", "expected"), [row[1:] for row in MISSES], ids=[row[0] for row in MISSES])
def test_a_miss_names_the_nearest_call_and_the_reason(live: dict[str, Any], expected: str) -> None:
    (answer,) = Seat(BASE).say(live)
    assert expected in answer["error"]["message"]
    assert (answer["error"]["code"], answer["error"]["data"]["source"]) == (4037, "mcpscope")


def test_a_call_that_was_played_as_often_as_recorded_says_so_where_nothing_repeats() -> None:
    seat = Seat(BASE, repeats=False)
    assert "result" in seat.say(call(1, "count"))[0]
    (answer,) = seat.say(call(2, "count"))
    nearest, why = (
        "the nearest, call #11 of count in base",
        "is the same, but was already played 1 of 1 times",
    )
    assert answer["error"]["message"] == f"not recorded; {nearest}, {why}"


def test_a_person_who_answers_otherwise_gets_no_answer_that_was_given_to_another() -> None:
    seat = Seat(BASE)
    (question,) = seat.say(call(1, "paint"))
    (answer,) = seat.say({"id": question["id"], "result": {"action": "decline"}})
    assert answer["id"] == 1
    assert answer["error"]["message"] == (
        "call #18 of paint in base goes on otherwise: the recorded client answered elicitation/create with "
        '{"action": "accept", "content": {"colour": "green"}}, this one with {"action": "decline"}'
    )


def test_a_masked_value_stands_for_any_secret() -> None:
    assert Seat(BASE).say(call(1, "login", user="ada", password="secret"))[0]["result"]["content"]
