"""Arguments against a tool's input schema, results against its output schema: warnings with their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.passage import Passage
from mcpscope.engine.rules import Phase
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import Method

MAX_WARNINGS = 20
KEPT_SCHEMAS = 512


class SchemaChecks:
    """Compiled schemas, one per definition seen; references leave the schema for nowhere (no file, no
    network).
    """

    def __init__(self) -> None:
        self._compiled: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<SchemaChecks {len(self._compiled)} compiled>"

    def of(self, catalog: Catalog, passage: Passage, message: Message) -> list[str]:
        """The warnings about ``message``, which would leave in this passage; none where nothing is known."""
        definition = catalog.tool(passage.tool) if passage.tool else None
        schema = schema_of(catalog, passage)
        if definition is None or schema is None:
            return []
        key = f"{passage.phase} {definition.digest}"
        if passage.phase is Phase.REQUEST:
            return self.check(key, schema, message.params.get("arguments", {}))
        result = message.result
        if message.kind is not Kind.RESULT or not isinstance(result, dict) or result.get("isError") is True:
            return []
        if result.get("resultType", "complete") != "complete":
            return []
        if "structuredContent" not in result:
            return ["structuredContent is missing, though the tool declares an outputSchema"]
        return self.check(key, schema, result["structuredContent"])

    def check(self, key: str, schema: Any, value: Any) -> list[str]:
        """``path: what is wrong`` for ``value``; ``key`` names this version of ``schema``.

        A schema that is itself wrong is one warning.
        """
        # Imported with the first check: 50 ms that a proxy which holds nothing does not pay.
        import jsonschema_rs

        validator = self._compiled.get(key)
        if validator is None:
            try:
                validator = jsonschema_rs.validator_for(schema, offline=True)
            except (ValueError, TypeError) as error:
                return [f"the schema cannot be used: {_first_line(error)}"]
            if len(self._compiled) >= KEPT_SCHEMAS:
                self._compiled.clear()
            self._compiled[key] = validator
        return list(_warnings(validator, value))


def schema_of(catalog: Catalog, passage: Passage) -> dict[str, Any] | None:
    """What the arguments (or on the way back the structured result) of a call should keep to."""
    if passage.method != Method.TOOLS_CALL:
        return None
    if passage.phase is Phase.REQUEST:
        return catalog.input_schema(passage.tool)
    return catalog.output_schema(passage.tool)


def _warnings(validator: Any, value: Any) -> Iterator[str]:
    for count, error in enumerate(validator.iter_errors(value)):
        if count == MAX_WARNINGS:
            yield "and more"
            return
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        yield f"{path.removeprefix('.') or 'the whole'}: {error.message}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
