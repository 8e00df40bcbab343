"""What a server's tools take, as it lists them: some arguments are mirrored in header fields."""

from __future__ import annotations

from typing import Any

from mcpscope.protocol.headers import mirrors

MOST_SCHEMAS = 10_000
"""Beyond it the oldest is forgotten; what is not known mirrors nothing until it is listed again."""


def keep_schemas(schemas: dict[str, Any], result: dict[str, Any]) -> None:
    """Take over the input schemas that the result of a ``tools/list`` shows, by the tools' names."""
    tools = result.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict) and isinstance(tool.get("name"), str):
            schemas.pop(tool["name"], None)
            if len(schemas) >= MOST_SCHEMAS:
                del schemas[next(iter(schemas))]
            schemas[tool["name"]] = tool.get("inputSchema")


def mirroring_schema(schemas: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The input schema of the tool called so; None where it is not known, or mirrors no argument."""
    schema = schemas.get(name)
    if schema is not None and not (isinstance(schema, dict) and mirrors(schema)[0]):
        schema = schemas[name] = None  # so that it is looked through once
    return schema
