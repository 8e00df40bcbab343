"""What is offered at the cursor."""

from __future__ import annotations

from mcpscope.engine.filter.completion import complete, quote
from mcpscope.engine.filter.language import parse
from tests.engine.filter.examples import Example

TOOLS = [("search_docs", 412), ("search_code", 7), ("read file", 3)]


def values(field, prefix):
    return {"tool": TOOLS, "args.": [("path", 9), ("a b", 1)]}.get(field, [])


def offered(text):
    return [
        (text[: one.start] + one.insert + text[one.end :], one.detail)
        for one in complete(text, len(text), values)
    ]


def test_field_names_come_first():
    assert offered("to") == [("tool:", "the tool that is called")]
    assert ("is:late tool:", "the tool that is called") in offered("is:late ")
    assert len(complete("", 0, values)) > 25


def test_values_come_with_their_counts_most_frequent_first():
    assert offered("is:error tool:se") == [
        ("is:error tool:search_docs", "412"),
        ("is:error tool:search_code", "7"),
    ]
    assert ('tool:"read file"', "3") in offered("tool:")
    assert offered("tool:(read_file,sea")[0] == ("tool:(read_file,search_docs", "412")
    assert offered("(tool:sea")[0] == ("(tool:search_docs", "412")
    assert offered("-tool:sea")[0] == ("-tool:search_docs", "412")


def test_states_and_statuses_are_known_without_a_recording():
    assert offered("is:err")[0][0] == "is:error"
    assert offered("status:rpc")[0][0] == "status:rpc-error"


def test_keys_of_a_path_are_offered():
    assert offered("args.p") == [("args.path", "9")]
    assert ('args."a b"', "1") in offered("args.")


def test_what_is_offered_means_exactly_that_value():
    for name in ("plain", "we*ird", 'qu"ote', "a b", "back\\slash", "(x)", "-x", "~x", "a,b", "q?"):
        assert parse(f"tool:{quote(name)}").predicate()(Example(tool=name)), name
        assert not parse(f"tool:{quote(name)}").predicate()(Example(tool=name + "x")), name
