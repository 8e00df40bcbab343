"""A rule as a policy file spells it, so that one made live can be saved, shown and edited."""

from __future__ import annotations

from typing import Any

from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.conditions import FilterCondition
from mcpscope.engine.policy.keys import ACTION_KEYS, SPECIAL
from mcpscope.engine.policy.limit_reading import spelled_limit
from mcpscope.engine.policy.when import WhenCondition
from mcpscope.engine.rule import Action, On, Rule


def spelled(rule: Rule) -> dict[str, Any]:
    """The keys of ``rule`` in a policy file; loading them gives the rule again."""
    found: dict[str, Any] = {"name": rule.name, **_condition(rule), "action": rule.action.value}
    found |= _special(rule)
    if rule.on is not On.AUTO:
        found["on"] = rule.on.value
    if rule.shadow:
        found["mode"] = "shadow"
    if not rule.enabled:
        found["enabled"] = False
    if rule.skip:
        found["skip"] = rule.skip
    if rule.once:
        found["once"] = True
    takes = ACTION_KEYS[rule.action.value]
    return {key: value for key, value in found.items() if key not in SPECIAL or key in takes}


def _condition(rule: Rule) -> dict[str, str]:
    match rule.condition:
        case None:
            return {}
        case WhenCondition() as both:
            return {**({"match": both.match} if both.match else {}), "when": both.when}
        case FilterCondition() as one:
            return {"match": one.text}
        case other:  # of a kind that no file can name: its text is for people
            return {"match": other.text}


def _special(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "message": rule.message,
        "code": rule.code,
        "tag": rule.tag,
        "for": _seconds(rule.delay_ns),
        "timeout": _seconds(rule.timeout_ns or 0),
        "fallback": rule.fallback.value if rule.fallback is not None else "",
        "errors_only": rule.errors_only,
    }
    found = {key: value for key, value in found.items() if value}
    if rule.action is Action.DELAY:
        found["for"] = _seconds(rule.delay_ns) or "0s"
    if rule.answer is not None:
        found["answer"] = "last-good" if rule.answer.last_good else rule.answer.body
    if rule.limits:
        found["limit"] = [spelled_limit(limit) for limit in rule.limits]
    return found | _patch(rule) | _fault(rule)


def _patch(rule: Rule) -> dict[str, Any]:
    """``set`` is an operation of ours: it has a key of its own, all others are JSON Patch."""
    changes = {operation["path"]: operation["value"] for operation in rule.patch if operation["op"] == "set"}
    others = [dict(operation) for operation in rule.patch if operation["op"] != "set"]
    return {**({"patch": others} if others else {}), **({"set": changes} if changes else {})}


def _fault(rule: Rule) -> dict[str, Any]:
    fault = rule.fault
    if fault is None:
        return {}
    found: dict[str, Any] = {}
    if fault.limit:
        found["limit"] = f"{fault.limit}/{max(1, fault.per_ns // SECOND_NS)}s"
    if fault.jitter_ns:
        found["jitter"] = _seconds(fault.jitter_ns)
    if fault.probability != 1:
        found["probability"] = fault.probability
    if fault.seed:
        found["seed"] = fault.seed
    return found


def _seconds(ns: int) -> str:
    if not ns:
        return ""
    return (
        f"{ns // SECOND_NS}s"
        if ns % SECOND_NS == 0
        else f"{ns / 1_000_000:.6f}".rstrip("0").rstrip(".") + "ms"
    )
