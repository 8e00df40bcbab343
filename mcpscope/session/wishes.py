"""The parameters of control calls and of options, as decisions and rules of the engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.conditions import condition_of
from mcpscope.engine.decisions import (
    Answer,
    Approve,
    Decision,
    Deny,
    Drop,
    Edit,
    Extend,
    KeepAlive,
    Release,
    Revert,
)
from mcpscope.engine.patch import encode
from mcpscope.engine.policy.requirements import CallOf, NotListed
from mcpscope.engine.policy.spelling import spelled
from mcpscope.engine.rule import Action, Entry, Fallback, On, Rule
from mcpscope.engine.rules import Rules
from mcpscope.errors import Exit, ScopeError
from mcpscope.session.troubles import fault_json, read

Params = dict[str, Any]


def _edit(params: Params) -> Edit:
    operations = [dict(operation) for operation in params["patch"]]
    operations += [
        {"op": "set", "path": path, "value": value} for path, value in (params["set"] or {}).items()
    ]
    operations += [{"op": "remove", "path": path} for path in params["remove"]]
    if not operations and params["text"] is None:
        raise ScopeError("an edit needs patch, set, remove or text", code="bad_edit", exit=Exit.USAGE)
    return Edit(
        patch=tuple(operations),
        text=params["text"],
        part=params["part"],
        release=params["release"],
        unlock_state=params["unlock_state"],
        anyway=params["anyway"],
        confirmed=params["confirmed"],
        stop_at=params["step"],
    )


def _answer(params: Params) -> Answer:
    if params["last_good"]:
        return Answer(last_good=True)
    if params["text"]:
        return Answer(text=params["text"])
    if params["error"] is not None:
        return Answer(body={"error": params["error"]})
    if params["result"] is None:
        raise ScopeError(
            "an answer needs result, error, text or last_good", code="bad_answer", exit=Exit.USAGE
        )
    return Answer(body={"result": params["result"]})


def _step(params: Params) -> Release:
    stop = "any" if params["any"] else "answer"
    return Release(confirmed=params["confirmed"], digest=params["digest"], stop_at=stop)


DECISIONS: Final[dict[str, Callable[[Params], Decision]]] = {
    "scope/holds/continue": lambda p: Release(confirmed=p["confirmed"], digest=p["digest"]),
    "scope/holds/approve": lambda p: Approve(p["digest"], p["why"], p["again"]),
    "scope/holds/step": _step,
    "scope/holds/edit": _edit,
    "scope/holds/revert": lambda p: Revert(),
    "scope/holds/answer": _answer,
    "scope/holds/drop": lambda p: Drop(p["code"], p["text"]),
    "scope/holds/deny": lambda p: Deny(p["text"]),
    "scope/holds/extend": lambda p: Extend(p["seconds"], p["fallback"]),
    "scope/holds/keep-alive": lambda p: KeepAlive(p["on"]),
}
"""What each deciding method of control.methods means."""


def breakpoint(name: str, params: Params) -> Rule:
    """A breakpoint, or a log-point; raises FilterError."""
    return Rule(
        name,
        Action.LOG if params["log"] else Action.BREAK,
        condition_of(params["filter"]),
        on=On(params["on"]),
        origin="breakpoint",
        errors_only=params["errors"],
        skip=params["skip"],
        once=params["once"],
        timeout_ns=_ns(params["timeout"]),
        fallback=Fallback(params["fallback"]) if params["fallback"] else None,
    )


def intercept(filter: str, on: str = "both") -> Rule:
    """The filter that holds everything it matches; raises FilterError."""
    return Rule("intercept", Action.BREAK, condition_of(filter), on=On(on), origin="intercept")


def rule(name: str, params: Params) -> Rule:
    """A rule made live; raises FilterError, or ScopeError for an action that is none."""
    try:
        action = Action(params["action"])
    except ValueError:
        known = ", ".join(action.value for action in Action)
        text = f"no action is called {params['action']!r}; there are {known}"
        raise ScopeError(text, code="bad_rule", exit=Exit.USAGE) from None
    answer = Answer(params["answer"] or {}, last_good=params["last_good"])
    if action is Action.ANSWER and not answer.last_good and not answer.body.keys() & {"result", "error"}:
        text = 'an answer is {"result": ...} or {"error": ...}, or the last good one'
        raise ScopeError(text, code="bad_rule", exit=Exit.USAGE)
    return Rule(
        name,
        action,
        condition_of(params["match"]),
        on=On(params["on"]),
        shadow=params["shadow"],
        errors_only=params["errors"],
        skip=params["skip"],
        once=params["once"],
        message=params["message"],
        code=params["code"],
        answer=answer if action is Action.ANSWER else None,
        patch=tuple(dict(operation) for operation in params["patch"]),
        tag=params["tag"],
        delay_ns=int(params["delay"] * SECOND_NS),
        timeout_ns=_ns(params["timeout"]),
        fallback=Fallback(params["fallback"]) if params["fallback"] else None,
    )


def rule_spelled(given: Params, new_name: Callable[[str], str]) -> Rule:
    """A live rule from the keys of a policy file; raises PolicyError."""
    from mcpscope.engine.policy.load import load  # the YAML parser: only where somebody makes rules

    named = {"name": new_name("r"), **given}
    (found,) = load(json.dumps({"version": 1, "rules": [named]})).rules
    return replace(found, origin="live")


def obey(rules: Rules, breaks: list[str], intercept_filter: str, denies: list[str]) -> None:
    """Put the rules of the command line in force; raises FilterError."""
    found = [denial(rules.new_name("deny"), text) for text in denies]
    if intercept_filter:
        found.append(intercept(intercept_filter))
    for text in breaks:
        name = rules.new_name("b")
        found.append(Rule(name, Action.BREAK, condition_of(text), origin="breakpoint"))
    for rule in found:
        rules.add(rule)


def trouble(rules: Rules, faults: list[str]) -> None:
    """Put the faults of the command line in force; raises FilterError, ScopeError."""
    for text in faults:
        rules.add(read(text, rules.new_name("fault")))


def denial(name: str, filter: str) -> Rule:
    """``--deny FILTER``; raises FilterError."""
    return Rule(name, Action.DENY, condition_of(filter), origin="option")


def rule_json(entry: Entry) -> dict[str, Any]:
    """A rule in force as ``scope/rules/list`` shows it; ``last_hit`` is unix ns, 0 for never."""
    rule = entry.rule
    return {
        "name": rule.name,
        "action": rule.action.value,
        "match": rule.condition.text if rule.condition is not None else "",
        "on": rule.on.value,
        "origin": rule.origin,
        "enabled": rule.enabled,
        "shadow": rule.shadow,
        "errors": rule.errors_only,
        "skip": rule.skip,
        "once": rule.once,
        "message": rule.message,
        "tag": rule.tag,
        "delay": rule.delay_ns / SECOND_NS,
        "timeout": (rule.timeout_ns or 0) / SECOND_NS,
        "fallback": rule.fallback.value if rule.fallback is not None else "",
        "fault": fault_json(rule),
        "spelled": spelled(rule),
        "foreign": isinstance(rule.condition, CallOf | NotListed),
        "hits": entry.hits,
        "last_hit": entry.last_hit,
    }


def encoded(body: dict[str, Any]) -> bytes:
    """A message of our own as it leaves; raises ScopeError for what JSON has not."""
    try:
        json.dumps(body, allow_nan=False)
    except ValueError as error:
        raise ScopeError(str(error), code="bad_message", exit=Exit.USAGE) from None
    return encode(body)


def _ns(seconds: float) -> int | None:
    return int(seconds * SECOND_NS) if seconds else None
