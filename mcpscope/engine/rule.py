"""One rule: what it looks for, what it does and where it is judged, and what it did so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from mcpscope.engine.chance import Chance, Dice, Fault
from mcpscope.engine.decisions import Answer
from mcpscope.engine.limits import Limit
from mcpscope.protocol.message import Direction


class Action(StrEnum):
    """What a rule does. The first five and the faults (FAULTS) decide and end the judging."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"
    ANSWER = "answer"
    DROP = "drop"
    BREAK = "break"
    LOG = "log"
    EDIT = "edit"
    DELAY = "delay"
    TAG = "tag"
    TIMEOUT = "timeout"
    DISCONNECT = "disconnect"
    TRUNCATE = "truncate"
    CORRUPT = "corrupt"
    EMPTY = "empty"
    RATE_LIMIT = "rate-limit"
    LIMIT = "limit"

    @property
    def decides(self) -> bool:
        return self in _DECIDERS


FAULTS = frozenset(
    {Action.TIMEOUT, Action.DISCONNECT, Action.TRUNCATE, Action.CORRUPT, Action.EMPTY, Action.RATE_LIMIT}
)
"""Trouble on purpose. ``delay`` and ``drop`` are faults, too, where a rule says so."""

REFUSALS = frozenset({Action.DENY, Action.ASK, Action.DROP})
"""What keeps a message from its receiver because a rule says so, and not as a trial."""

_DECIDERS = frozenset({Action.ALLOW, Action.DENY, Action.ASK, Action.ANSWER, Action.DROP}) | FAULTS
_OF_ANSWERS = frozenset({Action.TRUNCATE, Action.CORRUPT})


class Phase(StrEnum):
    """Which leg of an exchange a message is: what opens it (notifications too), or the answer to it."""

    REQUEST = "request"
    ANSWER = "answer"


class On(StrEnum):
    """Where a rule is judged. ``AUTO``: on the request, and on the answer if the condition looks at one."""

    AUTO = "auto"
    REQUEST = "request"
    ANSWER = "answer"
    BOTH = "both"


class Fallback(StrEnum):
    """What happens to a hold at its deadline."""

    DISCARD = "discard"
    CONTINUE = "continue"
    ERROR = "error"
    DENY = "deny"


Subject: TypeAlias = Any
"""engine.filter.subject.Subject; a plain rule never looks into it."""


Test: TypeAlias = Callable[[Subject], bool | None]


class Condition(Protocol):
    """What a rule looks for: engine.conditions.FilterCondition, or another evaluator.

    ``could`` may be wrong only by saying True; ``test`` has the last word, None where types did not fit.
    """

    @property
    def text(self) -> str: ...
    @property
    def looks_at_answer(self) -> bool: ...
    def seen(self, subject: Subject) -> dict[str, Any]:
        """The values of ``subject`` it asks for, by name."""
        ...

    def names_method(self, method: str) -> bool: ...
    def could(self, direction: Direction, method: str, tool: str) -> bool: ...
    @property
    def words(self) -> frozenset[str]:
        """The names of tools, methods and members that it spells out, globs among them."""

    @property
    def test(self) -> Test: ...
    def narrowed(self, direction: Direction, method: str, tool: str) -> Test:
        """``test`` for messages of which ``could`` said yes to these."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Without a condition it concerns every message.

    ``chapter`` names its policy where each of several has its say: an ``allow`` ends the judging of its own
    chapter only. ``server`` and ``caller`` narrow it to one of those ("" for all).
    ``origin`` tells where it came from: ``breakpoint``, ``intercept``, ``option``, ``live`` or ``policy``.
    ``skip`` hits pass before it acts, ``once`` switches it off after it acted. ``timeout_ns`` and
    ``fallback`` are for the holds it makes (None: the usual ones), ``errors_only`` for answers that are
    errors.
    """

    name: str
    action: Action
    condition: Condition | None = None
    on: On = On.AUTO
    origin: str = "live"
    enabled: bool = True
    shadow: bool = False
    errors_only: bool = False
    skip: int = 0
    once: bool = False
    message: str = ""
    code: int = 0
    answer: Answer | None = None
    patch: tuple[dict[str, Any], ...] = ()
    tag: str = ""
    delay_ns: int = 0
    timeout_ns: int | None = None
    fallback: Fallback | None = None
    fault: Fault | None = None
    limits: tuple[Limit, ...] = ()
    stands_last: bool = False
    """It says what happens to what no other rule decides."""
    chapter: str = ""
    server: str = ""
    caller: str = ""

    @property
    def refuses(self) -> bool:
        """Whether it is there to keep messages from passing."""
        return self.enabled and not self.shadow and self.action in REFUSALS and not self.is_fault

    @property
    def counts(self) -> bool:
        """Whether it has limits in force."""
        return self.enabled and not self.shadow and bool(self.limits)

    @property
    def is_fault(self) -> bool:
        """Whether what it does is trouble on purpose."""
        return self.fault is not None or self.action in FAULTS

    def judged_on(self, phase: Phase) -> bool:
        if self.action in _OF_ANSWERS:
            return phase is Phase.ANSWER
        if self.on is On.AUTO:
            looks = self.condition is not None and self.condition.looks_at_answer
            return phase is Phase.REQUEST or looks
        return self.on is On.BOTH or self.on.value == phase.value


@dataclass(slots=True)
class Entry:
    """A rule in force with what it did so far; times are unix ns. ``chance`` is the state of a fault."""

    rule: Rule
    hits: int = 0
    last_hit: int = 0
    chance: Chance | None = None

    @property
    def dice(self) -> Dice:
        """What its fault draws from."""
        self.chance = self.chance or Chance(self.rule.fault or Fault())
        return self.chance.dice

    def hit(self, at: int) -> bool:
        """Count a match; whether the rule acts on it (its first ``skip`` hits pass)."""
        self.hits += 1
        self.last_hit = at
        if self.hits <= self.rule.skip:
            return False
        if self.rule.fault is None:
            return True
        self.chance = self.chance or Chance(self.rule.fault)
        return self.chance.strikes(at)
