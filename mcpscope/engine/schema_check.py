"""Arguments against a tool's input schema, results against its output schema: warnings with their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Phase
from mcpscope.engine.schema_cost import Cost, cost_of
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import Method

MAX_WARNINGS = 20
MAX_TEXT_CHARACTERS = 300
KEPT_SCHEMAS = 512


class SchemaChecks:
    """Compiled schemas, one per definition seen; references leave the schema for nowhere (no file, no
    network).
    """

    def __init__(self) -> None:
        self._compiled: dict[str, tuple[Any, Cost]] = {}

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
        return self.of_result(key, schema, message.result) if message.kind is Kind.RESULT else []

    def of_result(self, key: str, schema: Any, result: Any) -> list[str]:
        """The warnings about the result of a tool whose outputSchema is ``schema``; see ``check``."""
        if not isinstance(result, dict) or result.get("isError") is True:
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

        compiled = self._compiled.get(key)
        try:
            if compiled is None:
                compiled = jsonschema_rs.validator_for(schema, offline=True), cost_of(schema)
                if len(self._compiled) >= KEPT_SCHEMAS:
                    self._compiled.clear()
                self._compiled[key] = compiled
            validator, cost = compiled
            if not cost.affords(value):
                return ["not checked: the schema is made to take too long"]
            return list(_warnings(validator, value))
        except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
            return [f"the schema cannot be used: {_first_line(error)}"]


def schema_of(catalog: Catalog, passage: Passage, *, answer: bool = False) -> dict[str, Any] | None:
    """What the arguments of a call keep to; on the way back, or for an ``answer``, its structured result."""
    if passage.method != Method.TOOLS_CALL:
        return None
    if passage.phase is Phase.REQUEST and not answer:
        return catalog.input_schema(passage.tool)
    return catalog.output_schema(passage.tool)


def _warnings(validator: Any, value: Any) -> Iterator[str]:
    for count, error in enumerate(validator.iter_errors(value)):
        if count == MAX_WARNINGS:
            yield "and more"
            return
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        yield f"{path.removeprefix('.') or 'the whole'}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error)
    return str(message)[:MAX_TEXT_CHARACTERS].partition("\n")[0]
