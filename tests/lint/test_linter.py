"""Each kind of finding, planted in a conversation that has nothing else wrong with it."""

# ruff: noqa: E501 (a line is a conversation)

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.lint.linter import Linter
from mcpscope.lint.rules import RULES
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

C, S = Direction.TO_SERVER, Direction.TO_CLIENT
Line = tuple[Direction, Any]

EXPECTATIONS = {"missing-call", "forbidden-call", "slow-call"}  # of the command, not of the linter
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def ask(id: Any, method: str, **params: Any) -> Line:
    return C, {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def answer(id: Any, **result: Any) -> Line:
    return S, {"jsonrpc": "2.0", "id": id, "result": result}


def tell(method: str, direction: Direction = S, **params: Any) -> Line:
    return direction, {"jsonrpc": "2.0", "method": method, "params": params}


def hello(revision: str = "2025-11-25", **server: Any) -> list[Line]:
    able = server or {"tools": {}, "resources": {}, "prompts": {}, "logging": {}}
    return [
        ask(
            1,
            "initialize",
            protocolVersion=revision,
            capabilities={},
            clientInfo={"name": "c", "version": "1"},
        ),
        answer(1, protocolVersion=revision, capabilities=able, serverInfo={"name": "s", "version": "1"}),
        tell("notifications/initialized", C),
    ]


ECHO = {
    "name": "echo",
    "description": "Says it again.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "annotations": {"readOnlyHint": True},
}
SUM = {
    "name": "sum",
    "description": "Adds.",
    "inputSchema": {"type": "object", "properties": {}},
    "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
}
TEXT = [{"type": "text", "text": "a"}]


def listed(*tools: dict[str, Any]) -> list[Line]:
    return [ask(2, "tools/list"), answer(2, tools=list(tools))]


def changed(**members: Any) -> list[Line]:
    return [*hello(), *listed({**ECHO, **members})]


def schema(**members: Any) -> list[Line]:
    return changed(inputSchema={"type": "object", **members})


def called(id: int = 3, tool: str = "echo", **params: Any) -> Line:
    return ask(id, "tools/call", name=tool, arguments={"text": "a"}, **params)


CLEAN = [*hello(), *listed(ECHO, SUM), called(), answer(3, content=TEXT)]
PLANTED: list[tuple[str, str, list[Line]]] = [
    ("not-json", "server", [*CLEAN, (S, b"Server listening on port 3000")]),
    ("not-json", "server", [*CLEAN, (S, b"42")]),
    ("bad-json", "client", [*CLEAN, (C, b'{"jsonrpc":"2.0","id":9,"id":9,"method":"ping"}'), answer(9)]),
    ("bad-json", "server", [*CLEAN, (S, b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":NaN}}')]),
    ("bad-json", "server", [*CLEAN, (S, b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"\xff"}}')]),
    ("bad-json", "client", [*CLEAN, (C, b'\xef\xbb\xbf{"jsonrpc":"2.0","id":9,"method":"ping"}'), answer(9)]),
    ("bad-envelope", "client", [*CLEAN, (C, {"jsonrpc": "1.0", "id": 9, "method": "ping"}), answer(9)]),
    ("bad-envelope", "client", [*CLEAN, (C, {"jsonrpc": "2.0", "id": 9, "method": "ping", "params": []}), answer(9)]),
    ("null-id", "client", [*CLEAN, (C, {"jsonrpc": "2.0", "id": None, "method": "ping"})]),
    ("batch", "client", [*CLEAN, (C, [{"jsonrpc": "2.0", "id": 9, "method": "ping"}]), answer(9)]),
    ("wrong-direction", "client", [*CLEAN, ask(9, "sampling/createMessage", messages=[]), answer(9, role="user")]),
    ("wrong-direction", "server", [*CLEAN, (S, {"jsonrpc": "2.0", "id": 9, "method": "tools/list"}), (C, {"jsonrpc": "2.0", "id": 9, "result": {"tools": []}})]),
    ("wrong-revision", "client", [*CLEAN, ask(9, "subscriptions/listen", notifications={})]),
    ("unknown-method", "client", [*CLEAN, ask(9, "tools/lists"), answer(9)]),
    ("missing-meta", "client", [ask(1, "tools/list", _meta=META), answer(1, tools=[]), ask(2, "tools/list", _meta={}), answer(2, tools=[])]),
    ("early-request", "client", [*hello()[:2], ask(5, "tools/list"), answer(5, tools=[]), hello()[2]]),
    ("second-initialize", "client", [*CLEAN, ask(8, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={}), answer(8, protocolVersion="2025-11-25", capabilities={"tools": {}}, serverInfo={})]),
    ("capability", "client", [*hello(tools={}), ask(4, "prompts/list"), answer(4, prompts=[])]),
    ("capability", "server", [*CLEAN, called(4), (S, {"jsonrpc": "2.0", "id": 1, "method": "roots/list"}), (C, {"jsonrpc": "2.0", "id": 1, "result": {"roots": []}}), answer(4, content=TEXT)]),
    ("bad-hello", "client", [ask(1, "initialize", protocolVersion="2025-11-25", capabilities={}), *hello()[1:]]),
    ("bad-hello", "server", [hello()[0], answer(1, protocolVersion="2025-11-25", capabilities={"tools": {}}), hello()[2]]),
    ("unkept-capability", "server", [*CLEAN, ask(9, "prompts/list"), (S, {"jsonrpc": "2.0", "id": 9, "error": {"code": -32601, "message": "no"}})]),
    ("endless-list", "server", [*CLEAN, ask(8, "resources/list"), answer(8, resources=[], nextCursor="a"), ask(9, "resources/list", cursor="a"), answer(9, resources=[], nextCursor="a")]),
    ("unasked-progress", "server", [*CLEAN, tell("notifications/progress", progressToken=7, progress=1)]),
    ("falling-progress", "server", [*CLEAN, called(4, _meta={"progressToken": "p"}), tell("notifications/progress", progressToken="p", progress=2), tell("notifications/progress", progressToken="p", progress=1), answer(4, content=TEXT)]),
    ("late-progress", "server", [*CLEAN, called(4, _meta={"progressToken": "p"}), answer(4, content=TEXT), tell("notifications/progress", progressToken="p", progress=2)]),
    ("bad-cancel", "client", [*CLEAN, tell("notifications/cancelled", C, requestId=99)]),
    ("late-answer", "server", [*CLEAN, called(4), tell("notifications/cancelled", C, requestId=4), answer(4, content=TEXT)]),
    ("orphan-answer", "server", [*CLEAN, answer(77)]),
    ("duplicate-answer", "server", [*CLEAN, answer(3, content=TEXT)]),
    ("no-answer", "server", [*CLEAN, called(4)]),
    ("reused-id", "client", [*CLEAN, called(3), answer(3, content=TEXT)]),
    ("id-type", "server", [*CLEAN, called(4), answer("4", content=TEXT)]),
    ("bad-error", "server", [*CLEAN, called(4), (S, {"jsonrpc": "2.0", "id": 4, "error": {"code": "x", "message": "y"}})]),
    ("bad-result", "server", [*CLEAN, called(4), answer(4)]),
    ("bad-result", "server", [*hello(), ask(2, "tools/list"), answer(2, items=[])]),
    ("bad-result", "server", [*hello(), ask(2, "tools/list"), answer(2, tools=[], nextCursor=None)]),
    ("bad-result", "server", [*hello(), ask(2, "tools/list"), answer(2, tools=["echo"])]),
    ("bad-content", "server", [*CLEAN, called(4), answer(4, content=[{"type": "image", "data": "?", "mimeType": "image/png"}])]),
    ("bad-content", "server", [*CLEAN, called(4), answer(4, content=[{"type": "texts", "text": "a"}])]),
    ("bad-arguments", "client", [*CLEAN, ask(4, "tools/call", name="echo", arguments={"text": 1}), answer(4, content=TEXT)]),
    ("bad-structured", "server", [*CLEAN, ask(4, "tools/call", name="sum", arguments={}), answer(4, content=TEXT, structuredContent={"n": "1"})]),
    ("bad-structured", "server", [*CLEAN, ask(4, "tools/call", name="sum", arguments={}), answer(4, content=TEXT)]),
    ("unknown-tool", "client", [*CLEAN, called(4, "eco"), answer(4, content=TEXT)]),
    ("tool-name", "server", changed(name="echo it")),
    ("long-tool-name", "server", changed(name="e" * 65)),
    ("long-tool-name", "server", changed(name="files.read")),
    ("duplicate-tool", "server", [*hello(), *listed(ECHO, ECHO)]),
    ("lookalike-tool", "server", [*hello(), *listed(ECHO, {**ECHO, "name": "ech0"})]),
    ("hidden-characters", "server", changed(description="Says it.\u200b\U000e0041")),
    ("hidden-characters", "server", [hello()[0], answer(1, protocolVersion="2025-11-25", capabilities={}, serverInfo={}, instructions="a\u200bb"), hello()[2]]),
    ("bad-definition", "server", changed(title=5)),
    ("bad-definition", "server", [*hello(), ask(2, "resources/list"), answer(2, resources=[{"name": "a"}])]),
    ("bad-definition", "server", [*hello(), ask(2, "resources/templates/list"), answer(2, resourceTemplates=[{"name": "a"}])]),
    ("bad-definition", "server", [*hello(), ask(2, "prompts/list"), answer(2, prompts=[{"name": "a", "description": "b", "arguments": [{}]}])]),
    ("hidden-characters", "server", schema(properties={"text": {"type": "string", "description": "a\u202eb"}})),
    ("no-description", "server", changed(description="")),
    ("long-description", "server", changed(description="a" * 1025)),
    ("no-input-schema", "server", changed(inputSchema=None)),
    ("no-input-schema", "server", changed(inputSchema={"type": "array"})),
    ("bad-schema", "server", schema(properties={"text": {"type": "strin"}})),
    ("bad-schema", "server", changed(outputSchema={"type": 7})),
    ("bad-schema", "server", changed(outputSchema={"type": "array", "items": {}})),
    ("schema-for-clients", "server", schema(anyOf=[{"required": ["a"]}])),
    ("schema-for-clients", "server", schema(properties={"a": {"type": "array"}})),
    ("unknown-required", "server", schema(properties={}, required=["gone"])),
    ("untyped-property", "server", schema(properties={"a": {"description": "b"}})),
    ("property-name", "server", schema(properties={"a b": {"type": "string"}})),
    ("bad-annotations", "server", changed(annotations={"readOnlyHint": "yes"})),
    ("bad-annotations", "server", changed(annotations={"readOnlyHint": True, "destructiveHint": True})),
]  # fmt: skip


def found(
    lines: list[Line], headers: dict[int, list[tuple[str, str]]] | None = None
) -> list[tuple[str, str]]:
    linter = Linter()
    for id, (direction, said) in enumerate(lines, 1):
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        linter.observe(parse(raw), id=id, at=id * 1000, direction=direction, headers=(headers or {}).get(id))
    return [(finding.code, finding.side) for finding in linter.end(10**6)]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found(CLEAN) == []
    assert found([ask(1, "tools/list", _meta=META), answer(1, tools=[ECHO])]) == []


@pytest.mark.parametrize(
    ("code", "side", "lines"), PLANTED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_was_planted_is_found_and_nothing_else(code: str, side: str, lines: list[Line]) -> None:
    assert set(found(lines)) == {(code, side)}


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        ("missing-header", []),
        ("header-mismatch", [("Mcp-Protocol-Version", "2025-06-18")]),
        ("", [("mcp-protocol-version", "2025-11-25")]),
    ],
)
def test_the_header_of_the_revision(code: str, headers: list[tuple[str, str]]) -> None:
    lines = [*hello(), ask(2, "tools/list"), answer(2, tools=[])]
    assert found(lines, {4: headers}) == ([(code, "client")] if code else [])


def test_batches_belong_to_one_revision() -> None:
    lines = [*hello("2025-03-26", tools={}), (C, [{"jsonrpc": "2.0", "id": 9, "method": "ping"}]), answer(9)]
    assert found(lines) == []


def test_headers_that_mirror_the_body() -> None:
    lines = [ask(1, "tools/call", name="echo", arguments={}, _meta=META), answer(1, content=TEXT)]
    right = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")]
    assert found(lines, {1: right}) == []
    assert found(lines, {1: right[:2]}) == [("missing-header", "client")]
    assert found(lines, {1: [*right[:2], ("Mcp-Name", "other")]}) == [("header-mismatch", "client")]


def test_every_kind_of_finding_is_planted_somewhere() -> None:
    planted = {code for code, _, _ in PLANTED} | {"missing-header", "header-mismatch"}
    assert planted == RULES.keys() - EXPECTATIONS
