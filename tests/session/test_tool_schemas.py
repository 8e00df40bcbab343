"""The schemas of tools are kept by name, so many and no more."""

from __future__ import annotations

from typing import Any

from mcpscope.session.tool_schemas import MOST_SCHEMAS, keep_schemas, mirroring_schema


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    schemas: dict[str, Any] = {}
    listed = [{"name": f"t{number}", "inputSchema": {"number": number}} for number in range(MOST_SCHEMAS)]
    keep_schemas(schemas, {"tools": listed})
    keep_schemas(schemas, {"tools": [{"name": "t0", "inputSchema": {"number": -1}}, {"name": "new"}, 7]})
    assert len(schemas) == MOST_SCHEMAS
    assert schemas["t0"] == {"number": -1} and schemas["new"] is None and "t1" not in schemas
    keep_schemas(schemas, {"tools": "none"})
    assert len(schemas) == MOST_SCHEMAS


def test_a_schema_that_mirrors_nothing_is_none_for_the_headers() -> None:
    mirrored = {"properties": {"where": {"type": "string", "x-mcp-header": "Where"}}}
    listed = {"a": mirrored, "b": {"properties": {"where": {"type": "string"}}}, "c": 7}
    schemas: dict[str, Any] = {}
    keep_schemas(schemas, {"tools": [{"name": name, "inputSchema": one} for name, one in listed.items()]})
    for _ in range(2):
        assert mirroring_schema(schemas, "a") == mirrored
        assert [mirroring_schema(schemas, name) for name in ("b", "c", "unknown")] == [None, None, None]
