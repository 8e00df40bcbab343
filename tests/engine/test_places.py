"""Places of messages, found in their bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.engine.place_walk import splice
from mcpscope.engine.places import BadPlace, Places

GONE = "[redacted:00000000]"


def redacted(raw: bytes, *places: str, tools: set[str] | None = None) -> tuple[bytes, list[str]]:
    found = Places(places).find(raw, tools, lambda value: GONE)
    return splice(raw, found.spans), found.values


def said(body: Any, *places: str, tools: set[str] | None = None) -> Any:
    return json.loads(redacted(json.dumps(body).encode(), *places, tools=tools)[0])


CALL = {"method": "tools/call", "params": {"name": "t", "arguments": {"a": "x", "b": [{"c": 1}, {"c": 2}]}}}


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("$.params.arguments.a", ("a",)),
        ("args.a", ("a",)),
        ("$.params.arguments.b[1].c", ("b", 1, "c")),
        ("$.params.arguments.b", ("b",)),
        ('$.params["arguments"].a', ("a",)),
        ("params.arguments.a", ("a",)),
        ("$..a", ("a",)),
        ("A", ("a",)),
    ],
)
def test_a_place_is_found_and_nothing_else_is_touched(place: str, path: tuple[Any, ...]) -> None:
    expected = json.loads(json.dumps(CALL))
    target = expected["params"]["arguments"]
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = GONE
    assert said(CALL, place) == expected


def test_every_element_and_every_depth() -> None:
    found = said(CALL, "$.params.arguments.b[*].c")
    assert found["params"]["arguments"]["b"] == [{"c": GONE}, {"c": GONE}]
    assert said({"x": {"c": 1, "y": [{"c": {"c": 2}}]}}, "c") == {"x": {"c": GONE, "y": [{"c": GONE}]}}


def test_the_bytes_around_a_place_stay_as_they_are() -> None:
    raw = b'{ "id" : 1e2,"params":{"arguments":{"a" :  "x\\u00e9" ,"z":"\\/"}} }'
    assert redacted(raw, "args.a")[0] == raw.replace(b'"x\\u00e9"', json.dumps(GONE).encode())


def test_a_member_that_is_there_twice_or_spelled_with_escapes_is_found() -> None:
    raw = b'{"params":{"arguments":{"pin":"1","p\\u0069n":"2","pin":3}}}'
    assert json.loads(redacted(raw, "args.pin")[0])["params"]["arguments"] == {"pin": GONE}
    assert b'"2"' not in redacted(raw, "pin")[0]


def test_an_element_of_a_batch_is_a_message() -> None:
    assert said([CALL, {"x": 1}], "args.a")[0]["params"]["arguments"]["a"] == GONE


def test_a_tools_place_is_its_own() -> None:
    assert said(CALL, "t:$.params.arguments.a", tools={"u"}) == CALL
    assert said(CALL, "t*:$.params.arguments.a", tools={"t"})["params"]["arguments"]["a"] == GONE
    assert said(CALL, "t:$.params.arguments.a", tools=None)["params"]["arguments"]["a"] == GONE


def test_a_structured_result_and_its_twin_in_the_text() -> None:
    inner = {"token": "abc", "list": [1]}
    body = {"result": {"structuredContent": inner, "content": [{"type": "text", "text": json.dumps(inner)}]}}
    found = said(body, "$.result.structuredContent.token")
    assert json.loads(found["result"]["content"][0]["text"])["token"] == GONE
    twice = {"result": {"content": [{"text": json.dumps({"in": json.dumps(inner)})}]}}
    assert "abc" not in json.dumps(said(twice, "token"))


def test_the_schema_of_a_tool_is_no_value() -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string"}}}
    body = {"result": {"tools": [{"name": "login", "inputSchema": schema, "password": "x"}]}}
    found = said(body, "password")["result"]["tools"][0]
    assert found["inputSchema"] == schema and found["password"] == GONE


def test_values_are_learned_without_the_names_of_members() -> None:
    _, values = redacted(b'{"a":{"key":"one","n":[12345678, true]}}', "a")
    assert values == ["one", "12345678", "true"]


def test_what_was_redacted_before_stays() -> None:
    raw = json.dumps({"a": "[redacted:12345678]"}).encode()
    assert redacted(raw, "a") == (raw, [])


@pytest.mark.parametrize("text", ["$", "$.", "$x", "tool$.a", "$.a[", "a b", "$.a b", "$...a", ""])
def test_what_names_no_place(text: str) -> None:
    with pytest.raises(BadPlace):
        Places([text])


def test_headers_and_the_fields_that_mirror_a_message() -> None:
    places = Places(["header:X-Tenant", "args.a"])
    assert places.is_hidden_header("x-TENANT") and places.is_hidden_header("Mcp-Param-A")
    assert not places.is_hidden_header("mcp-name") and not Places(["header:x"]).is_hidden_header(
        "mcp-param-a"
    )
    assert Places(["$.params.uri"]).is_hidden_header("Mcp-Name")
