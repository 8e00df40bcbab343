"""Ids keep their spelling, and other spellings of the same id are known."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.ids import other_spelling, received_spelling, spelled
from mcpscope.protocol.message import RpcId
from mcpscope.protocol.parsing import parse


@pytest.mark.parametrize(
    ("id", "text"),
    [(7, "7"), ("7", '"7"'), (7.0, "7.0"), (None, "null"), (True, "true"), ("é\ud800", '"\\u00e9\\ud800"')],
)
def test_an_id_is_spelled_as_json(id: RpcId, text: str) -> None:
    assert spelled(id) == text


@pytest.mark.parametrize(
    ("id", "other"),
    [
        (7, "7"),
        (-7, "-7"),
        ("7", 7),
        ("-7", -7),
        (7.0, "7"),
        ("07", 7),
        (" 7\n", 7),
        ("+7", 7),
        ("７", 7),
        ("7.0", 7),
        ("70e-1", 7),
        ("0x7", 7),
        ("\ufeff7", 7),
        ("", 0),
        ("7.5", None),
        ("0x", None),
        ("seven", None),
        ("1e999", None),
        (True, None),
        (None, None),
        ("9" * 100, None),
        (1.5, "1.5"),
    ],
)
def test_the_other_spelling_of_an_id(id: RpcId, other: RpcId) -> None:
    assert other_spelling(id) == other
    assert type(other_spelling(id)) is type(other)


@pytest.mark.parametrize("id", ["1", "1.0", "1e2", "-0", '"a\\u0062"', "null", "12345678901234567890123"])
def test_the_spelling_of_the_sender_is_found_in_the_bytes(id: str) -> None:
    raw = f'{{"method":"x","params":{{"id":"no"}},"jsonrpc":"2.0", "id" : {id} }}'
    assert received_spelling(parse(raw.encode())) == id


def test_a_message_without_an_id_has_no_spelling() -> None:
    assert received_spelling(parse(b'{"jsonrpc":"2.0","method":"x","params":{"id":1}}')) == ""


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_the_other_spelling_of_the_other_spelling_is_the_id(id: RpcId) -> None:
    other = other_spelling(id)
    if other is not None:
        again = other_spelling(other)
        assert again is None or again == id


@given(st.text(max_size=50) | st.text("0123456789.eExXobB+-_ \n", max_size=8))
def test_a_text_is_the_integer_that_the_sdks_read_or_none(id: str) -> None:
    other = other_spelling(id)
    assert other is None or type(other) is int
    if re.fullmatch(r"-?[0-9]{1,30}", id):
        assert other == int(id)
