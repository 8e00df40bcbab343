"""What an edit changes, in few words."""

from __future__ import annotations

import json

import pytest

from mcpscope.tui.present.changes import changed_words, changes
from mcpscope.tui.present.logline import edit_words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"n": 5}, {"n": 500}, ["n 5 -> 500"]),
        ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1}}, ["c taken out"]),
        ({}, {"q": [1]}, ["q added: [1]"]),
        ({"l": [{"t": "x"}, {"t": "y"}]}, {"l": [{"t": "x"}, {"t": "z"}]}, ['l[1].t "y" -> "z"']),
        ({"l": [1, 2]}, {"l": [1]}, ["l [1, 2] -> [1]"]),
        ({"n": 1, "b": 1}, {"n": 1.0, "b": True}, ["n 1 -> 1.0", "b 1 -> true"]),
        ([1], {}, ["all of it [1] -> {}"]),
    ],
)
def test_each_change_names_its_place(before: object, after: object, words: list[str]) -> None:
    assert changes(json.dumps(before), json.dumps(after), "->") == words


def test_what_is_no_json_has_no_changes_and_the_same_bytes_none() -> None:
    assert changes("{", "{}", "->") is None
    assert changes("[" * 100_000, "{}", "->") is None
    assert "same bytes" in changed_words("{}", "{}", "->")
    assert changed_words('{"a":1}', '{"a": 1}', "->") == "changed in its spelling only"
    assert changed_words("[1,2,3,4]", "[5,6,7,8]", "->").endswith("and 1 more")


def test_the_log_leaves_out_the_way_to_arguments_and_results() -> None:
    before = {"params": {"name": "x", "arguments": {"n": 1}}}
    after = {"params": {"name": "y", "arguments": {"n": 2}}}
    told = edit_words(json.dumps(before).encode(), json.dumps(after).encode(), "->")
    assert told == 'name "x" -> "y", n 1 -> 2'
