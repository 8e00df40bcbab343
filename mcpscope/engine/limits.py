"""How much of something may pass in a time: what rules allow, what a call wants of it, and the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeAlias

DAY_NS = 86_400 * 1_000_000_000
WEEK_NS = 7 * DAY_NS
_FIRST_MONDAY_NS = 4 * DAY_NS
"""The epoch began on a Thursday; weeks begin on Mondays."""

Spending: TypeAlias = tuple[int, Decimal]
"""When (unix ns) how much was spent."""
Test: TypeAlias = Callable[[Decimal], bool]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is spent of one counter: in all, and one by one with the oldest first, where that is asked."""

    total: Decimal
    entries: Callable[[], Iterable[Spending]]


class BookFault(Exception):
    """What is spent cannot be read or written now; nothing passes that a limit counts."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``most`` in any ``per_ns``, or in each such time as UTC divides it (``aligned``).

    ``of`` is the place in the parameters whose numbers are summed; without one messages are counted, each as
    ``step``. ``by`` says who and what has a share of its own: ``caller``, ``tool``. ``counter`` is the name
    of what is counted ("": the rule's), so that rules may share one. ``below``: the sum stays below ``most``
    (None: it may be anything). ``before`` are tests of the sum before this message is added.
    """

    per_ns: int
    most: Decimal | None = None
    of: tuple[str, ...] = ()
    aligned: bool = False
    by: tuple[str, ...] = ()
    counter: str = ""
    below: bool = False
    step: Decimal = Decimal(1)
    before: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """What one message wants of one limit: ``amount`` under ``key``, which names counter, time and share."""

    key: str
    amount: Decimal
    limit: Limit

    def since(self, at: int) -> int:
        """What was spent before this (unix ns) counts no more at ``at``."""
        return window(self.limit, at)[0]

    def until(self, at: int) -> int:
        """When what is spent at ``at`` counts no more."""
        return window(self.limit, at)[1]


@dataclass(frozen=True, slots=True)
class Refused:
    """``want`` does not fit: ``used`` is spent; ``opens`` is when it would fit (0: waiting does not help)."""

    want: Want
    used: Decimal
    opens: int


Reserved: TypeAlias = tuple[int, ...]
"""The marks under which a book can find again what was spent for one message."""


class Book(Protocol):
    """Where it is written down what was spent. Every method raises BookFault where that is not possible."""

    def reserve(self, wants: Sequence[Want], at: int) -> Reserved | Refused:
        """Spend all of ``wants``, or nothing of them; one step that nobody else can come between."""

    def give_back(self, reserved: Reserved, at: int) -> None:
        """What was reserved was not spent after all."""

    def keep(self, reserved: Reserved) -> None:
        """It was spent, for good."""


def window(limit: Limit, at: int) -> tuple[int, int]:
    """From when on (unix ns) what was spent counts at ``at``, and when what is spent now counts no more."""
    per = limit.per_ns
    if not limit.aligned:
        return at - per + 1, at + per
    shift = _FIRST_MONDAY_NS if per % WEEK_NS == 0 else 0
    begin = (at - shift) // per * per + shift
    return begin, begin + per


def decide(wants: Sequence[Want], spent: Callable[[Want], Tally], at: int) -> Refused | None:
    """The first of ``wants`` that does not fit beside what is ``spent`` and the others; None: all fit."""
    tallies: dict[str, Tally] = {}
    here: dict[str, Decimal] = {}
    for want in wants:
        tally = tallies[want.key] = tallies.get(want.key) or spent(want)
        used = tally.total + here.get(want.key, Decimal(0))
        tested = all(test(used) for test in want.limit.before)
        if not tested or not _fits(want.limit, used + want.amount):
            return Refused(want, used, _opens(want, tally, used, at))
        here[want.key] = here.get(want.key, Decimal(0)) + want.amount
    return None


def _fits(limit: Limit, total: Decimal) -> bool:
    if limit.most is None:
        return True
    return total < limit.most if limit.below else total <= limit.most


def _opens(want: Want, tally: Tally, used: Decimal, at: int) -> int:
    """When enough of what is spent counts no more."""
    limit = want.limit
    if not _fits(limit, want.amount) or not all(test(Decimal(0)) for test in limit.before):
        return 0
    if limit.aligned:
        return window(limit, at)[1]
    for when, amount in tally.entries():
        used -= amount
        if _fits(limit, used + want.amount):
            return when + limit.per_ns
    return at + limit.per_ns


class MemoryBook:
    """A book that nobody shares: for trials on recordings, and for tests."""

    def __init__(self) -> None:
        self._spent: dict[int, tuple[str, int, Decimal]] = {}
        self._last = 0

    def __repr__(self) -> str:
        return f"<MemoryBook {len(self._spent)}>"

    def reserve(self, wants: Sequence[Want], at: int) -> Reserved | Refused:
        """See Book."""
        refused = decide(wants, lambda want: self._of(want, at), at)
        if refused is not None:
            return refused
        marks: list[int] = []
        for want in wants:
            self._last += 1
            self._spent[self._last] = (want.key, at, want.amount)
            marks.append(self._last)
        return tuple(marks)

    def give_back(self, reserved: Reserved, at: int) -> None:
        """See Book."""
        for mark in reserved:
            self._spent.pop(mark, None)

    def keep(self, reserved: Reserved) -> None:
        """See Book."""

    def _of(self, want: Want, at: int) -> Tally:
        since = want.since(at)
        found = sorted(
            (when, amount) for key, when, amount in self._spent.values() if key == want.key and when >= since
        )
        return Tally(sum((amount for _, amount in found), Decimal(0)), lambda: found)
