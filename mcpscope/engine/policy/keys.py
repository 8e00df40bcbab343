"""The keys a policy file may have, each with the line it has in the editor schema."""

from __future__ import annotations

from typing import Any

POLICY_KEYS: dict[str, str] = {
    "version": "The format of this file: 1.",
    "description": "For people.",
    "default": "What happens to what no rule decides: allow (the default) or deny.",
    "hide": "Tools, prompts and resources that clients shall not see, as globs.",
    "redact": "Places whose values reach no disk: header:NAME, a path ($.params.x, args.x, TOOL:$.x), a key.",
    "callers": "Who may come in over HTTP, and their names in rules.",
    "rules": "The rules, in order: the first that decides wins.",
}

RULE_KEYS: dict[str, str] = {
    "name": "What the rule is called in records and lists.",
    "match": "A filter: what the rule looks for.",
    "when": "A CEL expression over tool, args, method, params, result, error, direction, client, caller, "
    "server and session.",
    "action": "What it does.",
    "on": "Where it is judged: request, answer or both (default: answers only if it looks at one).",
    "mode": "shadow: record what it would have done.",
    "enabled": "false: listed, not in force.",
    "message": "What the refused are told.",
    "code": "The error code of drop.",
    "answer": "What answers in the receiver's place: result, error, or last-good.",
    "patch": "JSON Patch operations of edit.",
    "set": "Paths and their new values, for edit.",
    "remove": "Paths to take out, for edit.",
    "tag": "The word of tag.",
    "for": "How long delay waits.",
    "jitter": "Up to so much more delay.",
    "limit": "How much may pass: 20/minute, 500/day utc, or most, per, of, window, by, counter; or several.",
    "probability": "Of each match, from 0 to 1: makes the rule a fault.",
    "seed": "What the chance of a fault begins with: the same seed gives the same run.",
    "timeout": "How long ask and break hold.",
    "fallback": "What happens to a hold at its timeout: discard, continue, error or deny.",
    "errors_only": "true: only on answers that are errors.",
    "skip": "So many matches pass before the rule acts.",
    "once": "true: the rule switches itself off after it acted.",
}

_CHANCE = frozenset({"probability", "seed"})

ACTION_KEYS: dict[str, frozenset[str]] = {
    "allow": frozenset({"limit", "message"}),
    "deny": frozenset({"message"}),
    "ask": frozenset({"message", "timeout", "limit"}),
    "limit": frozenset({"limit", "message"}),
    "answer": frozenset({"answer"}),
    "drop": frozenset({"message", "code", *_CHANCE}),
    "break": frozenset({"timeout", "fallback", "errors_only"}),
    "log": frozenset({"message", "errors_only"}),
    "edit": frozenset({"patch", "set", "remove"}),
    "delay": frozenset({"for", "jitter", *_CHANCE}),
    "tag": frozenset({"tag"}),
    "timeout": _CHANCE,
    "disconnect": _CHANCE,
    "truncate": _CHANCE,
    "corrupt": _CHANCE,
    "empty": _CHANCE,
    "rate-limit": frozenset({"message", "code", "limit", *_CHANCE}),
}
"""Which keys only some actions take; every other key goes with all of them."""

NEEDED: dict[str, tuple[str, ...]] = {
    "answer": ("answer",),
    "delay": ("for",),
    "tag": ("tag",),
    "rate-limit": ("limit",),
    "limit": ("limit",),
}
LIMIT_KEYS: dict[str, str] = {
    "most": "How many messages, or the sum of their amounts.",
    "per": "In which time: minute, hour, day, week, 10m.",
    "of": "The argument whose amounts are summed: args.amount. Without it messages are counted.",
    "window": "sliding (the default): any such time; utc: each as UTC divides it.",
    "by": "caller, tool or both: each has a share of its own.",
    "counter": "The name of what is counted; rules that name the same share it.",
}
SPECIAL = frozenset().union(*ACTION_KEYS.values())


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy file, for editors."""
    text = {"type": "string"}
    duration = {"type": ["string", "number"], "examples": ["500ms", "2s", "5m"]}
    texts = {"anyOf": [text, {"type": "array", "items": text}]}
    truth = {"type": "boolean"}
    amount = {"type": "number", "minimum": 0}
    shares = {"enum": ["caller", "tool"]}
    limits: dict[str, Any] = {
        "most": amount,
        "window": {"enum": ["sliding", "utc"]},
        "by": {"anyOf": [shares, {"type": "array", "items": shares}]},
    }
    limit = {
        "type": "object",
        "required": ["most", "per"],
        "additionalProperties": False,
        "properties": {
            key: {**limits.get(key, text), "description": line} for key, line in LIMIT_KEYS.items()
        },
    }
    types: dict[str, Any] = {
        "action": {"enum": list(ACTION_KEYS)},
        "on": {"enum": ["request", "answer", "both"]},
        "mode": {"enum": ["enforce", "shadow"]},
        "limit": {"anyOf": [text, limit, {"type": "array", "items": {"anyOf": [text, limit]}}]},
        "fallback": {"enum": ["discard", "continue", "error", "deny"]},
        "enabled": truth,
        "errors_only": truth,
        "once": truth,
        "code": {"type": "integer"},
        "skip": {"type": "integer", "minimum": 0},
        "answer": {
            "anyOf": [
                {"const": "last-good"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "properties": {"result": {}, "error": {}},
                },
            ]
        },
        "patch": {"type": "array", "items": {"type": "object", "required": ["op", "path"]}},
        "set": {"type": "object"},
        "remove": texts,
        "for": duration,
        "jitter": duration,
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "seed": {"type": "integer"},
        "timeout": duration,
    }
    rule = {
        "type": "object",
        "required": ["action"],
        "additionalProperties": False,
        "properties": {key: {**types.get(key, text), "description": line} for key, line in RULE_KEYS.items()},
    }
    caller = {
        "type": "object",
        "required": ["bearer"],
        "additionalProperties": False,
        "properties": {"bearer": text},
    }
    tops: dict[str, Any] = {
        "version": {"enum": [1, "1"]},
        "description": text,
        "default": {"enum": ["allow", "deny"]},
        "hide": texts,
        "redact": texts,
        "callers": {"type": "object", "additionalProperties": caller},
        "rules": {"type": "array", "items": rule},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mcpscope policy",
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {key: {**tops[key], "description": line} for key, line in POLICY_KEYS.items()},
    }
