"""The short way of calls is the long way: the same leaves, the same is remembered, whatever is said."""

from __future__ import annotations

import json
import random

import pytest

from mcpscope.engine.commands import Forward
from mcpscope.engine.decisions import Release
from mcpscope.engine.events import Received
from mcpscope.engine.plain_calls import MAX_BYTES, MAX_DONE, MAX_OPEN
from mcpscope.engine.steering import certain
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import CLIENT_INFO, PROTOCOL_VERSION, SERVER_INFO
from tests.policy.attacks import ATTACKS
from tests.session.oddities import ODD_LINES

from .talk import C2S, S2C, Talk, call, cancel, initialize, result

TOOLS = ("free", "open", "free", "held", "denied", "answers", "Denied ", "dеnied", "")
META = {PROTOCOL_VERSION: "2026-07-28", CLIENT_INFO: {"name": "c", "version": "1"}}
RESULTS = (
    {"content": []},
    {"content": [{"type": "image", "data": "x", "mimeType": "image/png"}]},
    {"isError": True, "content": []},
    {"resultType": "complete", "content": []},
    {"resultType": "input_required", "inputRequests": {"a": {"method": "elicitation/create", "params": {}}}},
    {"inputRequests": {"a": {"method": "elicitation/create", "params": {}}}},
    {"task": {"taskId": "t1", "status": "working"}},
    {"resultType": "task", "taskId": "t2", "status": "working"},
    {"_meta": {SERVER_INFO: {"name": "s", "version": "1"}}, "resultType": "complete"},
    {"_meta": {}},
    "text",
    None,
)


class Short(Talk):
    """A talk whose messages try the short way first, as a gate does; ``taken`` counts those that took it."""

    taken = 0

    def says(self, direction, body, *, stream=0):
        raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        calls = self.engine.plain_calls
        at = self.now()
        if (calls.asks if direction is C2S else calls.answers)(raw, at):
            self.taken += 1
            self.received.append(at)
            self.plain.add(at)
            self._leaves(direction, raw)
            return at
        self.at = at - 1000
        return super().says(direction, raw, stream=stream)


def state(talk):
    """What the engine remembers, with what orders entries told by its rank alone."""
    talk.engine.plain_calls.join()
    memory = talk.engine.memory
    found = json.loads(memory.exchanges.snapshot()["state"])
    del found["count"]
    numbers = sorted(entry[0][0] if isinstance(entry[0], list) else entry[0] for entry in found["entries"])
    ranks = {number: rank for rank, number in enumerate(numbers)}

    def ranked(value):
        if isinstance(value, list):
            return [ranked(item) for item in value]
        if isinstance(value, dict):
            return {name: ranked(item) for name, item in value.items()}
        return ("rank", ranks[value]) if type(value) is int and value in ranks else value

    for name in ("entries", "open", "done", "tokens"):
        found[name] = ranked(found[name])
    found["used"] = sorted(
        [str(where), sorted({*map(str, range(low, high + 1)), *map(str, others)})]
        for *where, (low, high, others) in found["used"]
    )
    asked = {id: message.raw for id, message in talk.engine.asked._messages.items()}
    return found, asked, memory.identity.facts, talk.steering._last_good


def differ(short, long):
    for name in ("to_server", "to_client", "told", "notes", "outcomes", "plain", "received", "held"):
        assert getattr(short, name) == getattr(long, name), name
    assert state(short) == state(long)


def pair(*, strict, **more):
    found = []
    for kind in (Short, Talk):
        talk = kind(**more)
        if strict:
            talk.steering.strict = certain
        talk.breakpoint("tool:held", name="held")
        talk.breakpoint("tool:answers", on="answer", name="answers")
        talk.breakpoint("method:elicitation/create", name="questions")
        talk.rule("deny", "tool:denied", name="denied")
        found.append(talk)
    return found


def said(rng, ids):
    """A message: its direction and body."""
    id = rng.choice([*ids[-4:], len(ids) + 1, len(ids) + 1, len(ids) + 1, str(len(ids)), 1.0, None])
    odds = rng.random()
    if odds < 0.4:
        ids.append(id)
        meta = rng.choice([None, None, META, META, {**META, "progressToken": id}, {"x": 1}, {CLIENT_INFO: 1}])
        body = call(
            id, rng.choice(TOOLS), meta, text=rng.choice(["a", "b ", "\\", "é", [{"id": 1}, {"id": 2}]])
        )
        if rng.random() < 0.1:
            body["params"] |= rng.choice(
                [{"task": {}}, {"requestState": "s"}, {"Name": "x"}, {"arguments": 1}]
            )
        if rng.random() < 0.05:
            body = {**body, "method": rng.choice(["prompts/get", "tools/list", "x", "ping"])}
        return C2S, body
    if odds < 0.8 and ids:
        asked = rng.choice(ids[-6:])
        if rng.random() < 0.1:
            return S2C, {"jsonrpc": "2.0", "id": asked, "error": {"code": 1, "message": "no"}}
        return S2C, {
            "jsonrpc": "2.0",
            "id": asked,
            "result": rng.choice(RESULTS[: rng.choice([1, 2, 4, 20])]),
        }
    if odds < 0.85 and ids:
        return C2S, cancel(rng.choice(ids[-4:]))
    if odds < 0.9 and ids:
        params = {"progressToken": rng.choice(ids[-4:]), "progress": 1}
        return S2C, {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
    if odds < 0.93:
        return S2C, {"jsonrpc": "2.0", "id": rng.choice([*ids[-2:], 0]), "method": "ping"}
    if odds < 0.95:
        return rng.choice([(C2S, initialize("other", id)), (S2C, rng.choice(ODD_LINES))])
    return C2S, rng.choice([*ODD_LINES, *(attack.body for attack in ATTACKS)])


def steer(rng, talk):
    """Something that a person or an option changes."""
    change = rng.randrange(9)
    steering = talk.steering
    if change == 0 and talk.held:
        talk.decide(Release(stop_at=rng.choice(["", "", "answer", "any"]), confirmed=True), talk.held[0])
    elif change == 1:
        (steering.attach if rng.random() < 0.7 else steering.detach)("ui")
    elif change == 2:
        talk.breakpoint(rng.choice(["tool:free", "result.isError:true", "tool:o*"]), on="both", name="new")
    elif change == 3:
        steering.rules.remove("new")
    elif change == 4:
        steering.strict = rng.choice([None, certain, certain])
    elif change == 5:
        talk.rule("deny", rng.choice(["tool:free args.text:a", "kind:response text:image"]), name="law")
    elif change == 6:
        steering.rules.remove("law")
    elif change == 7:
        talk.passes(rng.choice([0.1, 400]))
    else:
        talk.inject(C2S, call(f"mine{talk.at}", "free"))


@pytest.mark.parametrize("seed", range(12))
def test_the_short_way_is_the_long_way(seed):
    short, long = pair(strict=seed % 2 == 1)
    rng, ids = random.Random(seed), []
    busy = rng.choice([0.02, 0.2])
    for _ in range(250):
        if rng.random() < busy:
            chosen = rng.random()
            for talk in (short, long):
                steer(random.Random(chosen), talk)
            continue
        direction, body = said(rng, ids)
        for talk in (short, long):
            talk.says(direction, body)
        if rng.random() < 0.01:
            differ(short, long)
    differ(short, long)


def test_calls_and_their_answers_take_it_and_their_neighbours_do_not():
    talk, _ = pair(strict=True)
    talk.client(call(1, "free"))
    talk.server(result(1))
    assert talk.taken == 2
    talk.client(call(2, "held"))
    talk.client(call(3, "denied"))
    assert talk.taken == 2
    talk.client(call(4, "free"))  # beside the hold
    talk.server(result(4))
    assert talk.taken == 4
    assert len(talk.held) == 1


def test_much_is_remembered_as_on_the_long_way():
    short, long = pair(strict=False)
    for talk in (short, long):
        for id in range(1000):
            talk.client(call(id, "free"))
            talk.server(result(id))
        talk.server(result(999))
        talk.client(call(3, "free"))
        talk.client(cancel(3))
    assert short.taken >= 2000
    differ(short, long)


def test_what_is_kept_is_bounded():
    short, _ = pair(strict=True)
    for id in range(5 * MAX_OPEN):
        short.client(call(id, "free"))
    calls = short.engine.plain_calls
    assert len(calls._asked) <= MAX_OPEN
    for id in range(5 * MAX_OPEN, 6 * MAX_OPEN):
        short.client(call(id, "free"))
        short.server(result(id))
    assert len(calls._done) <= MAX_DONE
    before = short.taken
    short.client(call("long", "free", text="x" * MAX_BYTES))
    assert short.taken == before


def test_no_odd_line_takes_it_that_the_long_way_would_not_forward():
    for raw in (*ODD_LINES, *(attack.body for attack in ATTACKS)):
        for strict in (False, True):
            short, long = pair(strict=strict)
            for talk in (short, long):
                talk.rule("deny", "tool:forbidden", name="forbidden")
                talk.rule("deny", "args.path:/etc/*", name="files")
            if short.engine.plain_calls.asks(raw, short.now()):
                (only,) = long.run(Received(C2S, parse(raw), long.now()))
                assert type(only) is Forward
                assert only.plain
                assert only.message.raw == raw


@pytest.mark.parametrize(
    "told",
    [
        {"resultType": "input_required", "inputRequests": {}},
        {"inputRequests": {}},
        {"resultType": "task", "taskId": "t"},
        {"task": {"taskId": "t"}},
        {"_meta": {SERVER_INFO: {"name": "another"}}},
        "text",
        None,
    ],
)
def test_answers_that_tell_more_than_a_result_do_not_take_it(told):
    talk, _ = pair(strict=False)
    talk.client(call(1, "free"))
    talk.server({"jsonrpc": "2.0", "id": 1, "result": told})
    assert talk.taken == 1


@pytest.mark.parametrize(
    "more", [{"arguments": 1}, {"task": {}}, {"requestState": "s"}, {"inputResponses": {}}, {"Name": 1}]
)
def test_calls_with_more_than_arguments_do_not_take_it(more):
    talk, _ = pair(strict=False)
    body = call(1, "free")
    talk.client({**body, "params": {**body["params"], **more}})
    assert talk.taken == 0


@pytest.mark.parametrize("tool", ["delete_a11", "delete_all", "other "])
def test_what_may_be_taken_for_a_ruled_name_does_not_take_it(tool):
    talk, _ = pair(strict=True)
    talk.rule("deny", "tool:delete_all", name="law")
    at = talk.client(call(1, tool))
    assert talk.taken == 0
    assert (at in talk.plain) == (tool == "other ")


def test_a_client_that_says_who_it_is_is_known_before_its_call_leaves():
    talk, _ = pair(strict=False)
    for id, taken in ((1, 0), (2, 1)):
        talk.client(call(id, "free", META))
        assert talk.taken == taken
        assert talk.engine.memory.identity.facts.client_name == "c"


def test_an_answer_is_judged_by_the_rules_of_its_own_time():
    talk, _ = pair(strict=True)
    talk.client(call(1, "free"))
    talk.rule("deny", "tool:free kind:response", name="law")
    at = talk.server(result(1))
    assert talk.words(at) == ["denied"]


@pytest.mark.parametrize("guards", [False, True])
def test_an_answer_that_has_two_readings_passes_only_where_nothing_guards_the_client(guards):
    talk, _ = pair(strict=True)
    if guards:
        talk.rule("deny", "tool:x kind:response", name="law")
    talk.client(call(1, "free"))
    talk.server(b'{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}')
    assert talk.taken == (1 if guards else 2)
