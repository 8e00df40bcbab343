"""A form made of a schema says the arguments that stand in it, and shows those that it is given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.tui.present.form import arguments_of, arguments_schema, fields_of, texts_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["query", "mode"],
    "properties": {
        "query": {"type": "string", "description": "What to look for."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        "share": {"type": "number"},
        "exact": {"type": "boolean"},
        "mode": {"enum": ["fast", "full", 3]},
        "since": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "where": {"type": "object"},
    },
}
FIELDS = fields_of(SCHEMA)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "query": st.text(),
        "limit": st.integers(),
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "exact": st.booleans(),
        "mode": st.sampled_from(["fast", "full", 3]),
        "since": st.text(),
        "tags": st.lists(st.text()),
        "where": st.dictionaries(st.text(), st.integers()),
        "extra": st.text(),
    },
)


def test_a_schema_gives_its_fields() -> None:
    kinds = ["string", "integer", "number", "boolean", "enum", "string", "json", "json"]
    assert [field.kind for field in FIELDS] == kinds
    assert [field.name for field in FIELDS if field.required] == ["query", "mode"]
    assert FIELDS[1].hint == "integer 1..50 default 10"


@given(VALUES)
def test_what_is_shown_says_the_same_again(arguments: dict[str, Any]) -> None:
    again = arguments_of(FIELDS, texts_of(FIELDS, arguments), arguments)
    assert again == arguments and list(again) == list(arguments)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("query", "007", "007"),
        ("query", '""', ""),
        ("query", '"a\\nb"', "a\nb"),
        ("query", 'say "hi"', 'say "hi"'),
        ("limit", "12345678901234567890", 12345678901234567890),
        ("limit", "many", "many"),
        ("limit", "NaN", "NaN"),
        ("exact", "true", True),
        ("mode", "3", 3),
        ("mode", "odd", "odd"),
        ("tags", '["a", 1]', ["a", 1]),
        ("tags", "[NaN]", "[NaN]"),
    ],
)
def test_what_is_typed_means(name: str, text: str, value: Any) -> None:
    assert arguments_of(FIELDS, {name: text}, {}) == {name: value}


def test_an_empty_field_says_nothing() -> None:
    assert arguments_of(FIELDS, {"query": "", "limit": "  "}, {"query": "x", "other": 1}) == {"other": 1}


def test_the_arguments_of_a_prompt_are_texts() -> None:
    found = arguments_schema([{"name": "city", "required": True}, {"name": "style"}, "odd"])
    assert [(field.name, field.kind, field.required) for field in fields_of(found)] == [
        ("city", "string", True),
        ("style", "string", False),
    ]
    assert arguments_schema(None)["properties"] == {}
