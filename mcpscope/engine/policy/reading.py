"""One rule of a policy file: its keys checked against its action, its conditions compiled."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.nodes import Node, ScalarNode

from mcpscope.engine.chance import PERIODS, RATE, Fault
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.conditions import FilterCondition, condition_of
from mcpscope.engine.decisions import Answer
from mcpscope.engine.filter.errors import FilterError
from mcpscope.engine.patch import PatchError, pointer
from mcpscope.engine.policy.keys import ACTION_KEYS, NEEDED, RULE_KEYS, SPECIAL
from mcpscope.engine.policy.limit_reading import read_limits
from mcpscope.engine.policy.nodes import Reader
from mcpscope.engine.policy.when import WhenCondition, WhenError
from mcpscope.engine.rule import Action, Fallback, On, Rule

MAX_MESSAGE_CHARS = 2_000
_SAFE = 2**53 - 1
_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")


def read_rule(reader: Reader, node: Node, number: int) -> Rule | None:
    """The rule, or None where it has problems."""
    before = len(reader.problems)
    members = reader.members(node, tuple(RULE_KEYS), "a rule")
    action = _action(reader, node, members)
    if action is None:
        return None
    _fitting(reader, node, members, action)
    given = _plain_keys(reader, members)
    given["condition"] = _condition(reader, members)
    given.update(_special_keys(reader, members, action))
    if len(reader.problems) > before:
        return None
    given.setdefault("name", f"rule {number}")
    return Rule(action=action, origin="policy", **given)


def _action(reader: Reader, node: Node, members: dict[str, Node]) -> Action | None:
    if "action" not in members:
        reader.problem(node, "a rule needs an action")
        return None
    word = reader.word(members["action"], "action", tuple(ACTION_KEYS))
    return None if word is None else Action(word)


def _fitting(reader: Reader, node: Node, members: dict[str, Node], action: Action) -> None:
    for key, value in members.items():
        if key in SPECIAL and key not in ACTION_KEYS[action.value]:
            reader.problem(value, f"{key} does not go with the action {action.value}")
    if action is Action.ALLOW and "message" in members and "limit" not in members:
        reader.problem(members["message"], "message does not go with the action allow without a limit")
    for key in NEEDED.get(action.value, ()):
        if key not in members:
            reader.problem(node, f"the action {action.value} needs {key}")
    if action is Action.EDIT and not members.keys() & {"patch", "set", "remove"}:
        reader.problem(node, "the action edit needs patch, set or remove")


def _plain_keys(reader: Reader, members: dict[str, Node]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "name" in members and (name := reader.text(members["name"], "name")) is not None:
        given["name"] = name
        if not name.strip():
            reader.problem(members["name"], "name must not be empty")
    if "on" in members and (word := reader.word(members["on"], "on", ("request", "answer", "both"))):
        given["on"] = On(word)
    if "mode" in members:
        given["shadow"] = reader.word(members["mode"], "mode", ("enforce", "shadow")) == "shadow"
    for key in ("enabled", "once", "errors_only"):
        if key in members:
            given[key] = bool(reader.truth(members[key], key))
    if "skip" in members:
        given["skip"] = _whole(reader, members["skip"], "skip")
    return given


def _special_keys(reader: Reader, members: dict[str, Node], action: Action) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "message" in members:
        given["message"] = (reader.text(members["message"], "message") or "")[:MAX_MESSAGE_CHARS]
    if "code" in members:
        given["code"] = _code(reader, members["code"])
    if "tag" in members:
        given["tag"] = reader.text(members["tag"], "tag")
    for key, field in (("for", "delay_ns"), ("timeout", "timeout_ns")):
        if key in members:
            given[field] = reader.duration(members[key], key)
    if "fallback" in members:
        word = reader.word(members["fallback"], "fallback", [item.value for item in Fallback])
        given["fallback"] = Fallback(word) if word else None
    if "answer" in members:
        given["answer"] = _answer(reader, members["answer"])
    if action is Action.EDIT:
        given["patch"] = _patch(reader, members)
    return given | _measured(reader, members, action)


def _measured(reader: Reader, members: dict[str, Node], action: Action) -> dict[str, Any]:
    """Limits, or what makes the rule a fault."""
    if "limit" in members and action is not Action.RATE_LIMIT:
        return {"limits": read_limits(reader, members["limit"])}
    if members.keys() & {"jitter", "probability", "seed", "limit"}:
        return {"fault": _fault(reader, members)}
    return {}


def _fault(reader: Reader, members: dict[str, Node]) -> Fault:
    chance = reader.plain(members["probability"]) if "probability" in members else 1.0
    if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
        reader.problem(members["probability"], "probability must be a number from 0 to 1")
        chance = 1.0
    seed = reader.plain(members["seed"]) if "seed" in members else 0
    if isinstance(seed, bool) or not isinstance(seed, int):
        reader.problem(members["seed"], "seed must be a whole number")
        seed = 0
    limit, per_ns = _rate(reader, members["limit"]) if "limit" in members else (0, 0)
    jitter = reader.duration(members["jitter"], "jitter") if "jitter" in members else 0
    return Fault(float(chance), seed, jitter or 0, limit, per_ns)


def _rate(reader: Reader, node: Node) -> tuple[int, int]:
    found = RATE.fullmatch(reader.text(node, "limit") or "")
    if found is None or found[3] not in PERIODS:
        reader.problem(node, "limit must be a rate such as 20/minute or 3/10s")
        return 0, 0
    return int(found[1]), int(found[2] or 1) * PERIODS[found[3]] * SECOND_NS


def _condition(reader: Reader, members: dict[str, Node]) -> Any:
    match = _match(reader, members["match"]) if "match" in members else None
    if "when" not in members:
        return match
    node = members["when"]
    text = reader.text(node, "when")
    if text is None:
        return None
    try:
        return WhenCondition(match, text)
    except WhenError as error:
        reader.problem(node, f"when: {error} (at {error.line}:{error.column} of the expression)")
        return None


def _match(reader: Reader, node: Node) -> FilterCondition | None:
    text = reader.text(node, "match")
    if text is None:
        return None
    try:
        found = condition_of(text)
    except FilterError as error:
        hint = f" ({error.hint})" if error.hint else ""
        reader.problem(node, f"match: {error.message} at {error.start + 1} of the filter{hint}")
        return None
    assert found is None or isinstance(found, FilterCondition)
    return found


def _whole(reader: Reader, node: Node, what: str) -> int:
    value = reader.plain(node)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    reader.problem(node, f"{what} must be a whole number of at least 0")
    return 0


def _code(reader: Reader, node: Node) -> int:
    value = reader.plain(node)
    if not isinstance(value, int) or isinstance(value, bool):
        reader.problem(node, "code must be a whole number")
        return 0
    if not -_SAFE <= value <= _SAFE:
        reader.problem(node, "code must be a number that every JSON reader keeps")
    if -32099 <= value <= -32020:
        reader.problem(node, "code must not be one of -32099 to -32020: they belong to the specification")
    return value


def _answer(reader: Reader, node: Node) -> Answer | None:
    if isinstance(node, ScalarNode):
        if reader.plain(node) == "last-good":
            return Answer(last_good=True)
        reader.problem(node, "answer must be last-good, or a mapping with result or error")
        return None
    members = reader.members(node, ("result", "error"), "answer")
    if len(members) != 1:
        reader.problem(node, "answer must have either result or error")
        return None
    body = {key: reader.plain(value) for key, value in members.items()}
    if "error" in body and not _is_error(body["error"]):
        reader.problem(node, "an error needs a code (a whole number) and a message")
    return Answer(body=body)


def _is_error(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("code"), int)
        and isinstance(value.get("message"), str)
    )


def _patch(reader: Reader, members: dict[str, Node]) -> tuple[dict[str, Any], ...]:
    operations: list[dict[str, Any]] = []
    for item in reader.items(members["patch"], "patch") if "patch" in members else ():
        found = reader.members(item, ("op", "path", "value", "from"), "an operation")
        plain = {key: reader.plain(value) for key, value in found.items()}
        if plain.get("op") not in _OPERATIONS or not isinstance(plain.get("path"), str):
            reader.problem(item, f"an operation needs op ({', '.join(_OPERATIONS)}) and path")
            continue
        needed = {"move": "from", "copy": "from", "remove": "path"}.get(plain["op"], "value")
        if needed not in plain:
            reader.problem(item, f"the operation {plain['op']} needs {needed}")
        if plain["op"] != "test":
            _path(reader, found["path"], plain["path"])
        operations.append(plain)
    changes = reader.named(members["set"], "set") if "set" in members else {}
    for path, value in changes.items():
        operations.append({"op": "set", "path": _path(reader, value, path), "value": reader.plain(value)})
    for path, place in reader.texts(members["remove"], "remove") if "remove" in members else ():
        operations.append({"op": "remove", "path": _path(reader, place, path)})
    return tuple(operations)


def _path(reader: Reader, node: Node, path: str) -> str:
    try:
        steps = pointer(path)
    except PatchError as error:
        reader.problem(node, str(error))
        return path
    if not steps or steps[0] in ("id", "jsonrpc"):
        what = f"its {steps[0]}" if steps else "the whole message"
        reader.problem(node, f"an edit does not change {what}")
    return path
