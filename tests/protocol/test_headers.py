"""Headers that mirror the body: derived, compared, and made to follow an edit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.headers import decode, derive, encode, follow, mirrors, mismatches
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse

VERSION = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "limit": {"type": "integer", "x-mcp-header": "Limit"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "deep": {"type": "object", "properties": {"id": {"type": "string", "x-mcp-header": "Deep-Id"}}},
        "other": {"type": "string"},
    },
}


def _call(arguments: Any, method: str = "tools/call", **params: Any) -> Message:
    body = {"name": "t", "arguments": arguments, **VERSION, **params}
    return parse(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": body}).encode())


def test_a_call_has_its_method_name_version_and_marked_arguments() -> None:
    call = _call({"region": "eu", "limit": 5, "dry": True, "deep": {"id": "ü"}, "other": "x"})
    assert derive(call, SCHEMA) == [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "t"),
        ("Mcp-Param-Region", "eu"),
        ("Mcp-Param-Limit", "5"),
        ("Mcp-Param-Dry-Run", "true"),
        ("Mcp-Param-Deep-Id", "=?base64?w7w=?="),
    ]


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("resources/read", {"uri": "file:///é"}, "=?base64?ZmlsZTovLy/DqQ==?="),
        ("prompts/get", {"name": "p"}, "p"),
        ("tasks/get", {"taskId": "t1"}, "t1"),
        ("tools/list", {}, None),
    ],
)
def test_the_name_is_what_the_method_is_about(method: str, params: dict[str, Any], name: str | None) -> None:
    raw = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    assert dict(derive(parse(raw.encode()))).get("Mcp-Name") == name


def test_absent_and_null_arguments_have_no_header() -> None:
    assert [name for name, _ in derive(_call({"region": None, "limit": [1]}), SCHEMA)][3:] == []


@pytest.mark.parametrize("value", ["plain", "a b", "", "=?base64", "x=?base64?eA==?="])
def test_plain_text_is_not_encoded(value: str) -> None:
    assert encode(value) == value


@pytest.mark.parametrize("value", [" x", "x ", "é", "\n", "\t", "=?base64?eA==?=", "日本"])
def test_what_a_header_cannot_carry_is_encoded(value: str) -> None:
    assert encode(value).startswith("=?base64?")
    assert decode(encode(value)) == value


@given(st.text())
def test_every_text_survives_a_header(value: str) -> None:
    assert encode(value).isascii()
    assert decode(encode(value)) == value


@pytest.mark.parametrize("text", ["=?base64?!?=", "=?base64?/w==?=", "=?base64?eA?="])
def test_a_broken_encoding_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode(text)


def test_headers_that_agree_have_no_mismatch() -> None:
    call = _call({"region": "ü", "limit": 42})
    said = [
        ("mcp-protocol-version", "2026-07-28"),
        ("MCP-METHOD", "tools/call"),
        ("Mcp-Name", "=?base64?dA==?="),
        ("Mcp-Param-Region", encode("ü")),
        ("Mcp-Param-Limit", "42.0"),
        ("Mcp-Param-Unknown", "x"),
        ("Content-Type", "application/json"),
    ]
    assert mismatches(said, call, SCHEMA) == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("Mcp-Method", "tools/list", "differs from the body"),
        ("Mcp-Name", "T", "differs from the body"),
        ("Mcp-Name", None, "missing"),
        ("Mcp-Param-Limit", "43", "differs from the body"),
        ("Mcp-Param-Limit", "0x2a", "differs from the body"),
        ("Mcp-Param-Region", "=?base64?!?=", "not base64 of UTF-8: =?base64?!?="),
        ("Mcp-Param-Dry-Run", "true", "the body has no such value"),
    ],
)
def test_a_header_that_lies_is_named(name: str, value: str | None, text: str) -> None:
    call = _call({"region": "eu", "limit": 42})
    said = [header for header in derive(call, SCHEMA) if header[0] != name]
    if value is not None:
        said.append((name, value))
    (found,) = mismatches(said, call, SCHEMA)
    assert (found.header, found.text, found.said) == (name, text, value)


def test_a_header_given_twice_is_a_mismatch() -> None:
    call = _call({})
    (found,) = mismatches([*derive(call), ("mcp-name", "t")], call)
    assert found.text == "given more than once"


def test_a_notification_needs_no_method_header() -> None:
    note = parse(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}')
    assert mismatches([], note) == []
    assert len(mismatches([("Mcp-Method", "x")], note)) == 1


@pytest.mark.parametrize(
    "properties",
    [
        {"a": {"type": "number", "x-mcp-header": "A"}},
        {"a": {"type": ["string", "null"], "x-mcp-header": "A"}},
        {"a": {"type": "string", "x-mcp-header": "with space"}},
        {"a": {"type": "string", "x-mcp-header": ""}},
        {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}},
        {"a": {"anyOf": [{"type": "string", "x-mcp-header": "A"}]}},
        {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}},
    ],
)
def test_an_invalid_annotation_is_told(properties: dict[str, Any]) -> None:
    valid, wrong = mirrors({"type": "object", "properties": properties})
    assert valid == []
    assert wrong


def test_a_property_named_like_the_annotation_is_none() -> None:
    assert mirrors({"properties": {"x-mcp-header": {"type": "string"}}}) == ([], [])


def test_headers_follow_an_edit_and_others_stay() -> None:
    old = _call({"region": "eu", "limit": 5, "dry": True})
    new = _call({"region": "ü", "limit": 5, "deep": {"id": "x"}})
    said = [("X-Own", "1"), *derive(old, SCHEMA), ("Mcp-Param-Unknown", "eu")]
    assert follow(said, old, new, SCHEMA) == [
        ("X-Own", "1"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "t"),
        ("Mcp-Param-Region", "=?base64?w7w=?="),
        ("Mcp-Param-Limit", "5"),
        ("Mcp-Param-Unknown", "eu"),
        ("Mcp-Param-Deep-Id", "x"),
    ]
    assert mismatches(follow(said, old, new, SCHEMA), new, SCHEMA) == []


def test_without_a_schema_a_header_follows_the_argument_it_repeats() -> None:
    old, new = _call({"a": {"b": "eu"}, "n": 5, "gone": "x"}), _call({"a": {"b": "us"}, "n": 6})
    said = [("Mcp-Param-R", "eu"), ("Mcp-Param-N", "5"), ("Mcp-Param-G", "x"), ("Mcp-Param-O", "other")]
    assert follow(said, old, new) == [("Mcp-Param-R", "us"), ("Mcp-Param-N", "6"), ("Mcp-Param-O", "other")]
