"""A large message read at its surface gives the same exchange as one that was read whole."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.engine.exchange import Exchange
from mcpscope.engine.exchanges import Exchanges
from mcpscope.protocol.message import Direction, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.surface import LARGE_CALL_BYTES, read

LONG = 'a long text, \\ " \n é 漢 😀 ' * 600
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "echo", "arguments": {}}}


def spelled(value: Any, *, ascii: bool = False, compact: bool = True) -> bytes:
    separators = (",", ":") if compact else None
    return json.dumps(value, ensure_ascii=ascii, separators=separators).encode()


def columns(exchange: Exchange) -> dict[str, Any]:
    return {field.name: getattr(exchange, field.name) for field in fields(exchange)}


def as_rows(*messages: tuple[Direction, Message]) -> list[dict[str, Any]]:
    exchanges = Exchanges()
    rows: dict[int, Exchange] = {}
    for seq, (direction, message) in enumerate(messages, 1):
        for changed in exchanges.observe(message, seq=seq, at=seq, direction=direction):
            rows[changed.id] = changed
    return [columns(row) for row in rows.values()]


def assert_alike(call: bytes, result: bytes) -> None:
    rows = []
    for reader in (parse, read):
        asked, told = reader(call), reader(result)
        rows.append(as_rows((Direction.TO_SERVER, asked), (Direction.TO_CLIENT, told)))
    assert rows[0] == rows[1]
    for raw in (call, result):
        whole, surface = parse(raw), read(raw)
        for name in ("raw", "kind", "method", "id", "has_id", "items", "problems"):
            assert getattr(whole, name) == getattr(surface, name), name


DATA = st.just("QUJD" * 2000)

small = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
large = st.sampled_from(
    [LONG, [1, "two"] * 900, {str(n): n for n in range(900)}, [{"id": 1, "name": "x"}] * 400]
)
value = small | large
block = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.just(LONG) | st.text(max_size=80)}),
    st.fixed_dictionaries({"type": st.just("image"), "data": DATA, "mimeType": st.just("image/png")}),
    st.fixed_dictionaries({"type": st.just("audio"), "data": DATA}),
    st.fixed_dictionaries({"type": st.just("resource_link"), "uri": st.text(max_size=20)}),
    st.fixed_dictionaries(
        {
            "type": st.just("resource"),
            "resource": st.fixed_dictionaries({"uri": st.text(max_size=9), "blob": DATA})
            | st.fixed_dictionaries({"uri": st.text(max_size=9), "text": st.just(LONG)}),
        }
    ),
    small,
)
results = st.fixed_dictionaries(
    {"content": st.lists(block, max_size=4)},
    optional={
        "isError": st.booleans(),
        "structuredContent": value,
        "contents": value,
        "messages": value,
        "tools": value,
        "task": value,
        "resultType": st.sampled_from(["complete", "input_required", "task"]),
        "inputRequests": value,
        "padding": value,
        "_meta": small,
    },
)


@settings(max_examples=150, deadline=None)
@given(
    arguments=st.dictionaries(st.text(max_size=8), value, max_size=4) | value,
    result=results | value,
    id=st.integers(-5, 2**70) | st.text(max_size=6) | st.just(1.0),
    method=st.sampled_from(["tools/call", "prompts/get", "resources/read", "sampling/createMessage"]),
    modern=st.booleans(),
    spelling=st.fixed_dictionaries({"ascii": st.booleans(), "compact": st.booleans()}),
)
def test_the_exchange_is_the_same(
    arguments: Any, result: Any, id: Any, method: str, modern: bool, spelling: dict[str, bool]
) -> None:
    params: dict[str, Any] = {"name": "echo", "arguments": arguments}
    if modern:
        params["_meta"] = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": 4}
    call = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    answer = {"jsonrpc": "2.0", "id": id, "result": result}
    assert_alike(spelled(call, **spelling), spelled(answer, **spelling))


@pytest.mark.parametrize(
    "raw",
    [
        spelled({**CALL, "params": {"name": "echo", "arguments": {"text": LONG}}}).replace(b",", b",\r", 1),
        spelled({**CALL, "params": {"name": "echo", "arguments": {"text": LONG}}}).replace(
            "é".encode(), b"\xff"
        ),
        spelled({**CALL, "params": {"name": "echo", "arguments": {"text": LONG}}, "Method": "ping"}),
        spelled({**CALL, "params": {"name": "echo", "Name": "x", "arguments": {"text": LONG}}}),
        spelled({**CALL, "params": {"name": "echo", "arguments": {"text": LONG}}})[:-1] + b',"id":7}',
        spelled({**CALL, "params": {"name": "echo", "arguments": {"text": LONG}}})[:-2] + b',"name":"x"}}',
        spelled({**CALL, "params": {"name": "echo", "arguments": {"text": LONG}}})[:-2]
        + b',"arguments":{}}}',
        spelled({**CALL, "params": [LONG]}),
        spelled({**CALL, "id": None, "params": {"name": "echo", "arguments": {"text": LONG}}}),
        spelled({**CALL, "jsonrpc": "1.0", "params": {"name": "echo", "arguments": {"text": LONG}}}),
        spelled({**CALL, "result": {"content": [LONG]}}),
        spelled({"jsonrpc": "2.0", "id": 7, "result": {"tools": [{"name": "x", "description": LONG}]}}),
        spelled({"jsonrpc": "2.0", "id": 7, "error": {"code": -1, "message": LONG}}),
        spelled({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": LONG}}),
        spelled([{**CALL, "params": {"name": LONG}}]),
        b"[" * 5000 + b"]" * 5000,
        spelled({"jsonrpc": "2.0", "id": 7, "result": {"content": [LONG]}})[:-9],
        spelled({"jsonrpc": "2.0", "id": 7, "result": {"x": "\ud800" * 5000}}, ascii=True),
        spelled({"jsonrpc": "2.0", "id": 7, "result": {"x": [float("inf")] * 5000}}),
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_is_not_plain_is_read_whole(raw: bytes) -> None:
    assert len(raw) >= LARGE_CALL_BYTES
    assert read(raw) == parse(raw)


def test_a_name_that_stands_twice_is_seen_in_a_call_of_any_size() -> None:
    call = {**CALL, "params": {"name": "echo", "arguments": {"text": LONG * 9, "name": "inside", "id": 3}}}
    raw = spelled(call)
    assert read(raw).problems == ()
    assert read(raw).body["params"]["arguments"] != call["params"]["arguments"]  # type: ignore[index]
    assert parse(raw[:-1] + b',"id":7}').problems == read(raw[:-1] + b',"id":7}').problems
