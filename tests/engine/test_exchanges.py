"""The conversations of ``fixtures`` give the exchanges they say, whole and interrupted at every message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.engine.exchange import Status
from mcpscope.engine.exchanges import Exchanges
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from tests.engine.conversations import Conversation, Ended, Listened, Said, conversations, hear, told

ALL = conversations()


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.file}: {one.title}")
def test_a_conversation_gives_its_exchanges(one: Conversation) -> None:
    found = told(hear(Exchanges(), one.steps, Listened()))
    lines = {
        id: {name: value for name, value in fields.items() if name in one.expected.get(id, fields)}
        | {"flags": fields["flags"], "messages": fields["messages"]}
        for id, fields in found.items()
    }
    wanted = {id: {"flags": "", "messages": str(id)} | fields for id, fields in sorted(one.expected.items())}
    assert lines == wanted


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.file}: {one.title}")
def test_a_snapshot_at_any_point_changes_nothing(one: Conversation) -> None:
    whole = told(hear(Exchanges(), one.steps, Listened()))
    for at in range(len(one.steps)):
        heard = Listened()
        before, after = Exchanges(), Exchanges()
        hear(before, one.steps[:at], heard)
        after.restore(json.loads(json.dumps(before.snapshot())))
        assert told(hear(after, one.steps[at:], heard)) == whole, at


_IDS = st.sampled_from(["1", "2", '"1"', '"2"', "1.0", "null", "true", "9007199254740993", "1.5", '"a"'])
_METHODS = st.sampled_from(
    ["ping", "tools/call", "sampling/createMessage", "tasks/get", "tasks/result", "subscriptions/listen"]
)
_PARAMS = st.sampled_from(
    [
        "{}",
        '{"_meta":{"progressToken":1}}',
        '{"_meta":{"progressToken":"1","io.modelcontextprotocol/protocolVersion":"2026-07-28"}}',
        '{"name":"t","requestState":"s","inputResponses":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}}',
        '{"taskId":"t1"}',
    ]
)
_RESULTS = st.sampled_from(
    [
        '"result":{}',
        '"result":{"isError":true}',
        '"error":{"code":-32601,"message":"no"}',
        '"result":{"resultType":"input_required","requestState":"s","inputRequests":{}}',
        '"result":{"resultType":"task","taskId":"t1","status":"working"}',
        '"result":{"status":"completed","taskId":"t1","result":{}}',
    ]
)
_MESSAGES = st.one_of(
    st.builds('{{"jsonrpc":"2.0","id":{},"method":"{}","params":{}}}'.format, _IDS, _METHODS, _PARAMS),
    st.builds('{{"jsonrpc":"2.0","id":{},{}}}'.format, _IDS, _RESULTS),
    st.builds('{{"jsonrpc":"2.0",{}}}'.format, _RESULTS),
    st.builds(
        '{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}'.format, _IDS
    ),
    st.builds(
        '{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{},"progress":1}}}}'.format,
        _IDS,
    ),
    st.builds(
        '{{"jsonrpc":"2.0","method":"notifications/x","params":{{"_meta":'
        '{{"io.modelcontextprotocol/subscriptionId":{}}}}}}}'.format,
        _IDS,
    ),
    st.sampled_from(["not json", "[]", "{}", '[{"jsonrpc":"2.0","id":1,"method":"ping"},7]']),
)
_BATCHES = st.lists(_MESSAGES, min_size=1, max_size=4).map(lambda parts: f"[{','.join(parts)}]")
_STEPS = st.lists(
    st.tuples(st.sampled_from(Direction), st.one_of(_MESSAGES, _MESSAGES, _BATCHES), st.integers(0, 2)),
    max_size=30,
)


def _steps(drawn: list[tuple[Direction, str, int]]) -> list[Said | Ended]:
    said: list[Said | Ended] = [
        Said(seq, seq, way, text.encode(), stream, "session" if stream == 2 else "")
        for seq, (way, text, stream) in enumerate(drawn, 1)
    ]
    return [*said, Ended(len(said) + 1, 1, True), Ended(len(said) + 2)]


@settings(max_examples=200, deadline=None)
@given(_STEPS, st.data())
def test_no_message_is_lost_and_none_belongs_twice(
    drawn: list[tuple[Direction, str, int]], data: st.DataObject
) -> None:
    steps = _steps(drawn)
    heard = hear(Exchanges(), steps, Listened())
    assert list(heard.owners) == [step.seq for step in steps if isinstance(step, Said)]
    assert set(heard.owners.values()) == set(heard.exchanges)
    assert not any(exchange.is_open for exchange in heard.exchanges.values())
    for exchange in heard.exchanges.values():
        assert exchange.dir == steps[exchange.id - 1].direction
    cut = data.draw(st.integers(0, len(steps)))
    parts = Listened()
    before, after = Exchanges(), Exchanges()
    hear(before, steps[:cut], parts)
    after.restore(before.snapshot())
    assert told(hear(after, steps[cut:], parts)) == told(heard)


def test_an_exchange_decided_by_the_gate_keeps_its_status() -> None:
    memory = Exchanges()
    call = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}')
    (exchange,) = memory.observe(call, seq=1, at=0, direction=Direction.TO_SERVER)
    memory.decided(1, 1, Status.HELD, "bp")
    assert (exchange.status, exchange.flags) == (Status.HELD, "bp")
    memory.decided(1, 2, Status.DENIED, "rule:x")
    answer = parse(b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}')
    memory.observe(answer, seq=2, at=3, direction=Direction.TO_CLIENT)
    assert (exchange.status, exchange.flags, exchange.answer_id) == (Status.DENIED, "bp rule:x", 2)


@pytest.mark.parametrize(
    ("answer", "status"), [(b'{"content":[]}', Status.OK), (b'{"isError":true}', Status.TOOL_ERROR)]
)
def test_an_answer_that_was_held_or_edited_has_been_answered(answer: bytes, status: Status) -> None:
    memory = Exchanges()
    call = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}')
    memory.observe(call, seq=1, at=0, direction=Direction.TO_SERVER)
    memory.observe(
        parse(b'{"jsonrpc":"2.0","id":1,"result":%b}' % answer), seq=2, at=3, direction=Direction.TO_CLIENT
    )
    memory.decided(1, 4, Status.HELD, "bp")
    after = Exchanges()
    after.restore(json.loads(json.dumps(memory.snapshot())))
    found = after.decided(1, 5, Status.WAITING, "edited")
    assert found is not None and (found.status, found.ended_at) == (status, 3)
    found = after.decided(1, 6, Status.WAITING)
    assert found is not None and found.status is status


def test_too_many_open_requests_give_up_the_oldest() -> None:
    memory = Exchanges(summaries=False)
    for seq in range(1, 8194):
        ping = parse(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}' % seq)
        changed = memory.observe(ping, seq=seq, at=seq, direction=Direction.TO_SERVER)
    assert [(exchange.id, exchange.status, exchange.flags) for exchange in changed] == [
        (8193, "waiting", ""),
        (1, "lost", "expired"),
    ]
