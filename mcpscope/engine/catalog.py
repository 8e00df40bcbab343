"""The definitions a server has listed: tools, prompts, resources and templates, with each change of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from mcpscope.engine.exchange import Exchange
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import LISTS, Method

MAX_DEFINITIONS: Final = 50_000
MAX_VERSIONS: Final = 32


class DefinitionKind(StrEnum):
    TOOL = "tool"
    PROMPT = "prompt"
    RESOURCE = "resource"
    TEMPLATE = "template"


_KINDS: Final = {
    Method.TOOLS_LIST: (DefinitionKind.TOOL, "name"),
    Method.PROMPTS_LIST: (DefinitionKind.PROMPT, "name"),
    Method.RESOURCES_LIST: (DefinitionKind.RESOURCE, "uri"),
    Method.TEMPLATES_LIST: (DefinitionKind.TEMPLATE, "uriTemplate"),
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of one definition, as the server gave it at ``at`` (unix ns), before anything was hidden.

    ``name`` is the URI of a resource and the template of a template. ``digest`` ignores the order of keys.
    """

    kind: DefinitionKind
    name: str
    at: int
    digest: str
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """The definition as JSON, ASCII, keys in the server's order."""
        return json.dumps(self.body, separators=(",", ":"))


class Catalog:
    """The current version of every definition, and up to ``MAX_VERSIONS`` before it.

    ``changes`` counts what was new or different, so that a keeper of snapshots knows when to write one.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._versions: dict[tuple[str, str], list[Definition]] = {}

    def __repr__(self) -> str:
        return f"Catalog({len(self._versions)} definitions, {self.changes} changes)"

    def observe(self, exchange: Exchange, message: Message, at: int) -> list[Definition]:
        """Take in an answer to ``exchange``: the definitions in it that are new or changed.

        Pages are taken one by one; a definition that a later list leaves out stays known.
        """
        if message.kind is not Kind.RESULT or exchange.method not in _KINDS:
            return []
        kind, key = _KINDS[Method(exchange.method)]
        result = message.body.get("result")
        items = result.get(LISTS[exchange.method]) if type(result) is dict else None
        if type(items) is not list:
            return []
        found = (self._take(kind, item.get(key), item, at) for item in items if type(item) is dict)
        return [definition for definition in found if definition is not None]

    def tool(self, name: str) -> Definition | None:
        """The current definition of a tool."""
        return self.find(DefinitionKind.TOOL, name)

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """A tool's ``inputSchema`` where it is known and an object."""
        tool = self.tool(name)
        schema = tool.body.get("inputSchema") if tool else None
        return schema if isinstance(schema, dict) else None

    def output_schema(self, name: str) -> dict[str, Any] | None:
        """A tool's ``outputSchema`` where it is known and an object."""
        tool = self.tool(name)
        schema = tool.body.get("outputSchema") if tool else None
        return schema if isinstance(schema, dict) else None

    def find(self, kind: str, name: str) -> Definition | None:
        versions = self._versions.get((kind, name))
        return versions[-1] if versions else None

    def versions(self, kind: str, name: str) -> tuple[Definition, ...]:
        """All versions known, oldest first."""
        return tuple(self._versions.get((kind, name), ()))

    def all(self, kind: str) -> list[Definition]:
        """The current definitions of one kind, in the order they were first seen."""
        return [versions[-1] for (of, _), versions in self._versions.items() if of == kind]

    def snapshot(self) -> dict[str, Any]:
        """Every current definition, as values that every JSON writer takes."""
        rows = [
            [str(last.kind), last.name, last.at, last.digest, last.body]
            for last in (versions[-1] for versions in self._versions.values())
        ]
        return {"changes": self.changes, "definitions": json.dumps(rows)}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a snapshot; earlier versions stay in the store only."""
        self.changes = state["changes"]
        self._versions = {
            (kind, name): [Definition(DefinitionKind(kind), name, at, digest, body)]
            for kind, name, at, digest, body in json.loads(state["definitions"])
        }

    def _take(self, kind: DefinitionKind, name: Any, body: dict[str, Any], at: int) -> Definition | None:
        if type(name) is not str:
            return None
        versions = self._versions.get((kind, name))
        if versions is None:
            if len(self._versions) >= MAX_DEFINITIONS:
                return None
            versions = self._versions[(kind, name)] = []
        elif versions[-1].body == body and digest_of(body) == versions[-1].digest:
            return None
        definition = Definition(kind, name, at, digest_of(body), body)
        versions.append(definition)
        del versions[:-MAX_VERSIONS]
        self.changes += 1
        return definition


def digest_of(body: Any) -> str:
    """A digest of a JSON value; 1, 1.0 and true differ, the order of keys does not count."""
    try:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        text = repr(type(body))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
