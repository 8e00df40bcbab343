"""Lists of several upstreams as one: bytes, order and pages kept, names that two claim left out."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from mcpscope.engine.patch import encode
from mcpscope.gateway.merging import merged_capabilities, merged_list, read_cursor, write_cursor
from mcpscope.gateway.naming import LISTINGS, Names
from mcpscope.gateway.routing import way_of
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse

TOOLS = LISTINGS["tools/list"]
RESOURCES = LISTINGS["resources/list"]


def names_of(**prefixes: str) -> Names:
    made: Any = [SimpleNamespace(name=who, spec=SimpleNamespace(prefix=p)) for who, p in prefixes.items()]
    return Names(made)


def answered(result: bytes) -> Message:
    return parse(b'{"jsonrpc":"2.0","id":1,"result":' + result + b"}")


def merged(names: Names, *parts: tuple[str, bytes], listing: Any = TOOLS) -> bytes:
    found = [(who, answered(result)) for who, result in parts]
    return merged_list(listing, found, names, modern=False, label="g")


def test_an_item_keeps_its_bytes_but_for_its_name() -> None:
    item = (
        rb'{ "name" : "a\u0062", "big":123456789012345678901234567890, "f":1.10,"inputSchema":{"$defs":{}}}'
    )
    raw = merged(names_of(x="x__", y="y__"), ("x", b'{"tools":[' + item + b"]}"))
    assert raw == b'{"tools":[' + item.replace(rb'"a\u0062"', b'"x__ab"') + b"]}"


def test_a_name_that_two_claim_is_nobodys_and_is_reported() -> None:
    names = names_of(x="", y="")
    one, two = b'{"tools":[{"name":"a"},{"name":"b"}]}', b'{"tools":[{"name":"b"},{"name":"c"}]}'
    assert orjson.loads(merged(names, ("x", one), ("y", two))) == {"tools": [{"name": "a"}, {"name": "c"}]}
    assert names.dropped == {("tools", "b"): {"x", "y"}}
    asked = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"b"}}')
    names.known.add("tools")
    way = way_of(asked, names, {})
    assert way is not None and not way.to


def test_pages_of_each_go_on_where_they_were() -> None:
    names = names_of(x="x__", y="y__")
    first = orjson.loads(
        merged(names, ("x", b'{"tools":[],"nextCursor":"\xe2\x86\x92"}'), ("y", b'{"tools":[]}'))
    )
    assert read_cursor(first["nextCursor"]) == {"x": "→"}
    assert read_cursor(write_cursor({"x": "", "y": 'a"b'})) == {"x": "", "y": 'a"b'}


@pytest.mark.parametrize("text", ["", "x", "!!", 7, None, "bnVsbA", "W10", "e30"])
def test_a_cursor_that_was_never_given_is_none(text: object) -> None:
    assert read_cursor(text) is None


@pytest.mark.parametrize(
    ("name", "to", "own"),
    [("x__a", "x", "a"), ("x__x__a", "x", "x__a"), ("x__", "x", ""), ("other", "", None)],
)
def test_a_call_goes_where_its_prefix_says(name: str, to: str, own: str | None) -> None:
    body = {"name": name, "arguments": {"name": name, "deep": {"name": name}}}
    asked = parse(orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": body}))
    way = way_of(asked, names_of(x="x__", y="y__"), {})
    assert way is not None and way.to == to
    if own is not None:
        assert way.message is not None and way.message.params["name"] == own
        assert orjson.loads(way.message.raw)["params"] == {**body, "name": own}


@pytest.mark.parametrize(
    "spelled",
    [
        '{"name":"x__a","arguments":{}}',
        '{"arguments":{"k":"\\"name\\":\\"x__a\\""},"name" : "x__a"}',
        '{"name":"x__a","arguments":{"name":"x__b"}}',
        '{"name":"x__a","arguments":{"name":"x__a"}}',
        '{"name": "x__a","arguments":{"name":"x__a"}}',
        '{"n\\u0061me":"x__a","arguments":{"name":"x__a"}}',
        '{"name":"x__a","arguments":{"name":123456789012345678901}}',
    ],
)
def test_only_the_name_of_the_call_is_another(spelled: str) -> None:
    asked = parse(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + spelled.encode() + b"}")
    way = way_of(asked, names_of(x="x__", y="y__"), {})
    assert way is not None and way.message is not None
    sent, was = orjson.loads(way.message.raw)["params"], orjson.loads(spelled)
    assert sent == {**was, "name": "a"}
    assert parse(way.message.raw) == way.message


def test_a_resource_is_found_by_list_template_and_scheme() -> None:
    names = names_of(x="x__", y="y__")
    merged(names, ("x", b'{"resources":[{"uri":"demo://a/1","name":"n"}]}'), listing=RESOURCES)
    templates = LISTINGS["resources/templates/list"]
    merged(names, ("y", b'{"resourceTemplates":[{"uriTemplate":"note://{id}/end"}]}'), listing=templates)
    found = [names.owner_of_uri(uri) for uri in ("demo://a/1", "note://7/end", "demo://b/2", "file:///x")]
    assert found == ["x", "y", "x", None]


def test_capabilities_are_those_of_any_and_lists_always_change() -> None:
    both = merged_capabilities(
        [{"tools": {}, "resources": {"subscribe": True}}, {"tools": {"x": 1}, "logging": {}}]
    )
    assert both == {
        "tools": {"listChanged": True, "x": 1},
        "resources": {"subscribe": True, "listChanged": True},
        "logging": {},
    }


def test_a_name_is_changed_where_it_names_the_tool_however_that_is_spelled() -> None:
    names = names_of(git="git__")
    params = rb'{"\u006eame":"git__get","arguments":{"name":"git__get"}}'
    said = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % params
    way = way_of(parse(said), names, {})
    assert way is not None and way.message is not None
    assert way.message.raw == said.replace(b'"git__get","arguments"', b'"get","arguments"')
    assert parse(way.message.raw).params == way.message.params


def test_no_cursor_of_an_upstream_and_none_of_a_client_breaks_a_list() -> None:
    deep = b"[" * 900 + b"]" * 900
    for cursor in (b"9" * 40, deep, b"{}", b"null", rb'"\ud800"'):
        raw = merged(names_of(x="x__"), ("x", b'{"tools":[],"nextCursor":%b}' % cursor))
        said = parse(b'{"jsonrpc":"2.0","id":1,"result":%b}' % raw).result.get("nextCursor")
        assert (said is None) == (cursor in (deep, b"{}", b"null"))
    wild = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    assert read_cursor(wild) is None


def test_capabilities_without_end_are_cut() -> None:
    deep: Any = {}
    for _ in range(2000):
        deep = {"a": deep}
    found = merged_capabilities([{"tools": {}, "experimental": deep}, {"experimental": {"b": [1]}}])
    assert found["experimental"]["b"] == [1] and "tools" in found
    assert encode(found)
