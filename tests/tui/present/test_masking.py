"""What is masked of a line, and what stays as it is."""

from __future__ import annotations

import json

import pytest

from mcpscope.tui.present import masking
from mcpscope.tui.present.changes import changes
from mcpscope.tui.present.document import document, raw_text
from mcpscope.tui.present.glyphs import ASCII
from mcpscope.tui.present.rules import rule_line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ([("  x-api-key: ", "key"), ("abc", "")], [("  x-api-key: ", "key"), ("[masked]", "")]),
        ([("  accept: ", "key"), ("text/html", "")], [("  accept: ", "key"), ("text/html", "")]),
        (
            [("  authorization: ", "key"), ("[redacted:0123abcd]", "")],
            [("  authorization: ", "key"), ("[redacted:0123abcd]", "")],
        ),
        (
            [('+ "password": "hunter22",', "diff-add")],
            [('+ "password": "', "diff-add"), ("[masked]", "diff-add"), ('",', "diff-add")],
        ),
        ([("password ", "muted"), ("is wrong", "")], [("password ", "muted"), ("is wrong", "")]),
    ],
)
def test_a_line_keeps_its_roles(line: masking.Line, shown: masking.Line) -> None:
    assert masking.line(line) == shown


def test_no_width_of_a_raw_row_lets_a_secret_through() -> None:
    source = json.dumps({"n": 1, "password": "hunter22" * 5, "z": "é" * 40, "token": "x\\y"}).encode()
    for width in range(8, 60):
        raw = raw_text(source, width)
        shown = [raw.masked.get(row, text) for row, text in enumerate(raw.rows)]
        assert "hunter" not in "".join(shown).replace(masking.MASK, "") and "ter22" not in "".join(shown)
        assert "".join(raw.rows) == source.decode()
        assert all(text == plain for text, plain in zip(shown, raw.rows, strict=True) if "z" in plain[:1])


@pytest.mark.parametrize("inside", [{"password": "hunter22" * 40}, {"a": 1, "token": 1234567890}])
def test_a_fold_shows_no_beginning_of_a_secret(inside: dict[str, object]) -> None:
    made = document(json.dumps({"arguments": inside}).encode())
    made.fold(1, closed=True)
    shown = "".join(text for text, _ in made.spans(1, masked=True))
    assert masking.MASK in shown and "hunt" not in shown and "1234" not in shown


def test_what_an_edit_changed_is_told_without_secrets() -> None:
    before, after = b'{"password":"one","n":1}', b'{"password":"two","n":2,"auth":{"token":"xyz"}}'
    assert changes(before, after, "->") == [
        "password [masked] -> [masked]",
        "n 1 -> 2",
        'auth added: {"token": "[masked]"}',
    ]


def test_a_rule_made_from_a_call_is_listed_without_its_secrets() -> None:
    sets = {"$.params.arguments.api_key": "key of 1", "$.params.arguments.city": "Bern"}
    rule = {
        "match": 'tool:login args.user="ada" args.password="hunter 22"',
        "action": "edit",
        "spelled": {"set": sets},
        "on": "request",
        "enabled": True,
        "shadow": False,
        "hits": 0,
        "last_hit": 0,
        "origin": "live",
    }
    shown = "".join(text for text, _ in rule_line(rule, 1, 260, None, ASCII, here=True))
    assert 'args.user="ada" args.password="[masked]" request' in shown
    assert "api_key=[masked] $.params.arguments.city='Bern'" in shown
    assert "hunter" not in shown and "key of" not in shown
