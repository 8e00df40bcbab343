"""A rule begun for somebody: from a row of Traffic, or from what a person just decided on a hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcpscope.engine.filter.completion import quote
from mcpscope.tui.present.changes import differences

MAX_TERMS = 12
MAX_VALUE_CHARACTERS = 200
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ARGUMENTS = ("params", "arguments")


def match_for(method: str, params: object) -> str:
    """The filter that finds this request again: its tool and its arguments, as far as they are short."""
    given = params if isinstance(params, dict) else {}
    if method == "tools/call" and isinstance(given.get("name"), str):
        terms = [f"tool:{quote(given['name'])}"]
        places = list(_scalars("args", given.get("arguments")))
    else:
        terms = [f"method:{quote(method)}"] if method else []
        places = list(_scalars("params", {key: one for key, one in given.items() if key != "_meta"}))
    if len(places) <= MAX_TERMS:
        terms += [f"{path}={_value(one)}" for path, one in places if len(str(one)) <= MAX_VALUE_CHARACTERS]
    return " ".join(terms)


def for_row(method: str, params: object) -> dict[str, Any]:
    """A rule on a row: what it does is for the person to say; it begins with what does most good."""
    return {"match": match_for(method, params), "action": "deny", "message": "not allowed here"}


def for_decision(
    verb: str, wish: Mapping[str, Any], request: Mapping[str, Any], *, answers: bool
) -> dict[str, Any]:
    """A rule that always does what was just done to ``request``, or to its answer (``answers``)."""
    rule: dict[str, Any] = {"match": match_for(str(request.get("method", "")), request.get("params"))}
    if answers:
        rule["on"] = "answer"
    match verb:
        case "drop":
            rule |= {"action": "drop", "code": wish.get("code", 0), "message": wish.get("text", "")}
            return {key: value for key, value in rule.items() if value}
        case "answer":
            return {**rule, "action": "answer", "answer": _answered(wish)}
        case "edit":
            return {**rule, "action": "edit", **changes(wish["before"], wish["after"])}
        case "step":
            return {**rule, "on": "answer", "action": "break"}
        case _:
            return {**rule, "action": "allow"}


def _answered(wish: Mapping[str, Any]) -> Any:
    if wish.get("last_good"):
        return "last-good"
    if wish.get("text"):
        body = json.loads(wish["text"])
        return {key: body[key] for key in ("result", "error") if key in body}
    return {"error": wish["error"]} if wish.get("error") else {"result": wish.get("result") or {}}


def changes(before: Any, after: Any) -> dict[str, Any]:
    """What ``set`` and ``remove`` of a rule make of the message ``before`` to have ``after``."""
    sets: dict[str, Any] = {}
    removes: list[str] = []
    for path, value, gone in differences((), before, after):
        if gone:
            removes.append(_spelled(path))
        else:
            sets[_spelled(path)] = value
    return {**({"set": sets} if sets else {}), **({"remove": removes} if removes else {})}


def _spelled(path: tuple[str, ...]) -> str:
    """A path as people write it; as a JSON Pointer where a key is no plain word."""
    if path and all(_PLAIN.fullmatch(key) for key in path):
        return "args." + ".".join(path[2:]) if path[:2] == _ARGUMENTS and path[2:] else "$." + ".".join(path)
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def _scalars(root: str, value: object) -> Iterator[tuple[str, Any]]:
    """The scalars inside, each with its path in the filter language."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = key if _PLAIN.fullmatch(key) else quote(key) if '"' in quote(key) else f'"{key}"'
            yield from _scalars(f"{root}.{name}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _scalars(f"{root}[{number}]", inner)
    elif value is not None or root not in ("args", "params"):
        yield root, value


def _value(value: Any) -> str:
    """A value that ``=`` finds: strings in quotes, so that "5" is not 5."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return json.dumps(value)
