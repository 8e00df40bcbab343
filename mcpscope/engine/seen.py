"""The values that a rule's condition looked at, for the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

from mcpscope.engine.filter.ast import And, Names, Node, Not, Number, Or, Path
from mcpscope.engine.filter.jsonpath import walk
from mcpscope.engine.filter.paths import places
from mcpscope.engine.filter.subject import Subject
from mcpscope.engine.live import Facts, Live
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Rule
from mcpscope.engine.steering import Steering
from mcpscope.protocol.parsing import parse

MAX_VALUES = 16
MAX_CHARS = 200
_FIELDS = {
    **{
        name: attrgetter(name) for name in ("method", "tool", "name", "uri", "dir", "status", "code", "kinds")
    },
    **{name: attrgetter(f"{name}_names") for name in ("session", "client", "server")},
    "id": attrgetter("rpc_id"),
    "kind": attrgetter("kinds"),
    "dur": attrgetter("dur_ns"),
    "req": attrgetter("req_bytes"),
    "res": attrgetter("res_bytes"),
    "wait": attrgetter("wait_ns"),
}


def values_seen(rule: Rule, passage: Passage, steering: Steering, facts: Facts, at: int) -> dict[str, Any]:
    """What ``rule`` looked at in ``passage``, by the names its text has for it, as it may be written down."""
    if rule.condition is None:
        return {}
    found = rule.condition.seen(Live(_shown(passage, steering), facts, at))
    return {name: _short(value) for name, value in list(found.items())[:MAX_VALUES]}


def of_filter(tree: Node, subject: Subject) -> dict[str, Any]:
    """The values of the places that a filter names."""
    found: dict[str, Any] = {}
    for node in _terms(tree):
        if isinstance(node, Path):
            name = node.root + "".join(_step(step) for step in node.steps)
            values = [value for place in places(node.root, subject) for value in walk(place, node.steps)]
            found[name] = values[0] if len(values) == 1 else values or None
        elif isinstance(node, Names | Number) and node.field in _FIELDS:
            value = _FIELDS[node.field](subject)
            found[node.field] = list(value) if isinstance(value, tuple) else value
    return found


def _shown(passage: Passage, steering: Steering) -> Passage:
    """``passage`` with its messages as they may be written down."""

    def shown(message: Any) -> Any:
        if message is None:
            return None
        raw = steering.shown(message.raw)
        return message if raw is message.raw or raw == message.raw else parse(raw)

    return replace(passage, message=shown(passage.message), request=shown(passage.request))


def _terms(node: Node) -> Iterator[Node]:
    match node:
        case And(items) | Or(items):
            yield from _of_all(items)
        case Not(item):
            yield from _terms(item)
        case _:
            yield node


def _of_all(items: Iterable[Node]) -> Iterator[Node]:
    for item in items:
        yield from _terms(item)


def _step(step: str | int | None) -> str:
    return "[*]" if step is None else f"[{step}]" if isinstance(step, int) else f".{step}"


def _short(value: Any) -> Any:
    """``value``, or the beginning of its JSON where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= MAX_CHARS else text[:MAX_CHARS] + "…"
