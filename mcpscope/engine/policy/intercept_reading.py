"""The rules of a file in Intercept's format, read strictly: every problem with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from ruamel.yaml.nodes import Node, ScalarNode

from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.filter.regexes import check_regex
from mcpscope.engine.policy.nodes import Reader
from mcpscope.engine.policy.requirements import OPERATORS

ANY = "*"
RULE_KEYS = ("name", "action", "conditions", "on_deny", "rate_limit", "state")
CONDITION_KEYS = ("path", "op", "value")
STATE_KEYS = ("counter", "window", "increment", "increment_from")
WINDOW_WORDS = ("minute", "hour", "day")
_RATE = re.compile(r"([1-9]\d{0,8})/(minute|hour|day)")

Condition: TypeAlias = tuple[str, tuple[str, ...], str, Any, Node]
"""``args`` or ``state``, the steps behind it, the operator, the value, and where it stands."""


@dataclass(slots=True)
class Given:
    """One rule as it is written; without a ``counter`` it counts nothing."""

    name: str
    denies: bool = False
    on_deny: str = ""
    conditions: tuple[Condition, ...] = ()
    counter: str = ""
    window: str = ""
    increment: int = 1
    increment_from: tuple[str, ...] = ()


def read_tools(reader: Reader, node: Node) -> dict[str, list[Given]]:
    """The rules of each tool; a tool without any is listed all the same."""
    if _is_null(node):
        return {}
    return {tool: _of_tool(reader, tool, one) for tool, one in reader.named(node, "tools").items()}


def _of_tool(reader: Reader, tool: str, node: Node) -> list[Given]:
    if _is_null(node):
        return []
    members = reader.members(node, ("rules",), f"the tool {tool}")
    if "rules" not in members or _is_null(members["rules"]):
        return []
    found: list[Given] = []
    counters: set[str] = set()
    for item in reader.items(members["rules"], "rules"):
        given = _rule(reader, tool, item)
        if given.counter and given.counter in counters:
            reader.problem(item, f"another rule of {tool} counts {given.counter!r}, too")
        counters.add(given.counter)
        found.append(given)
    return found


def _rule(reader: Reader, tool: str, node: Node) -> Given:
    members = reader.members(node, RULE_KEYS, "a rule")
    given = Given((reader.text(members["name"], "name") or "") if "name" in members else "")
    if not given.name.strip():
        reader.problem(node, "a rule needs a name")
    if "action" in members:
        given.denies = reader.word(members["action"], "action", ("evaluate", "deny")) == "deny"
    if "on_deny" in members:
        given.on_deny = reader.text(members["on_deny"], "on_deny") or ""
    if "rate_limit" in members:
        _rate(reader, tool, members, given)
        return given
    if "state" in members:
        _state(reader, members["state"], given)
    given.conditions = _conditions(reader, members)
    if given.denies and given.conditions:
        reader.problem(members["conditions"], "a rule that denies has no conditions")
    elif not given.denies and not given.conditions:
        reader.problem(node, "a rule that does not deny needs a condition")
    return given


def _rate(reader: Reader, tool: str, members: dict[str, Node], given: Given) -> None:
    """So many calls in a window: short for a counter of its own and a condition on it."""
    node = members["rate_limit"]
    if given.denies or members.keys() & {"conditions", "state"}:
        reader.problem(node, "rate_limit goes with neither conditions, state nor action: deny")
    found = _RATE.fullmatch(reader.text(node, "rate_limit") or "")
    if found is None:
        reader.problem(node, "rate_limit must be a count and minute, hour or day, such as 5/hour")
        return
    given.counter, given.window = f"_rate_{found[2]}", found[2]
    scope = "_global" if tool == ANY else tool
    given.conditions = (("state", (scope, given.counter), "lte", int(found[1]), node),)
    given.on_deny = given.on_deny or f"no more than {found[1]} calls per {found[2]}"


def _state(reader: Reader, node: Node, given: Given) -> None:
    members = reader.members(node, STATE_KEYS, "state")
    given.counter = (reader.text(members["counter"], "counter") or "") if "counter" in members else ""
    if not given.counter:
        reader.problem(node, "state needs the name of a counter")
    if "window" not in members:
        reader.problem(node, "state needs a window: minute, hour or day")
        given.counter = ""
    else:
        given.window = reader.word(members["window"], "window", WINDOW_WORDS) or "day"
    if "increment" in members:
        value = reader.plain(members["increment"])
        if isinstance(value, bool) or not isinstance(value, int):
            reader.problem(members["increment"], "increment must be a whole number")
        else:
            given.increment = value or 1
    if "increment_from" in members:
        text = reader.text(members["increment_from"], "increment_from") or ""
        if not text.startswith("args."):
            reader.problem(members["increment_from"], "increment_from must begin with args.")
        given.increment_from = tuple(text.split(".")[1:])


def _conditions(reader: Reader, members: dict[str, Node]) -> tuple[Condition, ...]:
    if "conditions" not in members or _is_null(members["conditions"]):
        return ()
    found = [_condition(reader, item) for item in reader.items(members["conditions"], "conditions")]
    return tuple(one for one in found if one is not None)


def _condition(reader: Reader, node: Node) -> Condition | None:
    members = reader.members(node, CONDITION_KEYS, "a condition")
    path = (reader.text(members["path"], "path") or "") if "path" in members else ""
    root, *steps = path.split(".")
    if root not in ("args", "state") or not steps:
        reader.problem(members.get("path", node), "path must begin with args. or state.")
        return None
    op = reader.word(members["op"], "op", OPERATORS) if "op" in members else None
    if op is None:
        if "op" not in members:
            reader.problem(node, "a condition needs op")
        return None
    value = reader.plain(members["value"]) if "value" in members else None
    why = _unfit(op, value)
    if why:
        reader.problem(members.get("value", node), why)
        return None
    return root, tuple(steps), op, value, node


def _unfit(op: str, value: Any) -> str:
    """Why ``op`` cannot be held against ``value``."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if op in ("in", "not_in") and not isinstance(value, list):
        return f"{op} needs a list"
    if op in ("lt", "lte", "gt", "gte") and not number:
        return f"{op} needs a number"
    if op == "exists" and not isinstance(value, bool):
        return "exists needs true or false"
    return _bad_pattern(value) if op == "regex" else ""


def _bad_pattern(value: Any) -> str:
    if not isinstance(value, str):
        return "regex needs a text"
    try:
        check_regex(value, value, 0, len(value))
    except FilterError as error:
        return error.message
    return ""


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and str(node.tag).endswith(":null")
