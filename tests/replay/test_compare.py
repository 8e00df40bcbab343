"""What differs between two answers, and how much it matters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.replay.compare import Level, compare, worst
from mcpscope.replay.json_paths import Mask


def result(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": members}


def text(value: str) -> dict[str, Any]:
    return result(content=[{"type": "text", "text": value}])


def data(**members: Any) -> dict[str, Any]:
    return result(structuredContent=members)


def server(version: str) -> dict[str, Any]:
    return result(serverInfo={"version": version})


def tool(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **members}


@pytest.mark.parametrize(
    ("was", "now", "level", "where"),
    [
        (text("a"), text("a"), None, ""),
        (text("a"), text("b"), Level.WARNING, "$.result.content[0].text"),
        (result(content=[]), result(content=[], isError=True), Level.ERROR, "$.result.isError"),
        (result(x=1), result(x=1.0), Level.INFO, "$.result.x"),
        (
            data(token="[redacted:ab12cd34]"),
            data(token="t-1"),
            Level.INFO,
            "$.result.structuredContent.token",
        ),
        (data(token="[redacted:ab12cd34]"), data(token=7), Level.INFO, "$.result.structuredContent.token"),
        (text("hi [redacted:ab12cd34], ok"), text("hi ada, ok"), Level.INFO, "$.result.content[0].text"),
        (text("hi [redacted:ab12cd34], ok"), text("ho ada, ok"), Level.WARNING, "$.result.content[0].text"),
        (
            result(structuredContent={"n": 1}),
            result(structuredContent={"n": 2}),
            Level.ERROR,
            "$.result.structuredContent.n",
        ),
        (
            result(structuredContent={"n": None}),
            result(structuredContent={}),
            Level.ERROR,
            "$.result.structuredContent.n",
        ),
        (result(nextCursor="a"), result(nextCursor="b"), Level.INFO, "$.result.nextCursor"),
        (
            result(serverInfo={"version": "1"}),
            result(serverInfo={"version": "2"}),
            Level.INFO,
            "$.result.serverInfo.version",
        ),
        (result(tools=[tool("a")]), result(tools=[]), Level.ERROR, "$.result.tools[0]"),
        (
            result(tools=[tool("a"), tool("b")]),
            result(tools=[tool("b"), tool("a")]),
            Level.WARNING,
            "$.result.tools",
        ),
        (
            result(tools=[tool("a", description="x")]),
            result(tools=[tool("a", description="y")]),
            Level.WARNING,
            "$.result.tools[0].description",
        ),
        (
            result(tools=[tool("a")]),
            result(tools=[tool("a", outputSchema={})]),
            Level.ERROR,
            "$.result.tools[0].outputSchema",
        ),
        (
            {"error": {"code": -32602, "message": "a"}},
            {"error": {"code": -32603, "message": "a"}},
            Level.ERROR,
            "$.error.code",
        ),
        (
            {"error": {"code": -32602, "message": "a"}},
            {"error": {"code": -32602, "message": "b"}},
            Level.WARNING,
            "$.error.message",
        ),
        (result(), {"error": {"code": -32602, "message": "a"}}, Level.ERROR, "$.error"),
    ],
)
def test_the_level_of_a_difference(was: Any, now: Any, level: Level | None, where: str) -> None:
    found = compare(was, now)
    assert worst(found) == level
    assert [item.where for item in found[:1]] == ([where] if where else [])


def test_key_order_and_the_id_never_count() -> None:
    was = {"jsonrpc": "2.0", "id": 1, "result": {"a": 1, "b": 2}}
    now = {"result": {"b": 2, "a": 1}, "id": "x", "jsonrpc": "2.0"}
    assert compare(was, now) == []


def test_text_that_is_json_is_compared_as_json() -> None:
    assert compare(text('{"a": 1, "b": 2}'), text('{"b":2,"a":1}')) == []
    (found,) = compare(text(json.dumps({"rows": [{"n": 1}]})), text(json.dumps({"rows": [{"n": 2}]})))
    assert found.where == "$.result.content[0].text.rows[0].n"


def test_one_item_more_is_one_difference() -> None:
    was = result(structuredContent={"rows": [{"id": n} for n in range(50)]})
    now = result(structuredContent={"rows": [{"id": n} for n in (*range(7), 99, *range(7, 50))]})
    (found,) = compare(was, now)
    assert found.where == "$.result.structuredContent.rows[7]"


def test_a_masked_place_is_no_difference() -> None:
    assert compare(text("a"), text("b"), masks=[Mask("$.result.content[*].text")]) == []


def test_a_document_in_any_text_is_compared_as_one_and_so_is_what_python_prints() -> None:
    assert compare(data(result='{"a": 1, "b": 2}'), data(result='{"b":2,"a":1}')) == []
    (found,) = compare(text("[{'id': 1, 'x': None}]"), text("[{'id': 2, 'x': None}]"))
    assert found.where == "$.result.content[0].text[0].id"


def test_a_resource_whose_address_alone_is_new_is_the_same_resource() -> None:
    def listed(*uris: str) -> dict[str, Any]:
        return result(resources=[{"uri": uri, "name": "page"} for uri in uris])

    (found,) = compare(listed("doc://1a", "doc://2"), listed("doc://9z", "doc://2"))
    assert found.where == "$.result.resources[0].uri"
    (more,) = compare(listed("doc://1"), listed("doc://1", "doc://2"))
    assert (more.where, more.why) == ("$.result.resources[1]", "page is new")


def test_a_request_of_the_server_is_compared_by_its_params() -> None:
    def asked(**params: Any) -> dict[str, Any]:
        return {"method": "elicitation/create", "id": 1, "params": params}

    (found,) = compare(asked(message="a"), asked(message="b"))
    assert (found.where, found.level) == ("$.params.message", Level.WARNING)
    assert compare({"method": "roots/list"}, {"method": "roots/list", "params": {}}) == []
