"""An edit of a text that is written as its value is comes to the same as splicing it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.engine import patch, plain_edits

KEYS = st.sampled_from(["a", "b", "id", "_meta", "é", '"', "\\", "\x0b\x7f", "\u2028", "", "0", "\ud800"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
PATHS = st.lists(KEYS, max_size=3).map(tuple)
SPELLED = st.sampled_from([b"1", b'"\\u00e9"', b"{ }", b'{"x": [1 , 2]}', b"12345678901234567890123"])


def spelled(value: object, how: int) -> bytes:
    """JSON as writers differ: compact, escaped, with blanks."""
    tight = {"separators": (",", ":")}
    forms: tuple[dict[str, Any], ...] = (tight, {**tight, "ensure_ascii": False}, {})
    try:
        return json.dumps(value, **forms[how]).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def outcome(edit: Callable[..., bytes], *args: object) -> bytes | str:
    try:
        return edit(*args)
    except (patch.PatchError, UnicodeEncodeError) as error:
        return str(error)


@given(VALUES, PATHS, SPELLED, st.integers(0, 2))
def test_put_and_cut_come_to_the_same(value: object, path: tuple[str, ...], new: bytes, how: int) -> None:
    raw = spelled(value, how)
    for grow in (False, True):
        put, spliced = partial(patch.put, grow=grow), partial(patch.spliced_in, grow=grow)
        assert outcome(put, raw, path, new) == outcome(spliced, raw, path, new)
    assert outcome(patch.cut, raw, path) == outcome(patch.spliced_out, raw, path)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":{"b":2},"b":3}',
        b'{"a":18446744073709551616,"b":1}',
        b'{"a":1e2,"b":{"a":-0}}',
        b'{"a" :1,"b":2}',
        b'\xef\xbb\xbf{"a":1,"b":2}',
        b'{"a":"\\/","b":"\\u00e9"}',
        b'{"b":2,"a":' + b"[" * 300 + b"]" * 300 + b"}",
    ],
)
def test_what_is_written_otherwise_is_spliced(raw: bytes) -> None:
    assert plain_edits.put(raw, ("a",), b"1", grow=True) is None
    assert plain_edits.cut(raw, ("a",)) is None
    assert patch.put(raw, ("a",), b"1") == patch.spliced_in(raw, ("a",), b"1")
    assert patch.cut(raw, ("a",)) == patch.spliced_out(raw, ("a",))


def test_what_is_written_plainly_needs_no_splicing() -> None:
    raw = orjson.dumps({"id": 1, "params": {"name": "é", "_meta": {"x": 1.5}}})
    assert plain_edits.put(raw, ("id",), b' "one"', grow=False) == raw.replace(b"1,", b' "one",', 1)
    assert plain_edits.cut(raw, ("params", "_meta")) == raw.replace(b',"_meta":{"x":1.5}', b"")
