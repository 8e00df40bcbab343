"""What is held: one message each, its state, its clock and its deadline.

received -> held -> (edited) -> released | dropped | mocked | abandoned
              `-> gave up (nobody waits any more) -> released only if confirmed, else abandoned
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mcpscope.engine.clock import SECOND_NS, Clock
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Fallback, Phase, Rule

HOLD_NS = 3600 * SECOND_NS
ASK_NS = 300 * SECOND_NS
KEEP_ALIVE_NS = 10 * SECOND_NS
MAX_HOLDS = 1000
MAX_BEHIND = 10_000
FEW_BEHIND = 10
MAX_HELD_BYTES = 32 << 20


class HoldKind(StrEnum):
    """Why it is held: a debugging aid, a policy's question, a step, or only for a while."""

    BREAK = "break"
    ASK = "ask"
    STEP = "step"
    DELAY = "delay"


class HoldState(StrEnum):
    """Where it stands; a resolved hold is in no table."""

    HELD = "held"
    EDITED = "edited"
    GAVE_UP = "gave-up"


@dataclass(slots=True, eq=False)
class Hold:
    """One message stopped. ``deadline`` is unix ns; ``behind`` are messages that may not pass it.

    ``ruled`` is the rule that stopped it, as it was then.
    """

    id: int
    session: int
    passage: Passage
    kind: HoldKind
    rule: str
    held_at: int
    deadline: int
    fallback: Fallback
    clock: Clock
    state: HoldState = HoldState.HELD
    why: str = ""
    editor: str = ""
    warnings: tuple[str, ...] = ()
    keep_alive_at: int | None = None
    keep_alives: int = 0
    ruled: Rule | None = None
    behind: list[Passage] = field(default_factory=list)
    behind_bytes: int = 0

    def wait(self, passage: Passage) -> None:
        """``passage`` has to wait behind this hold."""
        self.behind.append(passage)
        self.behind_bytes += len(passage.message.raw)

    @property
    def queue_is_news(self) -> bool:
        """Whether those who look should hear how much waits: each of the first, then every hundredth."""
        return len(self.behind) < FEW_BEHIND or len(self.behind) % 100 == 0

    @property
    def crowded(self) -> bool:
        """Whether as much waits behind it as may."""
        return len(self.behind) >= MAX_BEHIND or self.behind_bytes >= MAX_HELD_BYTES

    @property
    def digest(self) -> str:
        """sha256 in hex of the bytes that would leave."""
        return hashlib.sha256(self.passage.message.raw).hexdigest()

    @property
    def due(self) -> int:
        return self.deadline if self.keep_alive_at is None else min(self.deadline, self.keep_alive_at)

    def blocks(self, other: Passage) -> bool:
        """Whether ``other`` may not pass: later in the same exchange, or on the same stream to the client."""
        mine = self.passage
        if other.direction is not mine.direction:
            return False
        if mine.exchange is not None and other.exchange is mine.exchange:
            return True
        return mine.stream != 0 and other.stream == mine.stream and mine.phase_streams

    def to_json(self) -> dict[str, Any]:
        """The hold without its bytes, as ``scope/holds/list`` shows it."""
        passage = self.passage
        return {
            "id": self.id,
            "session": self.session,
            "at": passage.at,
            "kind": self.kind.value,
            "state": self.state.value,
            "phase": passage.phase.value,
            "dir": passage.direction.value,
            "stream": passage.stream,
            "method": passage.method,
            "tool": passage.tool,
            "rpc_id": passage.rpc_id,
            "rule": self.rule,
            "caller": passage.caller,
            "why": self.why,
            "held_at": self.held_at,
            "deadline": self.deadline,
            "fallback": self.fallback.value,
            "clock_ns": self.clock.limit_ns,
            "clock_source": self.clock.source.value,
            "digest": self.digest,
            "size": len(passage.message.raw),
            "edited": passage.changed,
            "editor": self.editor,
            "warnings": list(self.warnings),
            "behind": len(self.behind),
            "keep_alive": self.keep_alive_at is not None,
            "can_keep_alive": passage.progress_token is not None,
            "server_has_seen": not (passage.phase is Phase.REQUEST and passage.goes_to_server),
        }


class HoldTable:
    """The holds of one session; ``exchanges`` and ``streams`` (but 0) are those they concern."""

    def __init__(self) -> None:
        self._holds: dict[int, Hold] = {}
        self.exchanges: set[int] = set()
        self.streams: set[int] = set()
        self._due: int | None = None
        self._stale = False

    def __repr__(self) -> str:
        return f"<HoldTable {list(self._holds)}>"

    def __iter__(self) -> Iterator[Hold]:
        return iter(tuple(self._holds.values()))

    def __len__(self) -> int:
        return len(self._holds)

    @property
    def full(self) -> bool:
        held = sum(len(hold.passage.message.raw) for hold in self._holds.values())
        return len(self._holds) >= MAX_HOLDS or held >= MAX_HELD_BYTES

    @property
    def due(self) -> int | None:
        """When the first deadline, delay or keep-alive comes."""
        if self._stale:
            self._due = min((hold.due for hold in self._holds.values()), default=None)
            self._stale = False
        return self._due

    def touch(self) -> None:
        """A deadline or keep-alive of one of them has changed."""
        self._stale = True

    def get(self, id: int) -> Hold | None:
        return self._holds.get(id)

    def put(self, hold: Hold) -> None:
        self._holds[hold.id] = hold
        self._count()

    def remove(self, hold: Hold) -> None:
        del self._holds[hold.id]
        self._count()

    def _count(self) -> None:
        """Know anew what is held; done at each change, for every message asks."""
        self.touch()
        held = [part for hold in self for part in (hold.passage, *hold.passage.parts)]
        self.exchanges = {part.exchange.id if part.exchange else 0 for part in held}
        self.streams = {part.stream for part in held} - {0}

    def blocking(self, passage: Passage, *, freeze: bool = False) -> Hold | None:
        """The hold that ``passage`` must wait behind, the latest if there are several.

        With ``freeze`` everything waits behind the first that a person has to decide.
        """
        found = frozen = None
        for hold in self._holds.values():
            if hold.state is HoldState.GAVE_UP:
                continue
            if hold.blocks(passage):
                found = hold
            elif freeze and frozen is None and hold.kind is not HoldKind.DELAY:
                frozen = hold
        return found or frozen
