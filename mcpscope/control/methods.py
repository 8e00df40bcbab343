"""The methods of the control socket: their names, what they take, and whether they steer.

One table: the server validates by it, help is made from it, and a test walks it. Everything under ``scope/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import Any, Final

EVENT: Final = "scope/event"
"""The one notification: ``{"event": word, "session": n, "data": {...}}`` to everybody who subscribed."""

EVENTS: Final = {
    "held": "a message was stopped; data is the hold",
    "changed": "a hold was edited, extended, kept alive, or its client gave up; data is the hold",
    "released": "a hold was resolved: id, outcome, by, waited_ns",
    "answered": "an injected request was answered: at, answer",
    "session-began": "a session began",
    "session-ended": "a session ended",
    "rules": "breakpoints, intercept or rules changed",
    "view": "what clients may see has changed; data are the wishes in force",
    "visibility": "what a client heard of that and did then: surface, text",
    "drift": "a tool is not as it was accepted, or is again: tool, changes, on_drift",
    "attached": "somebody attached or left: names of those attached",
    "lane": "a direction entered or left the gate",
    "upstream": "an upstream of a gateway does otherwise than before: name, state, why, since, failures",
    "note": "something a person should know: kind, text",
}


@dataclass(frozen=True, slots=True)
class Param:
    """One member of ``params``; without a default it is required."""

    name: str
    type: type | UnionType
    default: Any = ...
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """One method. ``steers``: refused to a connection that is read-only."""

    name: str
    help: str
    params: tuple[Param, ...] = ()
    steers: bool = False


_ID = Param("id", int)
_NAME = Param("name", str)
_CONFIRMED = Param("confirmed", bool, False)
_STEP = Param("step", str, "", ("", "answer", "any"))
_ON = Param("on", str, "request", ("request", "answer", "both"))
_NUMBER = int | float
_GLOBS = Param("globs", list)
_KIND = Param("kind", str, "", ("", "tool", "prompt", "resource"))

METHODS: Final = {
    method.name: method
    for method in (
        Method("scope/hello", "say who you are", (Param("name", str), Param("version", str, ""))),
        Method("scope/methods", "this table"),
        Method("scope/status", "the proxy, its sessions, lanes, holds and who is attached"),
        Method(
            "scope/subscribe",
            "hear events; attached (breakpoints hold) unless read_only, or with attach false",
            (Param("read_only", bool, False), Param("attach", bool, True)),
        ),
        Method("scope/unsubscribe", "hear no more"),
        Method(
            "scope/restart",
            "let another server take the place of the one that runs; of a gateway, of one upstream or all",
            (Param("server", str, ""),),
            steers=True,
        ),
        Method("scope/holds/list", "what is held, without its bytes", (Param("session", int, 0),)),
        Method("scope/holds/get", "one hold with the bytes received and the draft", (_ID,)),
        Method(
            "scope/holds/continue",
            "let it go as it stands",
            (_ID, _CONFIRMED, Param("digest", str, "")),
            steers=True,
        ),
        Method("scope/holds/continue-all", "let all go whose client still waits", steers=True),
        Method(
            "scope/holds/step",
            "let it go and stop at its answer, or at any next message",
            (_ID, Param("any", bool, False), _CONFIRMED, Param("digest", str, "")),
            steers=True,
        ),
        Method(
            "scope/holds/edit",
            "change it (JSON Patch, set and remove of paths, or JSON text); send it or keep the draft",
            (
                _ID,
                Param("patch", list, ()),
                Param("set", dict, None),
                Param("remove", list, ()),
                Param("text", str, None),
                Param("part", str, ""),
                Param("release", bool, True),
                Param("unlock_state", bool, False),
                Param("anyway", bool, False),
                _CONFIRMED,
                _STEP,
            ),
            steers=True,
        ),
        Method("scope/holds/revert", "throw the draft away", (_ID,), steers=True),
        Method(
            "scope/holds/answer",
            "answer in the receiver's place",
            (
                _ID,
                Param("result", object, None),
                Param("error", dict, None),
                Param("text", str, ""),
                Param("last_good", bool, False),
            ),
            steers=True,
        ),
        Method(
            "scope/holds/drop",
            "do not let it pass; a request gets this error",
            (_ID, Param("code", int, 0), Param("text", str, "")),
            steers=True,
        ),
        Method("scope/holds/deny", "refuse it as a policy would", (_ID, Param("text", str, "")), steers=True),
        Method(
            "scope/holds/approve",
            "allow exactly these bytes, named by their digest: once, or the same again in this session",
            (_ID, Param("digest", str), Param("why", str, ""), Param("again", bool, False)),
            steers=True,
        ),
        Method(
            "scope/holds/extend",
            "a new deadline, in seconds from now",
            (
                _ID,
                Param("seconds", _NUMBER),
                Param("fallback", str, "", ("", "discard", "continue", "error", "deny")),
            ),
            steers=True,
        ),
        Method("scope/holds/keep-alive", "send the client progress", (_ID, Param("on", bool)), steers=True),
        Method(
            "scope/holds/freeze",
            "let a hold stop its whole session, as long as somebody is attached; or no longer",
            (Param("on", bool),),
            steers=True,
        ),
        Method("scope/breakpoints/list", "the breakpoints"),
        Method(
            "scope/breakpoints/add",
            "hold what matches",
            (
                Param("filter", str, ""),
                _ON,
                Param("errors", bool, False),
                Param("once", bool, False),
                Param("skip", int, 0),
                Param("log", bool, False),
                Param("name", str, ""),
                Param("timeout", _NUMBER, 0),
                Param("fallback", str, "", ("", "discard", "continue", "error")),
            ),
            steers=True,
        ),
        Method("scope/breakpoints/remove", "forget a breakpoint", (_NAME,), steers=True),
        Method("scope/breakpoints/enable", "switch one on or off", (_NAME, Param("on", bool)), steers=True),
        Method("scope/intercept/get", "the filter that holds everything it matches"),
        Method(
            "scope/intercept/set",
            "set that filter, or switch it off and on and keep it",
            (Param("filter", str, None), Param("enabled", bool, True), Param("on", str, "both", _ON.choices)),
            steers=True,
        ),
        Method(
            "scope/detached/set",
            "what breakpoints do while nobody is attached",
            (Param("mode", str, ..., ("pass", "error", "wait")),),
            steers=True,
        ),
        Method("scope/rules/list", "all rules in order, with their hits"),
        Method(
            "scope/rules/add",
            "add a rule, or replace the one of that name",
            (
                Param("action", str),
                Param("match", str, ""),
                Param("name", str, ""),
                Param("on", str, "auto", ("auto", "request", "answer", "both")),
                Param("message", str, ""),
                Param("code", int, 0),
                Param("answer", dict, None),
                Param("last_good", bool, False),
                Param("patch", list, ()),
                Param("tag", str, ""),
                Param("delay", _NUMBER, 0),
                Param("timeout", _NUMBER, 0),
                Param("fallback", str, "", ("", "discard", "continue", "error", "deny")),
                Param("once", bool, False),
                Param("skip", int, 0),
                Param("errors", bool, False),
                Param("shadow", bool, False),
                Param("first", bool, False),
            ),
            steers=True,
        ),
        Method(
            "scope/faults/add",
            "add a rule that makes trouble: value is a delay's time or a rate",
            (
                Param("match", str, ""),
                Param("fault", str),
                Param("value", str, ""),
                Param("jitter", str, ""),
                Param("probability", _NUMBER, 1),
                Param("after", int, 0),
                Param("once", bool, False),
                Param("seed", int, 0),
                Param("on", str, "auto", ("auto", "request", "answer", "both")),
                Param("code", int, 0),
                Param("message", str, ""),
                Param("name", str, ""),
            ),
            steers=True,
        ),
        Method(
            "scope/rules/put",
            "add a rule as a policy file spells it, or replace the one made live of that name",
            (Param("rule", dict), Param("first", bool, False)),
            steers=True,
        ),
        Method(
            "scope/rules/move",
            "put a rule made live so many places further down",
            (_NAME, Param("by", int)),
            steers=True,
        ),
        Method("scope/rules/remove", "forget a rule made live", (_NAME,), steers=True),
        Method("scope/rules/enable", "switch a rule on or off", (_NAME, Param("on", bool)), steers=True),
        Method("scope/policy/get", "the policy files in force, and why a changed one is not"),
        Method(
            "scope/tools/list",
            "what is hidden, shown or renamed, and what hides each name",
            (_KIND, Param("names", list, ())),
        ),
        Method("scope/tools/hide", "hide tools, prompts and resources by glob", (_GLOBS, _KIND), steers=True),
        Method("scope/tools/unhide", "show them again; * shows all", (_GLOBS, _KIND), steers=True),
        Method("scope/tools/only", "show nothing but these", (_GLOBS,), steers=True),
        Method(
            "scope/tools/rename",
            "let clients see a tool under another name or description; neither undoes it",
            (_NAME, Param("to", str, ""), Param("description", str, "")),
            steers=True,
        ),
        Method(
            "scope/tools/accept",
            "accept drifted tools as they are now (none named: all); who asks stores what is returned",
            (Param("names", list, ()),),
            steers=True,
        ),
        Method("scope/tools/diff", "the tools that are not as they were accepted, and what changed"),
        Method(
            "scope/inject",
            "send a message as if a peer of a live session had sent it",
            (
                Param("message", dict),
                Param("session", int, 0),
                Param("dir", str, "c2s", ("c2s", "s2c")),
            ),
            steers=True,
        ),
    )
}


def validated(method: Method, params: dict[str, Any]) -> dict[str, Any]:
    """``params`` with the defaults filled in; raises ValueError with what is wrong with them."""
    known = {param.name for param in method.params}
    if strange := sorted(params.keys() - known):
        takes = ", ".join(sorted(known)) or "nothing"
        raise ValueError(f"{method.name} does not take {', '.join(strange)}; it takes {takes}")
    found: dict[str, Any] = {}
    for param in method.params:
        if param.name not in params:
            if param.default is ...:
                raise ValueError(f"{method.name} needs {param.name}")
            found[param.name] = param.default
            continue
        value = params[param.name]
        if not (value is None and param.default is None):
            _check(param, value)
        found[param.name] = value
    return found


def _check(param: Param, value: Any) -> None:
    wrong = isinstance(value, bool) and param.type in (int, _NUMBER)
    if wrong or not isinstance(value, param.type):
        raise ValueError(f"{param.name} is {_shown(param)}, not {type(value).__name__}")
    if param.choices and value not in param.choices:
        raise ValueError(f"{param.name} is one of {', '.join(word or '(empty)' for word in param.choices)}")


def _shown(param: Param) -> str:
    return getattr(param.type, "__name__", "a number")
