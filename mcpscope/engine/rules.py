"""The one list of rules: in which order they stand, and which of them could concern a message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import replace
from typing import TypeAlias

from mcpscope.engine.filter.predicate import everything
from mcpscope.engine.rule import Action, Entry, Phase, Rule, Subject, Test
from mcpscope.engine.ruled import Ruled
from mcpscope.protocol.message import Direction
from mcpscope.protocol.methods import METHODS

CACHED_PLACES = 2048
"""How many (phase, direction, method, tool) keep their list of candidates; beyond it the cache starts anew.
"""
CACHED_LETTERS = 512
"""Longer names are looked up anew: nobody shall fill our memory with them."""


MAX_ALIKE = 64
"""Ruled names with look-alikes, and look-alikes of each, that are remembered."""

_SAID_BY_SERVERS = (
    *(
        str(name)
        for name, info in METHODS.items()
        if any(Direction.TO_CLIENT in who for who in info.senders.values())
    ),
    "unknown/method",
)


Place: TypeAlias = tuple[Phase, Direction, str, str]
Sieve: TypeAlias = tuple[tuple[Entry, Test], ...]
"""The candidates of a place, and what is left to ask of each."""

_ORDER = {"breakpoint": 0, "intercept": 1}


class Rules:
    """The list, in order: breakpoints, the intercept filter, then all others as they were added.

    ``candidates`` answers from a cache by method and tool, so that the rules which cannot match cost nothing.
    ``changed`` is called after every change. ``ruled`` are the names that the rules spell out, ``alike`` the
    look-alikes of each that were met. ``refuses`` tells whether a rule refuses anything, ``guards_client``
    whether that could be something that the server says, ``counts`` whether one has limits.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._entries: list[Entry] = []
        self._cache: dict[Place, tuple[Entry, ...]] = {}
        self._sieves: dict[Place, Sieve] = {}
        self._changed = changed
        self._holding = True
        self._number = 0
        self.ruled = Ruled()
        self.refuses = self.guards_client = self.counts = False
        self.alike: dict[str, set[str]] = {}

    def __repr__(self) -> str:
        return f"<Rules {len(self._entries)} ({sum(e.rule.enabled for e in self._entries)} on)>"

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def active(self) -> bool:
        """Whether any rule could touch any message as things are."""
        return any(self._in_force(entry.rule) for entry in self._entries)

    def remember_alike(self, ruled: str, name: str) -> bool:
        """``name`` was met, which looks like the ``ruled`` one; whether that is new. A few are kept."""
        if ruled not in self.alike and len(self.alike) >= MAX_ALIKE:
            return False
        met = self.alike.setdefault(ruled, set())
        if name in met or len(met) >= MAX_ALIKE:
            return False
        met.add(name)
        return True

    def alikes(self, rule: Rule) -> list[str]:
        """The names that were met and look like one that ``rule`` spells out."""
        words = rule.condition.words if rule.condition is not None else frozenset()
        return sorted({name for word in words for name in self.alike.get(word, ())})

    def hold_with(self, *, breakpoints: bool) -> None:
        """Whether breakpoints and the intercept filter are in force (somebody attached, or told to wait)."""
        if breakpoints != self._holding:
            self._holding = breakpoints
            self._refresh()

    def new_name(self, prefix: str) -> str:
        """A name like ``b3`` that no rule has had in this proxy."""
        self._number += 1
        return f"{prefix}{self._number}"

    def get(self, name: str) -> Entry | None:
        return next((entry for entry in self._entries if entry.rule.name == name), None)

    def add(self, rule: Rule, *, first: bool = False) -> Entry:
        """Put ``rule`` behind its kind (``first``: before it); one of the same name is replaced where it
        stands.
        """
        entry = Entry(rule)
        for place, old in enumerate(self._entries):
            if old.rule.name == rule.name:
                self._entries[place] = entry
                break
        else:
            self._entries.insert(0 if first else len(self._entries), entry)
            self._entries.sort(key=lambda found: _ORDER.get(found.rule.origin, 2))
        self._refresh()
        return entry

    def remove(self, name: str) -> bool:
        kept = [entry for entry in self._entries if entry.rule.name != name]
        found = len(kept) < len(self._entries)
        self._entries = kept
        self._refresh()
        return found

    def enable(self, name: str, *, on: bool) -> bool:
        """Switch a rule on or off; False where there is no such rule."""
        entry = self.get(name)
        if entry is None:
            return False
        entry.rule = replace(entry.rule, enabled=on)
        self._refresh()
        return True

    def move(self, name: str, by: int) -> bool:
        """Put a rule ``by`` places further down, never before breakpoints; False where there is none."""
        entry = self.get(name)
        if entry is None or entry.rule.origin in _ORDER:
            return False
        first = sum(other.rule.origin in _ORDER for other in self._entries)
        place = self._entries.index(entry)
        self._entries.remove(entry)
        self._entries.insert(max(first, min(len(self._entries), place + by)), entry)
        self._refresh()
        return True

    def replace_origin(self, origin: str, rules: Iterable[Rule]) -> None:
        """Put ``rules`` where the first stood that came from ``origin``, in place of all of them.

        One of a name that is there already keeps its hits and takes the place of a rule made live.
        """
        new = [self._heir(rule) for rule in rules]
        names = {entry.rule.name for entry in new}
        places = [place for place, entry in enumerate(self._entries) if entry.rule.origin == origin]
        place = places[0] if places else len(self._entries)

        def stays(entry: Entry) -> bool:
            return entry.rule.origin != origin and entry.rule.name not in names

        before = [entry for entry in self._entries[:place] if stays(entry)]
        behind = [entry for entry in self._entries[place:] if stays(entry)]
        self._entries = [*before, *new, *behind]
        self._entries.sort(key=lambda found: _ORDER.get(found.rule.origin, 2))
        self._refresh()

    def _heir(self, rule: Rule) -> Entry:
        """``rule`` in force with what its forerunner counted."""
        old = self.get(rule.name)
        if old is None:
            return Entry(rule)
        chance = old.chance if old.rule.fault == rule.fault else None
        return Entry(rule, old.hits, old.last_hit, chance)

    def candidates(self, place: Place) -> tuple[Entry, ...]:
        """The rules in force that could match a message of this phase, direction, method and tool, in order.

        The direction is that of the exchange: an answer's is its request's.
        """
        found = self._cache.get(place)
        if found is None:
            if len(self._cache) >= CACHED_PLACES:
                self._forget()
            found = tuple(entry for entry in self._entries if self._concerns(entry.rule, place))
            if len(place[2]) + len(place[3]) <= CACHED_LETTERS:
                self._cache[place] = found
        return found

    def sifted(
        self, place: Place, subject: Subject, let_go: Set[str] = frozenset()
    ) -> Iterator[tuple[Entry, bool | None]]:
        """The candidates that match ``subject``, in order, each with what its condition said; None where that
        cannot be told.

        A rule that asked once is off since, but still one of them where it ``let_go`` what it asked about.
        """
        sieve = self._sieves.get(place) or self._sieve(place)
        if let_go:
            sieve = tuple(
                (entry, _narrowed(entry.rule, place))
                for entry in self._entries
                if self._concerns(_asked_once(entry.rule, let_go), place)
            )
        for entry, test in sieve:
            found = test(subject)
            if found is not False:
                yield entry, found

    def _sieve(self, place: Place) -> Sieve:
        found = tuple((entry, _narrowed(entry.rule, place)) for entry in self.candidates(place))
        if place in self._cache:
            self._sieves[place] = found
        return found

    def _forget(self) -> None:
        self._cache.clear()
        self._sieves.clear()

    def _concerns(self, rule: Rule, place: Place) -> bool:
        phase, direction, method, tool = place
        if not self._in_force(rule) or not rule.judged_on(phase):
            return False
        return rule.condition is None or rule.condition.could(direction, method, tool)

    def _in_force(self, rule: Rule) -> bool:
        aids = rule.origin in _ORDER or rule.action is Action.BREAK
        return rule.enabled and (self._holding or not aids)

    def _refresh(self) -> None:
        self._forget()
        rules = [entry.rule for entry in self._entries]
        spelled = [rule.condition.words for rule in rules if rule.condition is not None and not rule.is_fault]
        self.ruled = Ruled(frozenset().union(*spelled))
        refusing = [rule for rule in rules if rule.refuses or rule.counts]
        self.counts = any(rule.counts for rule in rules)
        self.refuses = bool(refusing)
        self.guards_client = any(map(_concerns_client, refusing))
        self._changed()


def _asked_once(rule: Rule, let_go: Set[str]) -> Rule:
    """``rule``, in force where it asked once about something that it let go."""
    asked = rule.once and rule.action is Action.ASK and rule.name in let_go
    return replace(rule, enabled=True) if asked else rule


def _narrowed(rule: Rule, place: Place) -> Test:
    if rule.condition is None:
        return everything
    return rule.condition.narrowed(*place[1:])


def _concerns_client(rule: Rule) -> bool:
    """Whether ``rule`` may refuse something that the server says: an answer, or a message of its own."""
    if rule.condition is None or rule.judged_on(Phase.ANSWER):
        return True
    return any(rule.condition.could(Direction.TO_CLIENT, method, "") for method in _SAID_BY_SERVERS)
