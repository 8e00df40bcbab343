"""Ids keep their spelling, and other spellings of the same id are known."""

from __future__ import annotations

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
        ("07", None),
        ("7.0", None),
        ("seven", None),
        ("", None),
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


@given(st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False))
def test_the_other_spelling_of_the_other_spelling_is_the_id(id: RpcId) -> None:
    other = other_spelling(id)
    if other is not None:
        again = other_spelling(other)
        assert again is None or again == id
