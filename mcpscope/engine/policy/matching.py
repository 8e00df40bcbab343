"""Whether a rule would have matched an exchange that is over: both its legs are there at once."""

from __future__ import annotations

from typing import Any

from mcpscope.engine.judge import UNTOLD
from mcpscope.engine.rule import Phase, Rule
from mcpscope.protocol.message import Direction

JUDGED = frozenset({"request", "notification", "answer", "malformed"})
"""The kinds of exchanges that rules see; what the server writes on standard error is none."""
LAST_EXCHANGES = 10_000
"""Over so many exchanges it is counted what a rule would have matched."""
_BAD = ("rpc-error", "tool-error")
_OURS = frozenset({"denied", "dropped", "mock"})
"""Where the answer is our own, which no rule sees."""


class Leg:
    """One leg of a whole exchange, as the gate sees it: a request without its answer, or the answer."""

    __slots__ = ("_phase", "_subject")

    def __init__(self, subject: Any, phase: Phase) -> None:
        self._subject = subject
        self._phase = phase

    def __repr__(self) -> str:
        return f"<Leg {self._phase} {self._subject!r}>"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)

    @property
    def kinds(self) -> tuple[str, ...]:
        kinds = self._subject.kinds
        return (
            ("response",)
            if self._phase is Phase.ANSWER
            else tuple(kind for kind in kinds if kind != "response")
        )

    @property
    def status(self) -> str:
        return self._subject.status if self._phase is Phase.ANSWER else "waiting"

    @property
    def code(self) -> int | None:
        return self._subject.code if self._phase is Phase.ANSWER else None

    @property
    def dur_ns(self) -> int | None:
        return self._subject.dur_ns if self._phase is Phase.ANSWER else None

    @property
    def res_bytes(self) -> int | None:
        return self._subject.res_bytes if self._phase is Phase.ANSWER else None

    @property
    def answer(self) -> Any:
        return self._subject.answer if self._phase is Phase.ANSWER else None


def would_match(rule: Rule, subject: Any) -> bool:
    """Whether ``rule`` has something to say about the request or the answer of ``subject``.

    ``subject`` is an exchange as filters see it; whether another rule decides before it is not asked.
    """
    kinds = subject.kinds
    if not JUDGED.intersection(kinds):
        return False
    phases = [Phase.REQUEST] if kinds[0] != "answer" else []
    if ("response" in kinds or kinds[0] == "answer") and subject.status not in _OURS:
        phases.append(Phase.ANSWER)
    return any(rule.judged_on(phase) and _matches(rule, Leg(subject, phase), phase) for phase in phases)


def _matches(rule: Rule, leg: Leg, phase: Phase) -> bool:
    if phase is Phase.ANSWER and rule.errors_only and leg.status not in _BAD:
        return False
    condition = rule.condition
    if condition is None:
        return True
    direction = Direction.TO_CLIENT if leg.dir == Direction.TO_CLIENT.value else Direction.TO_SERVER
    if not condition.could(direction, leg.method, leg.tool):
        return False
    found = condition.test(leg)
    return bool(found) or (found is None and rule.action in UNTOLD)
