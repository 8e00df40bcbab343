"""JSON laid out for a person: every spelling kept, nothing that a terminal obeys."""

from __future__ import annotations

import json

import pytest

from mcpscope.tui.jsontext import first_value, laid_out, part_of, place_of, problem_of

TEXT = '{"a":1e2,"big":123456789012345678901,"e":[],"o":{},"l":[1,{"x":"\\u0041, [b]: {c}"}],"a":1.0}'


def test_only_white_space_is_added() -> None:
    shown = laid_out(TEXT)
    assert shown.startswith(
        '{\n  "a": 1e2,\n  "big": 123456789012345678901,\n  "e": [],\n  "o": {},\n  "l": ['
    )
    assert "\\u0041, [b]: {c}" in shown and shown.count('"a"') == 2
    assert json.loads(shown) == json.loads(TEXT)


def test_what_a_terminal_would_obey_is_spelled_as_an_escape_that_means_the_same() -> None:
    text = '{"q":"\x9b2J\u202e\U000e0041 日本"}'
    shown = laid_out(text)
    assert "\x9b" not in shown and "\u202e" not in shown and "日本" in shown
    assert json.loads(shown) == json.loads(text)


@pytest.mark.parametrize(("text", "line", "column"), [('{\n "a": 1x}', 2, 8), ("", 1, 1), ("[1,]", 1, 4)])
def test_a_problem_has_line_and_column(text: str, line: int, column: int) -> None:
    found = problem_of(text)
    assert found is not None
    assert found[1:] == (line, column)
    assert problem_of("NaN") is not None
    assert problem_of(TEXT) is None


def test_a_part_of_a_message_is_found_or_is_not_there() -> None:
    raw = b'{"params":{"arguments":{"n":10}}}'
    assert part_of(raw, "/params/arguments") == '{\n  "n": 10\n}'
    assert part_of(raw, "/result") is None


def test_a_path_leads_to_its_line_or_to_what_would_hold_it() -> None:
    text = '{\n  "a": [\n    {"b": 1}\n  ],\n  "params": {"n": 2}\n}'
    assert place_of(text, "a[0].b") == (3, 11)
    assert place_of(text, "a[0].c") == (3, 5)
    assert place_of(text, "n", ("params",)) == (5, 19)
    assert place_of(text, "the whole") == (1, 1)
    assert place_of("{", "a") == (1, 1)


def test_the_first_value_is_found_and_a_string_without_its_quotes() -> None:
    assert first_value('{\n  "n": 10\n}') == ((1, 7), (1, 9))
    assert first_value('{"a": {"b": [1, {"c": "x"}]}}') == ((0, 23), (0, 24))
    assert first_value('{"a:b": ""}') == ((0, 9), (0, 9))
    assert first_value("{}") is None
