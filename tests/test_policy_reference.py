"""docs/policy.md says what the schema says; to write it anew: python -m tests.test_policy_reference."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from mcpscope.engine.policy.keys import json_schema
from tests.program import ROOT

PAGE = ROOT / "docs" / "policy.md"
MARK = "<!-- from here on written by tests/test_policy_reference.py -->\n"


def tables() -> str:
    schema = json_schema()
    rule = schema["properties"]["rules"]["items"]
    actions = rule["properties"]["action"]["enum"]
    return "\n".join(
        [
            "",
            "## Keys of a file",
            "",
            *_table(schema),
            "",
            "## Keys of a rule",
            "",
            *_table(rule),
            "",
            "## Keys of a limit",
            "",
            *_table(next(one for one in rule["properties"]["limit"]["anyOf"] if one["type"] == "object")),
            "",
            "## Actions",
            "",
            *wrap(", ".join(f"`{action}`" for action in actions) + ".", 118, break_on_hyphens=False),
            "",
        ]
    )


def _table(schema: dict[str, Any]) -> list[str]:
    needed = schema.get("required", ())
    lines = ["| key | value | meaning |", "|---|---|---|"]
    for name, about in schema["properties"].items():
        star = " (needed)" if name in needed else ""
        lines.append(f"| `{name}`{star} | {_kind(about)} | {about.get('description', '')} |")
    return lines


def _kind(about: dict[str, Any]) -> str:
    if "enum" in about:
        words = [str(word).lower() if isinstance(word, bool) else str(word) for word in about["enum"]]
        return ", ".join(f"`{word}`" for word in dict.fromkeys(words)) if len(words) < 8 else "see below"
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_kind(one) for one in about["anyOf"]))
    kind = about.get("type", "any")
    if kind == "array":
        inner = _kind(about.get("items", {}))
        return (
            f"list of {inner}s" if inner in ("string", "number", "integer", "object") else f"list of {inner}"
        )
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def test_the_page_has_every_key_of_the_schema() -> None:
    assert PAGE.read_text().partition(MARK)[2] == tables()


def test_every_key_says_what_it_means() -> None:
    schema = json_schema()
    for properties in (schema["properties"], schema["properties"]["rules"]["items"]["properties"]):
        assert [name for name, about in properties.items() if not about.get("description")] == []


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + tables())
