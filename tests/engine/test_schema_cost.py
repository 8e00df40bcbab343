"""Schemas made to keep a validator busy are told from those that describe things."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mcpscope.engine.schema_cost import cost_of

TREE = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "items": {"items": {"$ref": "#"}}}}


def _doubling(levels: int) -> dict[str, Any]:
    defs: dict[str, Any] = {"n0": {"type": "string"}}
    for level in range(1, levels + 1):
        reference = {"$ref": f"#/$defs/n{level - 1}"}
        defs[f"n{level}"] = {"allOf": [reference, reference]}
    return {"$ref": f"#/$defs/n{levels}", "$defs": defs}


def _nested(depth: int, name: str = "a") -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {name: value}
    return value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        (True, 1),
        (None, None),
        ({"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(500)}}, {}),
        (TREE, _nested(20, "left")),
        ({"$ref": "#"}, _nested(20)),
        (_doubling(10), "x"),
        ({"$ref": "http://example.com/x"}, 1),
        ({"$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}}}, "$ref": "#/$defs/a"}, _nested(20)),
    ],
)
def test_what_describes_something_is_affordable(schema: Any, value: Any) -> None:
    assert cost_of(schema).affords(value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (_doubling(60), "x"),
        ({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}, _nested(40)),
        ({"additionalProperties": {"$ref": "#"}, "properties": {"a": {"$ref": "#"}}}, _nested(40)),
    ],
)
def test_what_only_keeps_busy_is_not(schema: Any, value: Any) -> None:
    began = time.perf_counter()
    assert not cost_of(schema).affords(value)
    assert time.perf_counter() - began < 5
