"""A learned policy lets pass what it was learned from, and nothing of a table of calls like those."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpscope.engine.backtest import Trial
from mcpscope.engine.learned import Heard, learned
from mcpscope.engine.policy.load import load
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

C2S, S2C = Direction.TO_SERVER, Direction.TO_CLIENT


def request(method: str, params: Any, id: int = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()


def call(tool: str, arguments: Any, **more: Any) -> bytes:
    return request("tools/call", {"name": tool, "arguments": arguments, **more})


def write(more: dict[str, Any]) -> bytes:
    return call("write", {"path": "/srv/out", **more})


SEEN = [
    (C2S, request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}})),
    (C2S, request("tools/list", {})),
    *((C2S, call("search", {"query": f"the query number {n}", "limit": n})) for n in range(1, 21)),
    (C2S, call("read", {"path": "/srv/data/a.txt"})),
    (C2S, call("read", {"path": "/srv/data/b.txt", "head": 10})),
    (C2S, write({"mode": "new", "lines": ["a", "b"], "opts": {"sync": True}})),
    (C2S, write({"mode": "add", "lines": [], "opts": {"sync": True, "gap": 1.5}})),
    (C2S, call("now", {}, _meta={"progressToken": 5})),
    (C2S, request("tools/call", {"name": "now"})),
    (C2S, call("odd n\u0430me\U0001f600", {"k ey\"": "v\u2028\\"})),
    (C2S, request("resources/read", {"uri": "file:///srv/data/a.txt"})),
    (C2S, request("prompts/get", {"name": "greet", "arguments": {"who": "ann"}})),
    (C2S, request("custom/thing", {"deep": [[1], [2, 3]]})),
    (S2C, request("sampling/createMessage", {"messages": [], "maxTokens": 5})),
    (C2S, b'{"jsonrpc":"2.0","method":"notifications/initialized"}'),
]  # fmt: skip
UNSEEN = [
    (C2S, call("delete", {})),
    (C2S, call("Search", {"query": "the query number 1", "limit": 1})),
    (C2S, call("search", {"query": "the query number 1", "limit": 21})),
    (C2S, call("search", {"query": "the query number 1", "limit": 0})),
    (C2S, call("search", {"query": "the query number 1", "limit": 1.5})),
    (C2S, call("search", {"query": "the query number 1", "limit": "1"})),
    (C2S, call("search", {"query": "another query", "limit": 1})),
    (C2S, call("search", {"query": "the query number 1" + "0" * 9, "limit": 1})),
    (C2S, call("search", {"query": ["the query number 1"], "limit": 1})),
    (C2S, call("search", {"query": "the query number 1"})),
    (C2S, call("search", {})),
    (C2S, request("tools/call", {"name": "search"})),
    (C2S, call("search", {"query": "the query number 1", "limit": 1, "all": True})),
    (C2S, call("search", {"query": "the query number 1", "limit": None})),
    (C2S, call("read", {"path": "/srv/data/c.txt"})),
    (C2S, call("read", {"path": "/srv/data/../../etc/passwd"})),
    (C2S, call("read", {"path": "/srv/data/a.txt", "head": 11})),
    (C2S, call("read", {"head": 10})),
    (C2S, write({"mode": "new", "lines": ["a", "b", "a"], "opts": {"sync": True}})),
    (C2S, write({"mode": "new", "lines": ["c"], "opts": {"sync": True}})),
    (C2S, write({"mode": "new", "lines": "a", "opts": {"sync": True}})),
    (C2S, write({"mode": "old", "lines": [], "opts": {"sync": True}})),
    (C2S, write({"mode": "new", "lines": [], "opts": {"sync": False}})),
    (C2S, write({"mode": "new", "lines": [], "opts": {}})),
    (C2S, write({"mode": "new", "lines": [], "opts": {"sync": True, "gap": 9}})),
    (C2S, write({"mode": "new", "lines": [], "opts": {"sync": True, "x": 1}})),
    (C2S, call("now", {"zone": "utc"})),
    (C2S, call("now", {}, task={"ttl": 5})),
    (C2S, call("odd n\u0430me\U0001f600", {"k ey\"": "w"})),
    (C2S, call("odd name\U0001f600", {"k ey\"": "v\u2028\\"})),
    (C2S, request("resources/read", {"uri": "file:///srv/data/b.txt"})),
    (C2S, request("resources/subscribe", {"uri": "file:///srv/data/a.txt"})),
    (C2S, request("prompts/get", {"name": "leave", "arguments": {"who": "ann"}})),
    (C2S, request("prompts/get", {"name": "greet", "arguments": {"who": "bob"}})),
    (C2S, request("completion/complete", {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {}})),
    (C2S, request("custom/thing", {"deep": [[1], [2, 4]]})),
    (C2S, request("custom/other", {})),
    (S2C, request("elicitation/create", {})),
]  # fmt: skip


def policy_of(seen: list[tuple[Direction, bytes]]) -> str:
    session = [Heard(parse(raw), direction, at) for at, (direction, raw) in enumerate(seen, 1)]
    return learned(lambda: [session], "a test").text


def word(text: str, direction: Direction, raw: bytes) -> str:
    judged = Trial([load(text)]).judge(parse(raw), direction, 1)
    assert judged is not None
    return judged.word


def test_what_was_seen_passes() -> None:
    text = policy_of(SEEN)
    load(text)
    for direction, raw in SEEN:
        assert word(text, direction, raw) == "forwarded", (raw, text)
    assert "limit >= 1" in text and "limit <= 20" in text and "# 20 times" in text


@pytest.mark.parametrize(("direction", "raw"), UNSEEN)
def test_what_was_not_seen_does_not_pass(direction: Direction, raw: bytes) -> None:
    assert word(policy_of(SEEN), direction, raw) == "denied"


def test_nothing_seen_allows_nothing() -> None:
    assert word(policy_of([]), C2S, call("now", {})) == "denied"
    assert word(policy_of([]), C2S, request("tools/list", {})) == "forwarded"


def test_what_was_redacted_may_be_anything() -> None:
    text = policy_of([(C2S, call("login", {"password": "[redacted:ab12cd34]", "user": "ann"}))])
    assert word(text, C2S, call("login", {"password": "hunter2hunter2", "user": "ann"})) == "forwarded"
    assert word(text, C2S, call("login", {"password": "hunter2hunter2", "user": "bob"})) == "denied"


@pytest.mark.parametrize("odd", ["\0a", "\0\U00010000", "\U00010000"])
def test_what_no_rule_can_say_passes_again_for_what_it_is(odd: str) -> None:
    for arguments in ({"a": odd}, {"a": {odd: 1}}, {"a": [odd]}):
        text = policy_of([(C2S, call("t", arguments))])
        assert word(text, C2S, call("t", arguments)) == "forwarded", text
        assert word(text, C2S, call("t", {"a": 1})) == "denied"


def test_questions_inside_an_answer_are_learned_like_requests() -> None:
    entry = {"method": "elicitation/create", "params": {"message": "?"}}
    asks = {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"resultType": "input_required", "inputRequests": {"k": entry}},
    }
    text = policy_of([(C2S, call("t", {})), (S2C, json.dumps(asks).encode())])
    assert "the server's elicitation/create" in text


keys = st.text("ab \"'\\\\k\u0430.-0", max_size=3)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(st.sampled_from(["a", "b", "in"]), values, max_size=3)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(arguments, min_size=1, max_size=4))
def test_whatever_the_arguments_are_they_pass_again(found: list[dict[str, Any]]) -> None:
    seen = [(C2S, call("t", one)) for one in found]
    text = policy_of(seen)
    for direction, raw in seen:
        # What can be read in two ways passes no policy at all.
        assert word(text, direction, raw) in ("forwarded", "refused"), (raw, text)
