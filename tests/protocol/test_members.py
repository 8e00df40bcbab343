"""Members are found in the bytes, whatever lies between them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.members import depth, keys, member_spans

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), _JSON), st.sampled_from([None, 1]), st.booleans())
def test_the_spans_are_those_of_the_values(body: dict[str, object], indent: int | None, ascii: bool) -> None:
    raw = json.dumps(body, indent=indent, ensure_ascii=ascii).encode()
    found = member_spans(raw)
    assert {name: json.loads(raw[slice(*spans[0])]) for name, spans in found.items()} == body


def test_a_repeated_member_has_two_spans() -> None:
    raw = b'{"id":1,"a":{"id":3},"i\\u0064" : "x"}'
    assert [raw[slice(*span)] for span in member_spans(raw)["id"]] == [b"1", b'"x"']


@given(st.binary())
def test_bytes_that_are_no_json_raise_nothing(raw: bytes) -> None:
    member_spans(raw)
    list(keys(raw))
    depth(raw)


def test_every_key_knows_its_object() -> None:
    raw = b'{"a":[{"b":1},{"b":{"c":"}"}}],"d":2}'
    assert [(key.name, key.path) for key in keys(raw)] == [
        ("a", ()),
        ("b", ("a", "[]")),
        ("b", ("a", "[]")),
        ("c", ("a", "[]", "b")),
        ("d", ()),
    ]
    owners = [key.owner for key in keys(raw) if key.name == "b"]
    assert len(set(owners)) == 2


def test_depth_is_counted_outside_of_strings() -> None:
    assert depth(b'{"a":"[[[[","b":[1]}') == (2, 16)
