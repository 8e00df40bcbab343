"""A schema in few words: a line for each of its properties, or all of them in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcpscope.tui.present.spans import Line, clip, cut, pad

MAX_HINTS = 40


def hints(schema: Mapping[str, Any] | None) -> list[Line]:
    """One line for each property of a schema: name, type, whether it must be there, what it may be."""
    properties = schema.get("properties") if schema else None
    if not isinstance(properties, dict):
        return [[("no schema is known", "muted")]]
    required = schema.get("required") if schema else None
    needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    lines: list[Line] = []
    for name, one in list(properties.items())[:MAX_HINTS]:
        one = one if isinstance(one, dict) else {}
        must = "required" if name in needed else ""
        lines.append(
            [(f"{pad(str(name), 12)} ", "key"), (f"{pad(_type(one), 8)} ", ""), (f"{must:<9} ", "warning")]
        )
        lines[-1].append((_range(one), "muted"))
    return lines


def _type(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("enum"), list):
        return "enum"
    found = schema.get("type", "any")
    return "|".join(map(str, found)) if isinstance(found, list) else str(found)


def _range(schema: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for low, high, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " chars")):
        if low in schema or high in schema:
            parts.append(f"{schema.get(low, '')}..{schema.get(high, '')}{unit}")
    if isinstance(schema.get("enum"), list):
        parts.append(" | ".join(map(str, schema["enum"][:8])))
    if "default" in schema:
        parts.append(f"default {schema['default']}")
    return clip("  ".join(parts), 60)


def hint_line(schema: Mapping[str, Any] | None, width: int) -> Line:
    """The same in one line, for the queue."""
    line = [
        " ".join("".join(text for text, _ in entry).split())
        for entry in (hints(schema) if schema and schema.get("properties") else [])
    ]
    return cut([("schema  " + " · ".join(line), "muted")], width) if line else []
