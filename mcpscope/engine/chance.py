"""When a fault strikes: chance and rate, from a seed; the same seed gives the same run."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

_MASK: Final = (1 << 64) - 1
RATE: Final = re.compile(r"(\d{1,9})/(\d{0,9})([a-z]+)")
PERIODS: Final = {
    "s": 1,
    "second": 1,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "week": 604_800,
}
"""How a rate is written: ``20/minute``, ``3/10s``; the periods in seconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What makes a rule a fault. ``probability`` is of each match; ``jitter_ns`` is added to a delay at most.

    A rate limit lets ``limit`` messages pass in any ``per_ns``.
    """

    probability: float = 1.0
    seed: int = 0
    jitter_ns: int = 0
    limit: int = 0
    per_ns: int = 0


class Dice:
    """SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def __repr__(self) -> str:
        return f"<Dice {self._state:016x}>"

    def draw(self) -> int:
        """The next 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below_one(self) -> float:
        """The next number from 0 up to 1."""
        return (self.draw() >> 11) / (1 << 53)


class Chance:
    """The state of one fault in force."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.dice = Dice(fault.seed)
        self._passed: deque[int] = deque(maxlen=max(fault.limit, 1))

    def __repr__(self) -> str:
        return f"<Chance {self.fault!r}>"

    def strikes(self, at: int) -> bool:
        """Whether it strikes a message that matched at ``at``; asked once for each."""
        fault = self.fault
        if fault.probability < 1 and self.dice.below_one() >= fault.probability:
            return False
        if not fault.per_ns:
            return True
        while self._passed and self._passed[0] <= at - fault.per_ns:
            self._passed.popleft()
        if len(self._passed) < fault.limit:
            self._passed.append(at)
            return False
        return True

    def jitter(self) -> int:
        """What is added to a delay this time, ns."""
        return int(self.dice.below_one() * self.fault.jitter_ns)
