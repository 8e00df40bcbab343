"""The lines of a JSON text: where they are, and that nothing is printed again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.tui.present.jsonindex import index_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def pretty(value: object) -> list[str]:
    """The lines that the standard library prints, without their indents and commas."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return [line.strip().removesuffix(",") for line in text.split("\n")]


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_the_lines_are_those_of_a_pretty_printer(value: object) -> None:
    source = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    index = index_json(source)
    shown = []
    for line in range(len(index)):
        key = f'"{index.key(line)}": ' if index.key_start[line] >= 0 else ""
        shown.append(key + index.value(line).replace(" ", ""))
    wanted = [line.replace("{}", "{}") for line in pretty(value)]
    assert len(shown) == len(wanted)
    for mine, theirs in zip(shown, wanted, strict=True):
        assert mine.replace(" ", "") == theirs.replace(" ", "")


def test_numbers_escapes_and_duplicate_keys_stay_as_they_crossed_the_wire() -> None:
    index = index_json(rb'{"n": 18446744073709551616, "x": 1e2, "x": "\u00fc\/", "z": -0}')
    assert [index.value(line) for line in range(1, 5)] == ["18446744073709551616", "1e2", r'"\u00fc\/"', "-0"]
    assert [index.key(line) for line in range(1, 5)] == ["n", "x", "x", "z"]


@pytest.mark.parametrize(
    "text", [b"hello", b'{"a":1', b"[1]x", b"Listening on 0", b"", b"]", b"\xff\xfe", b"{'a':1}x"]
)
def test_what_is_not_json_is_text(text: bytes) -> None:
    index = index_json(text)
    assert not index.valid
    assert b"".join(index.source[index.start[i] : index.end[i]] for i in range(len(index))) == text


def test_a_path_names_keys_and_positions() -> None:
    index = index_json(b'{"params":{"items":[{"a b":1},{"c":[2]}]}}')
    paths = [index.path(line) for line in range(len(index))]
    assert '$.params.items[0]["a b"]' in paths
    assert "$.params.items[1].c[0]" in paths


def test_a_fragment_is_the_source_of_a_value() -> None:
    index = index_json(b'{"a": {"b": [1, 2 ,3]}, "c": 4}')
    assert index.fragment(2) == b"[1, 2 ,3]"
    assert index.fragment(index.partner[1]) == b'{"b": [1, 2 ,3]}'


def test_depth_beyond_the_limit_is_text() -> None:
    assert not index_json(b"[" * 5000 + b"]" * 5000).valid
