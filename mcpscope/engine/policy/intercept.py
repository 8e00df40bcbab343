"""Policies in the format of PolicyLayer's Intercept, as rules of ours: the same decisions on calls.

There all rules of a tool, then those of ``*``, have to pass; here what fails one is denied, and counters are
limits, which are reserved together when nothing has denied the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node

from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.limits import Limit
from mcpscope.engine.policy.intercept_reading import ANY, Given, read_tools
from mcpscope.engine.policy.nodes import Reader
from mcpscope.engine.policy.requirements import CallOf, NotListed, Requirement, compare
from mcpscope.engine.policy.standing import DEFAULT_NAME
from mcpscope.engine.rule import Action, Rule

KEYS = {
    "version": "1",
    "description": "For people.",
    "default": "allow (the default) or deny: what is not listed under tools.",
    "hide": "Exact names of tools that clients shall not see; * for all.",
    "tools": "The rules of each tool, by its exact name; * for those of every call.",
}
GLOBAL = "_global"
WINDOWS = {"minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Read:
    """What such a file says: rules in order, and the names of tools it hides."""

    rules: tuple[Rule, ...]
    hide: tuple[str, ...]


def is_intercept(top: MappingNode) -> bool:
    """Whether a policy is in that format: it has ``tools``, and ours has ``rules``."""
    keys = {str(getattr(key, "value", "")) for key, _ in top.value}
    return "tools" in keys and "rules" not in keys


def read(reader: Reader, members: dict[str, Node], taken: set[str]) -> Read:
    """The file as rules; its problems are the reader's to tell. ``taken`` are names of other rules."""
    deny = "default" in members and reader.word(members["default"], "default", ("allow", "deny")) == "deny"
    tools = read_tools(reader, members["tools"])
    windows = {
        (_scope(tool), one.counter): one.window
        for tool, given in tools.items()
        for one in given
        if one.counter
    }
    rules: list[Rule] = []
    if deny:
        listed = frozenset(tools) - {ANY}
        message = "only what the policy lists under tools is permitted"
        rules.append(Rule(DEFAULT_NAME, Action.DENY, NotListed(listed), origin="policy", message=message))
    for tool in (*sorted(tools.keys() - {ANY}), *({ANY} & tools.keys())):
        for one in tools[tool]:
            rules += _rules(reader, tool, one, windows)
    return Read(tuple(_named(rules, taken)), _hidden(reader, members))


def _rules(reader: Reader, tool: str, given: Given, windows: dict[tuple[str, str], str]) -> list[Rule]:
    """One rule there is one or two of ours: what is required of the arguments, and what is counted."""
    name = f"{tool}: {given.name}"
    only = "" if tool == ANY else tool
    make = partial(Rule, origin="policy", message=given.on_deny)
    if given.denies:
        return [make(name, Action.DENY, CallOf(only))]
    found: list[Rule] = []
    required = [
        Requirement(path, op, value) for root, path, op, value, _ in given.conditions if root == "args"
    ]
    if required:
        found.append(make(name, Action.DENY, CallOf(only, required)))
    limits = _limits(reader, tool, given, windows)
    if limits:
        counted = f"{name} (counted)" if required else name
        found.append(make(counted, Action.LIMIT, CallOf(only), limits=tuple(limits)))
    return found


def _limits(reader: Reader, tool: str, given: Given, windows: dict[tuple[str, str], str]) -> list[Limit]:
    """What the rule counts, and what it asks of other counters."""
    own = (_scope(tool), given.counter) if given.counter else None
    asked: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for root, path, op, value, node in given.conditions:
        if root != "state":
            continue
        counter = (path[0], ".".join(path[1:])) if len(path) > 1 else ("", "")
        if counter not in windows:
            reader.problem(node, f"no state block counts {'.'.join(('state', *path))}")
            continue
        asked.setdefault(counter, []).append((op, value))
    found = [_limit(own, given, asked.pop(own, []), windows[own])] if own else []
    return found + [_limit(counter, None, tests, windows[counter]) for counter, tests in asked.items()]


def _limit(
    counter: tuple[str, str], given: Given | None, tests: Sequence[tuple[str, Any]], window: str
) -> Limit:
    """A counter as a limit: its upper bounds hold behind the call that is counted, all else before it."""
    bounds = [(Decimal(str(value)), op == "lt") for op, value in tests if given and op in ("lt", "lte")]
    most, below = min(bounds, key=lambda one: (one[0], not one[1])) if bounds else (None, False)
    others = [(op, value) for op, value in tests if not (given and op in ("lt", "lte"))]
    return Limit(
        per_ns=WINDOWS[window] * SECOND_NS,
        most=most,
        below=below,
        of=("arguments", *given.increment_from) if given and given.increment_from else (),
        aligned=True,
        counter=".".join(counter),
        step=Decimal(given.increment if given else 0),
        before=tuple(partial(_before, op, value) for op, value in others),
    )


def _before(op: str, value: Any, used: Decimal) -> bool:
    return compare(op, int(used) if used == used.to_integral_value() else float(used), value)


def _scope(tool: str) -> str:
    return GLOBAL if tool == ANY else tool


def _hidden(reader: Reader, members: dict[str, Node]) -> tuple[str, ...]:
    found = reader.texts(members["hide"], "hide") if "hide" in members else []
    seen: set[str] = set()
    for name, node in found:
        if not name.strip():
            reader.problem(node, "hide has an empty name")
        elif name in seen:
            reader.problem(node, f"hide names {name!r} twice")
        seen.add(name)
    return tuple(f"tool:{name}" for name, _ in found)


def _named(rules: Sequence[Rule], taken: set[str]) -> list[Rule]:
    """The rules under names of their own: the format lets several have the same."""
    found: list[Rule] = []
    for rule in rules:
        name, number = rule.name, 1
        while name in taken:
            number += 1
            name = f"{rule.name} ({number})"
        taken.add(name)
        found.append(replace(rule, name=name))
    return found
