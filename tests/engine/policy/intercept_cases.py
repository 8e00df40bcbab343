"""What Intercept's documentation says of a call, case by case: a policy, what is called, and the decision."""

from __future__ import annotations

from typing import Any, NamedTuple

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Op(NamedTuple):
    """One condition on the arguments of one call."""

    path: str
    op: str
    value: Any
    args: dict[str, Any]
    passes: bool


OPS = [
    Op("args.n", "eq", 5, {"n": 5}, True),
    Op("args.n", "eq", 5, {"n": 5.0}, True),
    Op("args.n", "eq", 5, {"n": 6}, False),
    Op("args.n", "eq", 5, {"n": "5"}, True),
    Op("args.n", "eq", "5", {"n": 5}, True),
    Op("args.b", "eq", "main", {"b": "main"}, True),
    Op("args.b", "eq", "main", {"b": "Main"}, False),
    Op("args.b", "eq", True, {"b": True}, True),
    Op("args.b", "eq", True, {"b": "true"}, True),
    Op("args.b", "eq", True, {"b": 1}, False),
    Op("args.b", "eq", "main", {}, False),
    Op("args.b", "eq", "main", {"b": None}, False),
    Op("args.b", "neq", "draft", {"b": "main"}, True),
    Op("args.b", "neq", "draft", {"b": "draft"}, False),
    Op("args.b", "neq", "draft", {}, False),
    Op("args.b", "neq", 5, {"b": "5"}, False),
    Op("args.b", "neq", "draft", {"b": None}, True),
    Op("args.c", "in", ["usd", "eur"], {"c": "eur"}, True),
    Op("args.c", "in", ["usd", "eur"], {"c": "EUR"}, False),
    Op("args.c", "in", ["usd", "eur"], {}, False),
    Op("args.c", "in", [1, 2], {"c": 2.0}, True),
    Op("args.c", "in", [1, 2], {"c": "2"}, True),
    Op("args.c", "in", [], {"c": "eur"}, False),
    Op("args.c", "not_in", ["admin"], {"c": "user"}, True),
    Op("args.c", "not_in", ["admin"], {"c": "admin"}, False),
    Op("args.c", "not_in", ["admin"], {}, False),
    Op("args.c", "not_in", [], {"c": "user"}, True),
    Op("args.n", "lt", 100, {"n": 99}, True),
    Op("args.n", "lt", 100, {"n": 100}, False),
    Op("args.n", "lt", 100, {"n": -5}, True),
    Op("args.n", "lt", 100, {"n": "5"}, False),
    Op("args.n", "lt", 100, {"n": True}, False),
    Op("args.n", "lt", 100, {}, False),
    Op("args.n", "lte", 500, {"n": 500}, True),
    Op("args.n", "lte", 500, {"n": 500.01}, False),
    Op("args.n", "lte", 500, {"n": None}, False),
    Op("args.n", "lte", 500, {"n": [1]}, False),
    Op("args.n", "gt", 0, {"n": 0.5}, True),
    Op("args.n", "gt", 0, {"n": 0}, False),
    Op("args.n", "gt", 0, {}, False),
    Op("args.n", "gte", 1, {"n": 1}, True),
    Op("args.n", "gte", 1, {"n": 0}, False),
    Op("args.n", "gte", 1.5, {"n": 2}, True),
    Op("args.b", "regex", "^feat/", {"b": "feat/x"}, True),
    Op("args.b", "regex", "^feat/", {"b": "fix/feat/x"}, False),
    Op("args.b", "regex", "feat", {"b": "fix/feat/x"}, True),
    Op("args.b", "regex", "(?i)^FEAT/", {"b": "feat/x"}, True),
    Op("args.b", "regex", "^5$", {"b": 5}, False),
    Op("args.b", "regex", "^feat/", {}, False),
    Op("args.b", "regex", "^$", {"b": ""}, True),
    Op("args.b", "regex", "a.b", {"b": "a\nb"}, False),
    Op("args.t", "contains", "test", {"t": "a test here"}, True),
    Op("args.t", "contains", "test", {"t": "a Test here"}, False),
    Op("args.t", "contains", "x", {"t": ["x", "y"]}, True),
    Op("args.t", "contains", "x", {"t": ["xx", "y"]}, False),
    Op("args.t", "contains", 5, {"t": [4, 5]}, True),
    Op("args.t", "contains", 5, {"t": "5"}, False),
    Op("args.t", "contains", "x", {"t": {"x": 1}}, False),
    Op("args.t", "contains", "x", {}, False),
    Op("args.e", "exists", True, {"e": 0}, True),
    Op("args.e", "exists", True, {"e": ""}, True),
    Op("args.e", "exists", True, {"e": None}, False),
    Op("args.e", "exists", True, {}, False),
    Op("args.e", "exists", False, {}, True),
    Op("args.e", "exists", False, {"e": None}, True),
    Op("args.e", "exists", False, {"e": 1}, False),
    Op("args.a.b", "eq", "x", {"a": {"b": "x"}}, True),
    Op("args.a.b", "eq", "x", {"a": {"c": "x"}}, False),
    Op("args.a.b", "eq", "x", {"a": "b"}, False),
    Op("args.a.b.c", "lte", 5, {"a": {"b": {"c": 5}}}, True),
    Op("args.a.0", "eq", "x", {"a": ["x"]}, False),
    Op("args.a.b", "exists", False, {"a": 1}, True),
    Op("args.a.b", "exists", True, {"a": {"b": []}}, True),
]


class Call(NamedTuple):
    """One call ``after`` so many seconds; ``answer`` is what the server says to it where it passes."""

    passes: bool
    tool: str = "t"
    args: dict[str, Any] = {}  # noqa: RUF012  # never changed
    after: int = 0
    answer: str = "ok"


class Case(NamedTuple):
    """Calls in their order under one policy. The clock begins at 10:00:00 UTC of some day."""

    name: str
    policy: str
    calls: list[Call]


RATE = "tools: {t: {rules: [{name: r, rate_limit: %s}]}}"
TWO = RATE % "2/hour"
COUNTER = """
tools:
  t:
    rules:
      - name: r
        conditions: [{path: state.t.c, op: %s, value: %s}]
        state: {counter: c, window: %s%s}
"""
SPEND = COUNTER % ("lte", 100, "day", ", increment_from: args.amount")


def amount(value: Any) -> dict[str, Any]:
    return {"amount": value}


CASES = [
    Case("without rules all pass", "tools: {}", [Call(True), Call(True, "u")]),
    Case("a listed tool without rules passes", "tools: {t: {rules: []}}", [Call(True)]),
    Case("a listed tool with nothing passes", "tools: {t: }", [Call(True)]),
    Case("no tools at all", "default: allow\ntools:", [Call(True)]),
    Case("deny denies", "tools: {t: {rules: [{name: r, action: deny}]}}", [Call(False), Call(True, "u")]),
    Case("deny for all", 'tools: {"*": {rules: [{name: r, action: deny}]}}', [Call(False), Call(False, "u")]),
    Case("default deny, unlisted", "default: deny\ntools: {t: {rules: []}}", [Call(True), Call(False, "u")]),
    Case(
        "default deny, a wildcard rescues nobody",
        'default: deny\ntools: {t: {rules: []}, "*": {rules: [{name: r, rate_limit: 9/day}]}}',
        [Call(True), Call(False, "u"), Call(False, "*")],
    ),
    Case(
        "default deny, the wildcard's rules hold for what is listed",
        'default: deny\ntools: {t: {rules: []}, "*": {rules: [{name: r, rate_limit: 1/day}]}}',
        [Call(True), Call(False)],
    ),
    Case("default deny of names by exact spelling", "default: deny\ntools: {t: }", [Call(False, "T")]),
    Case("names are exact, not globs", "tools: {t*: {rules: [{name: r, action: deny}]}}", [Call(True, "tx")]),
    Case("hidden is denied", "hide: [t]\ntools: {}", [Call(False), Call(True, "u")]),
    Case("hidden, though its rules allow it", "hide: [t]\ntools: {t: {rules: []}}", [Call(False)]),
    Case("all hidden", 'hide: ["*"]\ntools: {t: {rules: []}}', [Call(False), Call(False, "u")]),
    Case(
        "all conditions have to hold",
        "tools: {t: {rules: [{name: r, conditions: [{path: args.a, op: lt, value: 5}, "
        "{path: args.b, op: eq, value: x}]}]}}",
        [
            Call(True, args={"a": 1, "b": "x"}),
            Call(False, args={"a": 1}),
            Call(False, args={"a": 9, "b": "x"}),
        ],
    ),
    Case(
        "all rules have to pass",
        "tools: {t: {rules: [{name: r, conditions: [{path: args.a, op: lt, value: 5}]}, "
        "{name: s, conditions: [{path: args.b, op: eq, value: x}]}]}}",
        [Call(True, args={"a": 1, "b": "x"}), Call(False, args={"a": 1, "b": "y"})],
    ),
    Case(
        "the wildcard's conditions hold for every tool",
        'tools: {"*": {rules: [{name: r, conditions: [{path: args.a, op: exists, value: true}]}]}}',
        [Call(True, args={"a": 1}), Call(False), Call(False, "u"), Call(True, "u", {"a": 1})],
    ),
    Case("a rate", TWO, [Call(True), Call(True), Call(False), Call(True, "u")]),
    Case(
        "a rate opens with the hour of UTC",
        TWO,
        [Call(True, after=3590), Call(True), Call(False), Call(True, after=10)],
    ),
    Case(
        "and not an hour after the first call",
        TWO,
        [Call(True, after=1800), Call(True), Call(True, after=1800)],
    ),
    Case(
        "a minute",
        RATE % "1/minute",
        [Call(True, after=59), Call(False), Call(True, after=1), Call(False, after=58)],
    ),
    Case("a day", RATE % "1/day", [Call(True), Call(False, after=13 * HOUR), Call(True, after=HOUR)]),
    Case(
        "two windows",
        "tools: {t: {rules: [{name: r, rate_limit: 1/minute}, {name: s, rate_limit: 2/hour}]}}",
        [Call(True), Call(False), Call(True, after=60), Call(False, after=60), Call(True, after=HOUR)],
    ),
    Case(
        "one rate for all tools",
        'tools: {"*": {rules: [{name: r, rate_limit: 2/hour}]}}',
        [Call(True), Call(True, "u"), Call(False), Call(False, "u")],
    ),
    Case(
        "a rate for each tool",
        "tools: {t: {rules: [{name: r, rate_limit: 1/hour}]}, u: {rules: [{name: r, rate_limit: 1/hour}]}}",
        [Call(True), Call(True, "u"), Call(False), Call(False, "u")],
    ),
    Case(
        "a denied call costs nothing",
        "tools: {t: {rules: [{name: r, rate_limit: 1/hour}, "
        "{name: s, conditions: [{path: args.a, op: eq, value: 1}]}]}}",
        [Call(False, args={"a": 2}), Call(True, args={"a": 1}), Call(False, args={"a": 1})],
    ),
    Case(
        "what the wildcard denies costs the tool nothing",
        "tools: {t: {rules: [{name: r, rate_limit: 2/hour}]}, "
        '"*": {rules: [{name: s, rate_limit: 1/minute}]}}',
        [Call(True), Call(False), Call(False), Call(True, after=60), Call(False, after=60)],
    ),
    Case("an error is rolled back", RATE % "1/day", [Call(True, answer="error"), Call(True), Call(False)]),
    Case(
        "a failed tool is rolled back, too",
        RATE % "1/day",
        [Call(True, answer="isError"), Call(True), Call(False)],
    ),
    Case("what is on its way counts", RATE % "1/day", [Call(True, answer=""), Call(False)]),
    Case(
        "an error rolls back all counters",
        "tools: {t: {rules: [{name: r, rate_limit: 1/hour}, {name: s, rate_limit: 1/day}]}}",
        [Call(True, answer="error"), Call(True), Call(False)],
    ),
    Case(
        "a rollback does not reach into the next window",
        RATE % "1/minute",
        [Call(True, after=59, answer="late error"), Call(True, after=1), Call(False)],
    ),
    Case("a counter, lte", COUNTER % ("lte", 2, "hour", ""), [Call(True), Call(True), Call(False)]),
    Case("a counter, lt", COUNTER % ("lt", 2, "hour", ""), [Call(True), Call(False)]),
    Case("steps", COUNTER % ("lte", 10, "hour", ", increment: 4"), [Call(True), Call(True), Call(False)]),
    Case(
        "no step is one step",
        COUNTER % ("lte", 2, "hour", ", increment: 0"),
        [Call(True), Call(True), Call(False)],
    ),
    Case(
        "a negative step lowers nothing",
        COUNTER % ("lte", 0, "hour", ", increment: -4"),
        [Call(True), Call(True)],
    ),
    Case(
        "a counter that has to be there", COUNTER % ("exists", "true", "hour", ""), [Call(True), Call(True)]
    ),
    Case("a counter that must be below nothing", COUNTER % ("lt", 0, "hour", ""), [Call(False)]),
    Case(
        "a counter that has to be high before", COUNTER % ("gte", 1, "hour", ""), [Call(False), Call(False)]
    ),
    Case(
        "a counter that is another number",
        COUNTER % ("neq", 1, "hour", ""),
        [Call(True), Call(False), Call(False)],
    ),
    Case(
        "spending",
        SPEND,
        [
            Call(True, args=amount(60)),
            Call(False, args=amount(41)),
            Call(True, args=amount(40)),
            Call(False, args=amount(1)),
        ],
    ),
    Case(
        "spending exactly",
        SPEND,
        [
            Call(True, args=amount(33.3)),
            Call(True, args=amount(33.3)),
            Call(True, args=amount(33.4)),
            Call(False, args=amount(0.01)),
        ],
    ),
    Case(
        "spending below",
        COUNTER % ("lt", 100, "day", ", increment_from: args.amount"),
        [Call(False, args=amount(100)), Call(True, args=amount(99)), Call(False, args=amount(1))],
    ),
    Case(
        "an amount that is missing",
        SPEND,
        [Call(False), Call(False, args=amount("5")), Call(False, args=amount(None))],
    ),
    Case(
        "a negative amount lowers nothing",
        SPEND,
        [Call(True, args=amount(100)), Call(True, args=amount(-50)), Call(False, args=amount(1))],
    ),
    Case(
        "a failed spending is given back",
        SPEND,
        [Call(True, args=amount(100), answer="error"), Call(True, args=amount(100))],
    ),
    Case(
        "spending begins anew at midnight UTC",
        SPEND,
        [
            Call(True, args=amount(100)),
            Call(False, args=amount(1), after=13 * HOUR),
            Call(True, args=amount(1), after=HOUR),
        ],
    ),
    Case(
        "another tool's counter is looked at, not raised",
        """
tools:
  t:
    rules:
      - {name: r, conditions: [{path: state.t.c, op: lte, value: 9}], state: {counter: c, window: day}}
  u: {rules: [{name: s, conditions: [{path: state.t.c, op: lt, value: 2}]}]}
""",
        [Call(True, "u"), Call(True), Call(True, "u"), Call(True), Call(False, "u"), Call(True)],
    ),
    Case(
        "a counter beside arguments",
        """
tools:
  t:
    rules:
      - name: r
        conditions: [{path: state.t.c, op: lte, value: 1}, {path: args.a, op: eq, value: 1}]
        state: {counter: c, window: day}
""",
        [Call(False), Call(True, args={"a": 1}), Call(False, args={"a": 1})],
    ),
    Case(
        "the wildcard's counter is of all tools",
        """
tools:
  "*":
    rules:
      - name: r
        conditions: [{path: state._global.c, op: lte, value: 2}]
        state: {counter: c, window: minute}
""",
        [Call(True), Call(True, "u"), Call(False), Call(True, "u", after=60)],
    ),
]


GOVERNED = [
    # method, params, whether it passes under "default: deny" with the tool t listed, and with t hidden
    ("tools/list", {}, True, True),
    ("prompts/list", {}, True, True),
    ("ping", {}, True, True),
    ("resources/read", {"uri": "file:///etc/passwd"}, False, True),
    ("resources/subscribe", {"uri": "file:///etc/passwd"}, False, True),
    ("prompts/get", {"name": "p"}, False, True),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {}}, False, True),
    ("something/new", {}, False, True),
]

WRONG = [
    ('version: "2"\ntools: {}', "version must be 1"),
    ("tools: {}", "needs version"),
    ('version: "1"\ndefault: maybe\ntools: {}', "default must be one of"),
    ('version: "1"\nhide: [""]\ntools: {}', "empty name"),
    ('version: "1"\nhide: [a, a]\ntools: {}', "twice"),
    ('version: "1"\nhide: a b\ntools: {t: {rules: [{}]}}', "needs a name"),
    ('version: "1"\ntools: {t: {rules: [{name: r, action: maybe}]}}', "action must be one of"),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, action: deny, '
        "conditions: [{path: args.a, op: eq, value: 1}]}]}}",
        "no conditions",
    ),
    ('version: "1"\ntools: {t: {rules: [{name: r}]}}', "needs a condition"),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: arg.a, op: eq, value: 1}]}]}}',
        "begin with args. or state.",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: args.a, op: like, value: 1}]}]}}',
        "op must be one of",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: args.a, op: in, value: 1}]}]}}',
        "in needs a list",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: args.a, op: lt, value: x}]}]}}',
        "lt needs a number",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: args.a, op: exists, value: 1}]}]}}',
        "exists needs",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: args.a, op: regex, value: "("}]}]}}',
        "not a regular expression",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: args.a, op: regex, value: 5}]}]}}',
        "regex needs a text",
    ),
    ('version: "1"\ntools: {t: {rules: [{name: r, rate_limit: 0/hour}]}}', "rate_limit must be"),
    ('version: "1"\ntools: {t: {rules: [{name: r, rate_limit: 5/week}]}}', "rate_limit must be"),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, action: deny, rate_limit: 5/day}]}}',
        "rate_limit goes with",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, rate_limit: 5/day}, {name: s, rate_limit: 6/day}]}}',
        "counts '_rate_day', too",
    ),
    (
        'version: "1"\ntools: {t: {rules: [{name: r, conditions: [{path: state.t.c, op: lt, value: 1}]}]}}',
        "no state block counts",
    ),
    (
        'version: "1"\ntools:' + COUNTER.partition("tools:")[2] % ("lt", 1, "week", ""),
        "window must be one of",
    ),
    (
        'version: "1"\ntools:'
        + COUNTER.partition("tools:")[2] % ("lt", 1, "day", ", increment_from: amount"),
        "increment_from must begin",
    ),
    ('version: "1"\ntools: {t: {rules: []}}\nrule: []', "no key 'rule'"),
    ('version: "1"\ntools: {t: {rule: []}}', "no key 'rule'"),
]
