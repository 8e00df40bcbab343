"""Faults as people write them, ``FILTER ACTION [VALUE] [key=value ...]``, and as control calls name them."""

from __future__ import annotations

import re
from typing import Any, Final

from mcpscope.engine.chance import PERIODS, RATE, Fault
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.conditions import condition_of
from mcpscope.engine.rule import FAULTS, Action, On, Rule
from mcpscope.errors import Exit, ScopeError

WORDS: Final = ("delay", "error", *sorted(action.value for action in FAULTS))
"""What a fault may be called; ``error`` is the action ``drop`` with an error as of a server."""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*'|["'])+""")
_KEYS: Final = ("jitter", "probability", "seed", "after", "once", "on", "code", "message")


def read(text: str, name: str) -> Rule:
    """``--fault``: filter, action, its time or rate, ``key=value`` ...; raises ScopeError, FilterError."""
    words = _WORD.findall(text)
    places = [place for place, word in enumerate(words) if word in WORDS]
    if not places:
        raise _wrong(f"{text!r} names no fault", "one of " + ", ".join(WORDS))
    place = places[-1]
    given: dict[str, Any] = {"match": " ".join(words[:place])}
    for word in words[place + 1 :]:
        key, equals, value = word.partition("=")
        if not equals and key != "once" and "value" not in given:
            given["value"] = word
        elif key in _KEYS and key not in given and (equals or key == "once"):
            given[key] = _unquoted(value) if equals else "true"
        else:
            raise _wrong(f"{word!r} is none of a fault's keys", "each once: " + ", ".join(_KEYS))
    return fault(name, words[place], given, origin="option")


def fault(name: str, word: str, given: dict[str, Any], *, origin: str = "live") -> Rule:
    """The rule of a fault; values may be texts. Raises ScopeError, FilterError."""
    if word not in WORDS:
        raise _wrong(f"no fault is called {word!r}", "there are " + ", ".join(WORDS))
    action = Action.DROP if word == "error" else Action(word)
    _fitting(word, action, given)
    limit, per_ns = rate(given.get("value", "")) if action is Action.RATE_LIMIT else (0, 0)
    delay = duration_ns(given.get("value", "")) if action is Action.DELAY else 0
    chance = _number(given.get("probability", 1), "probability")
    if not 0 <= chance <= 1:
        raise _wrong("probability is a number from 0 to 1")
    on = str(given.get("on") or "auto")
    if on not in tuple(On):
        raise _wrong("on is request, answer or both")
    skip = _whole(given.get("after", 0), "after")
    if skip < 0:
        raise _wrong("after is a number of at least 0")
    return Rule(
        name,
        action,
        condition_of(str(given.get("match") or "")),
        on=On(on),
        origin=origin,
        once=_truth(given.get("once", False)),
        skip=skip,
        message=str(given.get("message") or ""),
        code=_whole(given.get("code", 0), "code"),
        delay_ns=delay,
        fault=Fault(
            probability=chance,
            seed=_whole(given.get("seed", 0), "seed"),
            jitter_ns=duration_ns(given.get("jitter") or 0),
            limit=limit,
            per_ns=per_ns,
        ),
    )


def _fitting(word: str, action: Action, given: dict[str, Any]) -> None:
    """What is said must mean something for this fault; raises ScopeError."""
    value = given.get("value")
    if value and action not in (Action.DELAY, Action.RATE_LIMIT):
        raise _wrong(
            f"{word} takes no value, such as {value!r}", "only delay (2s) and rate-limit (20/minute) do"
        )
    if given.get("jitter") and action is not Action.DELAY:
        raise _wrong(f"{word} has no jitter", "jitter goes with delay")
    for key in ("code", "message"):
        if given.get(key) and action not in (Action.DROP, Action.RATE_LIMIT):
            raise _wrong(f"{word} says nothing, so it has no {key}", f"{key} goes with error and rate-limit")
    if given.get("on") in ("request", "both") and action in (Action.TRUNCATE, Action.CORRUPT):
        raise _wrong(f"{word} strikes answers only", "leave on out")


def duration_ns(value: Any) -> int:
    """``2s``, ``500ms``, or seconds."""
    found = _DURATION.fullmatch(str(value))
    if found is None:
        raise _wrong(f"{value!r} is no time", "for example 2s or 500ms")
    return int(float(found[1]) * _UNITS[found[2] or "s"] * SECOND_NS)


def rate(value: Any) -> tuple[int, int]:
    """``20/minute`` or ``3/10s``: how many, in how many ns."""
    found = RATE.fullmatch(str(value))
    if found is None or found[3] not in PERIODS:
        raise _wrong(f"{value!r} is no rate", "for example 20/minute or 3/10s")
    return int(found[1]), int(found[2] or 1) * PERIODS[found[3]] * SECOND_NS


def fault_json(rule: Rule) -> dict[str, Any] | None:
    """What makes the rule a fault, for lists; None where it is none."""
    if not rule.is_fault:
        return None
    found = rule.fault or Fault()
    return {
        "probability": found.probability,
        "seed": found.seed,
        "jitter": found.jitter_ns / SECOND_NS,
        "limit": found.limit,
        "per": found.per_ns / SECOND_NS,
    }


def _number(value: Any, key: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise _wrong(f"{key} is a number, not {value!r}") from None


def _whole(value: Any, key: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise _wrong(f"{key} is a whole number, not {value!r}") from None


def _truth(value: Any) -> bool:
    said = str(value).lower()
    if said not in ("true", "false", "1", "0", ""):
        raise _wrong(f"once is true or false, not {value!r}")
    return said in ("true", "1")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _wrong(text: str, hint: str = "") -> ScopeError:
    return ScopeError(text, code="bad_fault", exit=Exit.USAGE, hint=hint)
