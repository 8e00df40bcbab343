"""What the filter language takes, and what it says about what it does not take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.engine.filter.ast import (
    All,
    And,
    Contains,
    Names,
    Not,
    Number,
    Op,
    Or,
    Path,
    Since,
    States,
    Word,
)
from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.language import parse
from tests.engine.filter.examples import DOCUMENTED

NOW = 1_795_391_279_000_000_000

ERRORS = [
    ("tol:search", "^^^", "no field named 'tol'", "did you mean tool?"),
    ("dur>fast", "    ^^^^", "'fast' is not a duration", "try 500ms, 2s or 1m"),
    ("(tool:a or tool:b", "^", "this ( is never closed", ""),
    ("status:ok)", "         ^", "there is no matching (", ""),
    ("is:eror", "   ^^^^", "'eror' is not a state", "did you mean error?"),
    ("~t", "^^", "~t is not an operator here", 'try mime:; the regular expression is ~"t"'),
    ("~e x", "^^", "~e is not an operator here", 'try is:error; the regular expression is ~"e"'),
    ("tool>5", "    ^", "'tool' is a name: it cannot be compared with >", "try : = != ~"),
    ("tool:", "    ^", "a value is missing after :", "try tool:search*"),
    ('a "b', "  ^", "this quote is never closed", ""),
    ("tool:(a", "     ^", "this ( is never closed", ""),
    ("a or", "  ^^", "nothing follows this or", 'to search for the word itself write "or"'),
    ("()", "^^", "nothing stands between these", ""),
    ("http://x/y", "^^^^", "no field named 'http'", 'to search for the word itself write "http://x/y"'),
    ("tool~(", "     ^", "not a regular expression: missing ): (", ""),
    ("args.n>many", "       ^^^^", "'many' is not a number", "try 100 or 2.5"),
    ("args[x]=1", "    ^^^", "this is not an index", "try [0], [-1] or [*]"),
    ("tool.x:1", "    ^", "'tool' has no parts", "try args.tool"),
    ("since:soon", "      ^^^^", "'soon' is not a time", "try 10m, 12:04 or 2026-11-22"),
    ("-32602", "^^^^^^", "-32602 alone means 'not 32602'", 'try code:-32602, or "-32602" to search for it'),
    ("status:-32602", "       ^^^^^^", "'-32602' is not a status", "try code:-32602"),
]


@pytest.mark.parametrize(("text", "carets", "message", "hint"), ERRORS)
def test_an_error_shows_the_place_the_reason_and_what_to_try(text, carets, message, hint):
    with pytest.raises(FilterError) as caught:
        parse(text, NOW)
    assert caught.value.render().split("\n") == [text, carets, message, *([hint] if hint else [])]
    assert caught.value.exit == 2


@pytest.mark.parametrize("text", DOCUMENTED.splitlines())
def test_every_documented_example_is_a_filter(text):
    parse(text, NOW)


def word(text, **more):
    return Contains("text", Op.MATCH, (Word(text, **more),))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All()),
        ("  ", All()),
        ("a", word("a")),
        ("a b or c", Or((And((word("a"), word("b"))), word("c")))),
        ("a and b", And((word("a"), word("b")))),
        ("a & b && c", And((word("a"), word("b"), word("c")))),
        ("a|b || c OR d", Or((word("a"), word("b"), word("c"), word("d")))),
        ("not a", Not(word("a"))),
        ("--a", word("a")),
        ("!(a or b)", Not(Or((word("a"), word("b"))))),
        ("notes order android", And((word("notes"), word("order"), word("android")))),
        ('"or" "a\\"b"', And((word("or", quoted=True), word('a"b', quoted=True)))),
        ("tool!=a", Not(Names("tool", Op.EQUAL, (Word("a"),)))),
        ("tool:a-b_c.d", Names("tool", Op.MATCH, (Word("a-b_c.d"),))),
        ("uri:http://x/?a=1&b=2", Names("uri", Op.MATCH, (Word("http://x/?a=1&b=2"),))),
        ('tool:( a , "b c" )', Names("tool", Op.MATCH, (Word("a"), Word("b c", quoted=True)))),
        ("dur>=1.5s", Number("dur", Op.GREATER_EQUAL, (1_500_000_000,))),
        ("size<10k", Number("size", Op.LESS, (10_240,))),
        ("seq:(1,2)", Number("seq", Op.MATCH, (1, 2))),
        ("is:(late,cancelled)", States(("late", "cancelled"))),
        ("since:10m", Since(NOW - 600_000_000_000, later=True)),
        ('args.a[0][*].*."x y"=1', Path("args", ("a", 0, None, None, "x y"), Op.EQUAL, (Word("1"),))),
        ("(tool~^(a|b)$)", Names("tool", Op.REGEX, (Word("^(a|b)$", quoted=True),))),
        ("~timeout|refused", Contains("text", Op.REGEX, (Word("timeout|refused", quoted=True),))),
        ("Tool:x", Names("tool", Op.MATCH, (Word("x"),))),
        ("12:04 a.b v1.2", And((word("12:04"), word("a.b"), word("v1.2")))),
    ],
)
def test_the_grammar(text, tree):
    assert parse(text, NOW).tree == tree


@given(st.text(max_size=60) | st.text('()"~-!|&:=<>.[]* ,toolis argsduror0', max_size=40))
def test_any_text_is_a_filter_or_one_readable_error(text):
    try:
        parse(text, NOW).predicate()
    except FilterError as error:
        assert 0 <= error.start <= len(text)
        assert 3 <= len(error.render().split("\n")) <= 4


def test_deep_brackets_and_long_paths_are_refused_and_not_a_crash():
    for text in ("(" * 5000, "a" * 30_000, "args" + "[0]" * 3000 + "=1"):
        with pytest.raises(FilterError):
            parse(text)


def test_many_negations_are_no_deep_recursion():
    parse("-" * 9_999 + "tool:x").predicate()


def test_a_rule_for_messages_to_come_has_no_use_for_times():
    with pytest.raises(FilterError, match="still to come"):
        parse("since:10m")


def test_hostile_text_in_an_error_is_escaped():
    with pytest.raises(FilterError) as caught:
        parse("\x1b[31mtol\u202e:x dur>\x1b")
    assert "\x1b" not in caught.value.render() and "\u202e" not in caught.value.render()
