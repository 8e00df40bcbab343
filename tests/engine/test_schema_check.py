"""Values are checked against schemas nobody vouches for: warnings with their paths, never an error."""

from __future__ import annotations

from typing import Any

import pytest

from mcpscope.engine.schema_check import SchemaChecks

SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 50}},
    "required": ["query"],
}


def test_a_value_that_fits_has_no_warning() -> None:
    assert SchemaChecks().check("k", SCHEMA, {"query": "x", "limit": 5}) == []


def test_each_warning_names_its_place() -> None:
    found = SchemaChecks().check("k", SCHEMA, {"limit": 99})
    assert sorted(warning.partition(":")[0] for warning in found) == ["limit", "the whole"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "http://127.0.0.1:9/schema"}, 1),
        ({"$ref": "file:///etc/passwd"}, 1),
        ({"type": "no such type"}, 1),
        ({"pattern": "("}, "x"),
        ("text", 1),
        ({"type": "string"}, "\ud800"),
    ],
)
def test_what_cannot_be_checked_is_one_warning(schema: Any, value: Any) -> None:
    (warning,) = SchemaChecks().check("k", schema, value)
    assert "cannot be used" in warning


def test_a_schema_that_would_take_hours_is_not_checked() -> None:
    double: dict[str, Any] = {"n0": {"type": "string"}}
    for level in range(1, 60):
        double[f"n{level}"] = {"allOf": [{"$ref": f"#/$defs/n{level - 1}"}] * 2}
    (warning,) = SchemaChecks().check("k", {"$ref": "#/$defs/n59", "$defs": double}, "x")
    assert "too long" in warning


def test_a_huge_wrong_value_gives_a_short_warning() -> None:
    (warning,) = SchemaChecks().check("k", {"type": "integer"}, "x" * 1_000_000)
    assert len(warning) < 400


def test_many_warnings_are_cut() -> None:
    found = SchemaChecks().check("k", {"items": {"type": "string"}}, list(range(100)))
    assert len(found) == 21
    assert found[-1] == "and more"
