"""A form made of a schema: its fields, and what stands in them as the arguments of a call, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_FIELDS = 60
_PLAIN = ("string", "integer", "number", "boolean")


@dataclass(frozen=True, slots=True)
class FormField:
    """One property. ``kind`` is a JSON type, ``enum``, or ``json`` for what is typed as JSON."""

    name: str
    kind: str
    required: bool
    hint: str = ""
    choices: tuple[Any, ...] = ()


def fields_of(schema: Mapping[str, Any] | None) -> list[FormField]:
    """The fields of an object's schema, in its order; none where it declares no properties."""
    properties = schema.get("properties") if schema else None
    if not isinstance(properties, dict):
        return []
    required = schema.get("required") if schema else None
    needed = set(map(str, required)) if isinstance(required, list) else set()
    return [
        _field(str(name), one if isinstance(one, dict) else {}, str(name) in needed)
        for name, one in list(properties.items())[:MAX_FIELDS]
    ]


def _field(name: str, schema: Mapping[str, Any], required: bool) -> FormField:
    plain = _without_null(schema)
    choices = plain.get("enum")
    kind = plain.get("type")
    if isinstance(choices, list) and choices:
        return FormField(name, "enum", required, _hint(schema, plain), tuple(choices))
    if kind == "boolean":
        return FormField(name, "boolean", required, _hint(schema, plain), (True, False))
    return FormField(name, kind if kind in _PLAIN else "json", required, _hint(schema, plain))


def _without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``X or null`` says of X; anything else as it is."""
    for word in ("anyOf", "oneOf"):
        one = schema.get(word)
        if isinstance(one, list):
            rest = [part for part in one if isinstance(part, dict) and part.get("type") != "null"]
            if len(rest) == 1 and len(one) == 2:
                return rest[0]
    kinds = schema.get("type")
    if isinstance(kinds, list):
        rest = [kind for kind in kinds if kind != "null"]
        if len(rest) == 1:
            return {**schema, "type": rest[0]}
    return schema


def _hint(schema: Mapping[str, Any], plain: Mapping[str, Any]) -> str:
    kind = plain.get("type", "any")
    parts = [
        "enum" if "enum" in plain else str(kind) if not isinstance(kind, list) else "|".join(map(str, kind))
    ]
    if isinstance(choices := plain.get("enum"), list):
        parts.append(" | ".join(map(str, choices[:8])))
    for low, high, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " chars")):
        if low in plain or high in plain:
            parts.append(f"{plain.get(low, '')}..{plain.get(high, '')}{unit}")
    if "default" in schema:
        parts.append(f"default {json.dumps(schema['default'], ensure_ascii=False)}")
    words = str(schema.get("description") or "")
    return " ".join(parts) + (f"  {' '.join(words.split())}" if words else "")


def texts_of(fields: Sequence[FormField], arguments: Mapping[str, Any]) -> dict[str, str]:
    """What stands in each field for these arguments; an absent one is empty."""
    return {
        field.name: _text(field, arguments[field.name]) if field.name in arguments else "" for field in fields
    }


def _text(field: FormField, value: Any) -> str:
    if isinstance(value, str) and field.kind in ("string", "enum"):
        return json.dumps(value, ensure_ascii=False) if _must_be_spelled(value) else value
    return json.dumps(value, ensure_ascii=False)


def _must_be_spelled(value: str) -> bool:
    """Whether a string would be another one, or nothing, if it were typed as it is."""
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return not value or quoted or value != value.strip() or not value.isprintable()


def arguments_of(
    fields: Sequence[FormField], texts: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments that the texts say; what has no field stays as ``before``, and so does the order."""
    names = {field.name for field in fields}
    said = {
        field.name: value(field, texts[field.name]) for field in fields if texts.get(field.name, "").strip()
    }
    found = {name: said.get(name, old) for name, old in before.items() if name in said or name not in names}
    return found | said


def value(field: FormField, text: str) -> Any:
    """What a text means in a field. What is no number in a number's field stays text: the server judges."""
    found = _json(text)
    if field.kind == "string":
        return found if isinstance(found, str) else text
    if field.kind == "enum":
        return next((one for one in field.choices if _text(field, one) == text.strip()), text)
    return text if found is _NOTHING else found


_NOTHING = object()
"""What is no JSON."""


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NOTHING


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def arguments_schema(arguments: Any) -> dict[str, Any]:
    """The schema of a prompt's arguments, which are all texts."""
    listed = (
        [one for one in arguments if isinstance(one, dict) and "name" in one]
        if isinstance(arguments, list)
        else []
    )
    return {
        "type": "object",
        "properties": {
            str(one["name"]): {"type": "string", "description": str(one.get("description") or "")}
            for one in listed
        },
        "required": [str(one["name"]) for one in listed if one.get("required")],
    }
