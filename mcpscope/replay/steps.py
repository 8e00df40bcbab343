"""The pieces of a recording as a replay sees them: what was sent, what was asked, what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mcpscope.protocol.message import Direction, Kind, Message, RpcId

OF_THE_SESSION = frozenset({"roots/list", "ping"})
"""What a server asks on its own account, whatever calls are open."""
ROOTS_CHANGED = "notifications/roots/list_changed"
OPENING = frozenset({"initialize", "server/discover"})
DEFINING = OPENING | {"tools/list", "prompts/list", "resources/templates/list"}
"""Requests whose answers describe the server, so that nothing in them but a cursor is made up for one run."""
LIST_METHODS = frozenset({"tools/list", "prompts/list", "resources/list", "resources/templates/list"})
TIMED = frozenset({"notifications/cancelled", "tasks/cancel"})
"""What comes when it came, whatever the speed: its meaning lies in its time."""
IdKey = tuple[str, RpcId]
QuestionKey = tuple[str, RpcId, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of a recording: ``seq`` orders, ``at`` is unix ns, ``ours`` marks what a proxy wrote.

    ``stream`` is what it travelled on, 0 on stdio; ``given_up`` says that its client stopped waiting.
    """

    seq: int
    at: int
    direction: Direction
    message: Message
    ours: bool = False
    redacted: bool = False
    stream: int = 0
    given_up: bool = False


@dataclass(slots=True)
class Step:
    """One client message to send. ``answer`` is what the recorded server said, None if it never answered.

    ``after`` says how many of the plan's ``answered`` requests must be settled before it may go, ``replied``
    how many of the server's requests its client had answered before it; ``skip`` says why it is not sent;
    ``first`` is the first leg that a retry belongs to; ``polled_ns`` is the time from the first poll of a
    task to the answer of this one.
    """

    seq: int
    at: int
    message: Message
    answer: Recorded | None = None
    after: int = 0
    replied: int = 0
    skip: str = ""
    cancelled: bool = False
    first: Step | None = None
    page_of: Step | None = None
    next_page: Step | None = None
    polls: bool = False
    polled_ns: int = 0
    notifications: list[Message] = field(default_factory=list)

    @property
    def is_request(self) -> bool:
        return self.message.kind is Kind.REQUEST

    @property
    def tool(self) -> str:
        name = self.message.params.get("name")
        return name if self.message.method == "tools/call" and isinstance(name, str) else ""

    @property
    def label(self) -> str:
        """What the row of this step is called: the tool, else the method."""
        return self.tool or self.message.method

    @property
    def took_ns(self) -> int:
        return self.answer.at - self.at if self.answer else 0

    @property
    def is_retry(self) -> bool:
        """A later leg of ``input_required`` (2026-07-28): it answers the server's questions."""
        return "inputResponses" in self.message.params or "requestState" in self.message.params


@dataclass(slots=True)
class ServerRequest:
    """A request that the recorded server made, and what its client answered (None: nothing).

    ``standing``: it belongs to the session and to no call of the client. ``at`` is unix ns, ``during`` the
    calls that were open, ``epoch`` how often the client had changed its roots before.
    """

    seq: int
    at: int
    message: Message
    answer: Message | None = None
    used: bool = False
    standing: bool = False
    during: Sequence[Step] = ()
    epoch: int = 0
    awaited_since: float | None = None


@dataclass(slots=True)
class Sent:
    """A request on its way: which step it says, under which id, since when (monotonic ns)."""

    step: Step
    id: RpcId
    at: int
    deadline: float


def id_key(value: RpcId) -> IdKey:
    """Ids are compared with their JSON type: 1, "1" and 1.0 are three."""
    return (type(value).__name__, value)


def question_key(request: Message, epoch: int) -> QuestionKey:
    """Under what a server's request is known again; of the session, in its epoch."""
    return (*id_key(request.id), epoch if request.method in OF_THE_SESSION else 0)
