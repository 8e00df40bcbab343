"""What all sessions of one proxy share: its rules, who is attached, and what it does without anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from mcpscope.engine.clock import ClientClocks
from mcpscope.engine.drift import OnDrift, Pins
from mcpscope.engine.limits import Book
from mcpscope.engine.rules import Rules
from mcpscope.engine.visibility import Surface, View
from mcpscope.protocol.message import Direction, Message
from mcpscope.protocol.methods import LISTS
from mcpscope.protocol.strict import findings

MAX_MESSAGE_BYTES = 4 << 20
Approved: TypeAlias = tuple[bytes, str, int]
"""A message that a person approved, who did, and when (unix ns)."""
Strict: TypeAlias = Callable[[Message, Direction], tuple[str, ...]]

MAX_DECISIONS = 512
MAX_LAST_GOOD = 256
MAX_LAST_GOOD_BYTES = 128 << 10


class Detached(StrEnum):
    """What a breakpoint does while nobody is attached."""

    PASS = "pass"
    ERROR = "error"
    WAIT = "wait"


class Steering:
    """The state that people and options steer; ``on_change`` hears of everything that may move a lane.

    ``on_view`` hears which surfaces look different now. ``gated`` says whether anything could touch a
    message; while not, nothing needs to pass the gate. ``version`` rises with every change. What ``strict``
    finds is refused. Hold numbers are unique in a proxy. While ``freeze`` is set a hold stops its whole
    session. ``redacts`` says that places of messages reach no disk; ``shown`` is a message as it may be
    written down. ``book`` is where limits are counted; without one nothing passes that a limit counts.
    """

    def __init__(
        self,
        *,
        detached: Detached = Detached.PASS,
        client_timeout_ns: int | None = None,
        max_message: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self.detached = detached
        self.max_message = max_message
        self.freeze = False
        self.clocks = ClientClocks(client_timeout_ns)
        self.on_change: list[Callable[[], None]] = []
        self.on_view: list[Callable[[frozenset[Surface]], None]] = []
        self.gated = False
        self.version = 0
        self.redacts = False
        self.shown: Callable[[bytes], bytes] = bytes
        self._strict: Strict | None = None
        self._attached: set[str] = set()
        self._holds = 0
        self._decisions: dict[int, tuple[str, str]] = {}
        self._approved: dict[tuple[str, str], Approved] = {}
        self._last_good: dict[tuple[str, str], bytes] = {}
        self.view = View(self._viewed)
        self.pins: Pins | None = None
        self.book: Book | None = None
        self.rules = Rules(self._changed)
        self._weigh()

    def __repr__(self) -> str:
        return f"<Steering {self.rules!r} attached={sorted(self._attached)} detached={self.detached}>"

    @property
    def attached(self) -> frozenset[str]:
        """The names of those who may decide (subscribed and not read-only)."""
        return frozenset(self._attached)

    @property
    def strict(self) -> Strict | None:
        """Names what in a message cannot be read with certainty; set while something guards."""
        return self._strict or (certain if self.view.hides or self.rules.counts else None)

    @strict.setter
    def strict(self, check: Strict | None) -> None:
        self._strict = check
        self._changed()

    def reads(self, direction: Direction, method: str = "") -> bool:
        """Whether what passes in ``direction`` is to be read with certainty while ``strict`` is set.

        What a server says is so where a rule may refuse it, or it is a list of which something is hidden.
        """
        if direction is Direction.TO_SERVER:
            return True
        return self.rules.guards_client or (self.view.hides and method in LISTS)

    @property
    def guards(self) -> bool:
        """Whether something is to be kept from passing, so that a failure of ours must refuse."""
        deciding = (entry.rule.enabled and entry.rule.action.decides for entry in self.rules)
        return self.strict is not None or any(deciding)

    def redact(self, shown: Callable[[bytes], bytes], *, by_place: bool) -> None:
        """Write messages down as ``shown`` gives them; ``by_place`` needs them whole."""
        self.shown, self.redacts = shown, by_place
        self._changed()

    def pin(self, on_drift: OnDrift, known: Mapping[str, dict[str, Any]], *, accepted: bool = True) -> None:
        """Watch the definitions of tools from now on; ``known`` are those of before, see Pins.load."""
        self.pins = Pins(on_drift)
        self.pins.load(known, accepted=accepted)
        if on_drift is OnDrift.HIDE:
            self.view.hidden_by.append(self.pins.hides)
        self.view.refresh(frozenset({Surface.TOOLS}))

    def attach(self, name: str) -> None:
        self._attached.add(name)
        self._weigh()

    def detach(self, name: str) -> None:
        self._attached.discard(name)
        self._weigh()

    def set_detached(self, detached: Detached) -> None:
        self.detached = detached
        self._weigh()

    def new_hold(self) -> int:
        self._holds += 1
        return self._holds

    def remember_decision(self, hold: int, word: str, actor: str) -> None:
        """Who resolved a hold and how, for those who come too late."""
        self._decisions[hold] = (word, actor)
        if len(self._decisions) > MAX_DECISIONS:
            del self._decisions[next(iter(self._decisions))]

    def decision_on(self, hold: int) -> tuple[str, str] | None:
        return self._decisions.get(hold)

    def remember_good(self, method: str, name: str, answer: bytes) -> None:
        """Keep the last good answer of each tool or other named thing; the oldest goes first."""
        key = (method, name)
        if len(answer) + len(name) > MAX_LAST_GOOD_BYTES:
            return
        if key not in self._last_good and len(self._last_good) >= MAX_LAST_GOOD:
            self._last_good.pop(next(iter(self._last_good)))
        self._last_good[key] = answer

    def last_good(self, method: str, name: str) -> bytes | None:
        """The bytes of that answer, as the server sent them."""
        return self._last_good.get((method, name))

    def remember_approved(self, method: str, name: str, approved: Approved) -> None:
        """Keep the last approved message of each tool or other named thing; the oldest goes first."""
        if len(approved[0]) > MAX_LAST_GOOD_BYTES:
            return
        self._approved.pop((method, name), None)
        self._approved[method, name] = approved
        if len(self._approved) > MAX_LAST_GOOD:
            del self._approved[next(iter(self._approved))]

    def last_approved(self, method: str, name: str) -> Approved | None:
        """What a person last approved of it: the bytes, who, and when."""
        return self._approved.get((method, name))

    def _weigh(self) -> None:
        self.rules.hold_with(breakpoints=bool(self._attached) or self.detached is not Detached.PASS)

    def _viewed(self, surfaces: frozenset[Surface]) -> None:
        self._changed()
        for callback in tuple(self.on_view):
            callback(surfaces)

    def _changed(self) -> None:
        # Once somebody has changed what is seen, lists are followed to the end of the session.
        guarded = self._strict is not None or self.redacts
        self.version += 1
        self.gated = guarded or self.rules.active or bool(self.view.touched)
        for callback in self.on_change:
            callback()


def certain(message: Message, direction: Direction) -> tuple[str, ...]:
    """Why ``message`` may be read in more than one way: what guards is not to be read around."""
    return tuple(str(finding.problem) for finding in findings(message))
