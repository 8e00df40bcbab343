"""What a server offers, read as strict clients and models' interfaces read it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from mcpscope.lint.finding import Finding
from mcpscope.protocol.lookalikes import skeleton

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_NAME_FOR_MODELS: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PROPERTY_FOR_MODELS: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_DESCRIPTION: Final = 1024
_MAX_DEPTH: Final = 12
_REFUSED_AT_TOP: Final = ("anyOf", "oneOf", "allOf", "enum", "not")
_TYPING: Final = frozenset({"type", "$ref", "enum", "const", *_REFUSED_AT_TOP})
_HINTS: Final = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_NEEDED: Final = {"prompt": ("name",), "resource": ("uri", "name"), "template": ("uriTemplate", "name")}
_TEXTS: Final = ("title", "description", "mimeType")
_SEEN_SPACE: Final = frozenset("\n\r\t")


def of_definitions(kind: str, items: list[dict[str, Any]], message: int = 0) -> Iterator[Finding]:
    """Findings about one kind's definitions: tool, prompt, resource or template."""
    for item in items:
        name = item.get("name")
        about = name if type(name) is str else ""
        yield from _of_texts(item, about, message)
        yield from _of_parts(kind, item, about, message)
        if kind == "tool":
            yield from _of_tool(item, about, message)
        elif kind == "prompt" and not item.get("description"):
            yield Finding(
                "no-description", "server", f"the prompt {about} has no description", about, message
            )
    if kind == "tool":
        yield from _of_names([str(item.get("name")) for item in items], message)


def _of_parts(kind: str, item: dict[str, Any], about: str, message: int) -> Iterator[Finding]:
    """The members that a definition of this kind must have, and the types of its texts."""
    wrong = [name for name in _NEEDED.get(kind, ()) if type(item.get(name)) is not str]
    wrong += [name for name in _TEXTS if name in item and type(item[name]) is not str]
    for number, argument in enumerate(_arguments(item) if kind == "prompt" else ()):
        if type(argument) is not dict or type(argument.get("name")) is not str:
            wrong.append(f"arguments[{number}].name")
    for name in wrong:
        yield Finding("bad-definition", "server", f"the {kind} has no text for {name}", about, message)


def _arguments(item: dict[str, Any]) -> list[Any]:
    found = item.get("arguments")
    return found if type(found) is list else []


def _of_names(names: list[str], message: int) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in names:
        if name in seen.values():
            yield Finding("duplicate-tool", "server", f"{name} is listed twice", name, message)
            continue
        other = seen.setdefault(skeleton(name), name)
        if other != name:
            yield Finding("lookalike-tool", "server", f"{name} looks like {other}", name, message)


def _of_tool(tool: dict[str, Any], about: str, message: int) -> Iterator[Finding]:
    def found(code: str, text: str) -> Finding:
        return Finding(code, "server", text, about, message)

    name = tool.get("name")
    if type(name) is not str or not _NAME.fullmatch(name):
        yield found("tool-name", f"the name {str(name)[:80]!r} has other characters than A-Z a-z 0-9 _ - .")
    elif not _NAME_FOR_MODELS.fullmatch(name):
        yield found("long-tool-name", f"{name[:80]} is longer than 64 characters or has dots")
    description = tool.get("description")
    if not description:
        yield found("no-description", "it has no description")
    elif type(description) is str and len(description) > _MAX_DESCRIPTION:
        yield found("long-description", f"{len(description):,} characters")
    yield from _of_annotations(tool.get("annotations"), found)
    schema = tool.get("inputSchema")
    if type(schema) is not dict or schema.get("type") != "object":
        yield found("no-input-schema", "inputSchema is missing, or its type is not object")
    else:
        yield from _of_schema("inputSchema", schema, found)
    if "outputSchema" in tool:
        output = tool["outputSchema"]
        if type(output) is not dict:
            yield found("bad-schema", "outputSchema is no object")
        elif output.get("type", "object") != "object":
            yield found("bad-schema", f"the type of outputSchema is {output['type']}, not object")
        else:
            yield from _of_schema("outputSchema", output, found, for_models=False)


def _of_annotations(hints: Any, found: Any) -> Iterator[Finding]:
    if hints is None:
        return
    if type(hints) is not dict:
        yield found("bad-annotations", "annotations are no object")
        return
    for hint in _HINTS:
        if hint in hints and type(hints[hint]) is not bool:
            yield found("bad-annotations", f"{hint} is no boolean")
    if hints.get("readOnlyHint") is True and hints.get("destructiveHint") is True:
        yield found("bad-annotations", "it says to be read-only and destructive")


def _of_schema(
    place: str, schema: dict[str, Any], found: Any, *, for_models: bool = True
) -> Iterator[Finding]:
    import jsonschema_rs

    try:
        jsonschema_rs.meta.validate(schema)
        jsonschema_rs.validator_for(schema, offline=True)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        yield found("bad-schema", f"{place}: {str(error).partition(chr(10))[0][:160]}")
        return
    if for_models:
        for word in _REFUSED_AT_TOP:
            if word in schema:
                yield found("schema-for-clients", f"{place} has {word} at its top")
    yield from _of_node(place, schema, found, 0, for_models=for_models)


def _of_node(place: str, node: Any, found: Any, depth: int, *, for_models: bool) -> Iterator[Finding]:
    if type(node) is not dict or depth > _MAX_DEPTH:
        return
    reference = node.get("$ref")
    if type(reference) is str and not reference.startswith("#"):
        yield found("schema-for-clients", f"{place} refers to {reference[:80]}, which clients do not fetch")
    if type(node.get("properties")) is dict:
        yield from _of_properties(place, node, found, for_models=for_models)
    if node.get("type") == "array" and "items" not in node and "prefixItems" not in node:
        yield found("schema-for-clients", f"{place} is an array without items")
    for where, inner in _inside(node):
        yield from _of_node(f"{place}.{where}", inner, found, depth + 1, for_models=for_models)


def _of_properties(place: str, node: dict[str, Any], found: Any, *, for_models: bool) -> Iterator[Finding]:
    properties = node["properties"]
    for name in node.get("required") or ():
        if type(name) is str and name not in properties and node.get("additionalProperties") is not True:
            yield found("unknown-required", f"{place} requires {name}, which it does not have")
    for name, inner in properties.items():
        where = f"{place}.{name}"
        if for_models and not _PROPERTY_FOR_MODELS.fullmatch(name):
            yield found("property-name", f"{where[:120]!r}")
        if type(inner) is dict and not inner.keys() & _TYPING:
            yield found("untyped-property", where)


def _inside(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas in a schema, with their places."""
    if type(node.get("properties")) is dict:
        yield from node["properties"].items()
    for word in ("items", "additionalProperties"):
        yield word, node.get(word)
    for word in ("anyOf", "oneOf", "allOf"):
        if type(node.get(word)) is list:
            yield from ((f"{word}[{number}]", inner) for number, inner in enumerate(node[word]))


def hidden_in(text: str) -> str:
    """The characters of a text that nobody sees, the first five; "" where there are none."""
    return ", ".join(f"U+{ord(char):04X}" for char in sorted({char for char in text if is_hidden(char)})[:5])


def _of_texts(item: Any, about: str, message: int, place: str = "") -> Iterator[Finding]:
    """Characters that nobody sees, in any text of a definition."""
    if type(item) is str:
        if shown := hidden_in(item):
            yield Finding("hidden-characters", "server", f"{place or 'a text'} has {shown}", about, message)
    elif type(item) is dict:
        for name, inner in item.items():
            yield from _of_texts(name, about, message, "a member's name")
            yield from _of_texts(inner, about, message, f"{place}.{name}".lstrip("."))
    elif type(item) is list:
        for number, inner in enumerate(item):
            yield from _of_texts(inner, about, message, f"{place}[{number}]")


def is_hidden(char: str) -> bool:
    """Whether a character has no glyph of its own: controls, formats, tags, selectors, private ones."""
    if char in _SEEN_SPACE or " " <= char <= "~":
        return False
    return (
        unicodedata.category(char) in ("Cc", "Cf", "Co", "Cn", "Cs") or "\U000e0000" <= char <= "\U000e0fff"
    )
