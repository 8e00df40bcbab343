"""One exchange: a request with everything that belongs to it, or a message that stands alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mcpscope.protocol.message import Direction

SLOW_NS = 1_000_000_000
BIG_BYTES = 1 << 20


class ExchangeKind(StrEnum):
    """What opened the exchange; ``ANSWER`` is an answer to nobody."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    ANSWER = "answer"
    MALFORMED = "malformed"
    STDERR = "stderr"
    NOTE = "note"


class Status(StrEnum):
    """How an exchange stands. ``HELD`` to ``DROPPED`` come from the gate, the others from the wire."""

    OK = "ok"
    RPC_ERROR = "rpc-error"
    TOOL_ERROR = "tool-error"
    WAITING = "waiting"
    HELD = "held"
    DENIED = "denied"
    MOCK = "mock"
    DROPPED = "dropped"
    CANCELLED = "cancelled"
    LATE = "late"
    INPUT = "input"
    TASK = "task"
    MALFORMED = "malformed"
    LOST = "lost"
    NOTED = "noted"


class Flag(StrEnum):
    """Words on an exchange beside those of the parser; the second group marks what should not happen."""

    CANCEL = "cancel"
    SLOW = "slow"
    BIG = "big"
    IMAGE = "img"
    BLOB = "blob"
    LINK = "link"
    RETRY = "retry"
    BATCH = "batch"

    ORPHAN = "orphan"
    DUPLICATE = "duplicate"
    ID_TYPE = "id-type"
    ID_LIVE = "id-live"
    ID_REUSED = "id-reused"
    AMBIGUOUS = "ambiguous"
    GUESSED = "guessed-parent"
    EXPIRED = "expired"
    STATE_CHANGED = "state-changed"
    PROGRESS_BACK = "progress-back"
    LATE_PROGRESS = "late-progress"


DECIDED = frozenset({Status.DENIED, Status.MOCK, Status.DROPPED})
"""Statuses that an answer on the wire does not change: it was ours."""


@dataclass(slots=True, eq=False)
class Exchange:
    """The row of the list. ``id`` is the ``seq`` of its first message; times are unix ns, sizes bytes.

    ``request_id`` and ``answer_id`` are the ``seq`` of the first request and the last answer. ``flags`` are
    words with a space between them, in the order they came. ``name`` is what the request is about (tool,
    prompt, URI, task), ``tool`` only a tool's name. ``legs`` counts the requests of one ``input_required``
    chain or of a batch.
    """

    id: int
    kind: ExchangeKind
    dir: Direction
    method: str
    opened_at: int
    status: Status
    stream: int = 0
    tool: str = ""
    name: str = ""
    rpc_id: str = ""
    code: int | None = None
    ended_at: int | None = None
    request_id: int | None = None
    answer_id: int | None = None
    req_bytes: int = 0
    res_bytes: int = 0
    flags: str = ""
    parent_id: int | None = None
    legs: int = 1
    asked: str = field(default="", repr=False)
    told: str = field(default="", repr=False)

    @property
    def dur_ns(self) -> int | None:
        """From its first message to its end; None while it is open."""
        return None if self.ended_at is None else self.ended_at - self.opened_at

    @property
    def summary(self) -> str:
        """What was asked and what came of it, in one line of recorded text (not yet safe to show)."""
        if self.asked and self.told:
            return f"{self.asked} → {self.told}"
        return self.asked or self.told

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    def has_flag(self, word: str) -> bool:
        return word in self.flags.split(" ")

    def add_flag(self, word: str) -> None:
        if not self.flags:
            self.flags = str(word)
        elif not self.has_flag(word):
            self.flags = f"{self.flags} {word}"

    def end(self, status: Status, at: int) -> None:
        """Settle it; a decision of the gate stays what it is."""
        if self.status not in DECIDED:
            self.status = status
        self.ended_at = at
        if at - self.opened_at >= SLOW_NS:
            self.add_flag(Flag.SLOW)

    def reopen(self, status: Status) -> None:
        """It goes on: a retry, or a task that still works."""
        if self.status not in DECIDED:
            self.status = status
        self.ended_at = None
