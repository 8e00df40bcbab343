"""What a server asks on its own account: how long it is waited for, and what its answer was in the recording.

Such a request belongs to the session, so a server asks it when a timer or the first need comes, once or
twice: when and how often is not its word. Its answer is the client's state, which changes only when the
client says so. The recording is therefore read in *epochs*; what was answered in one is right in all of it.
"""

from __future__ import annotations

from collections.abc import Set

from mcpscope.protocol.message import Message
from mcpscope.replay.plan import Plan
from mcpscope.replay.questions import likeness
from mcpscope.replay.steps import OF_THE_SESSION, ROOTS_CHANGED, ServerRequest, Step

MAX_PATIENCE_SECONDS = 5.0
PATIENCE_FACTOR = 2.0
PATIENCE_SECONDS = 1.0


class Standing:
    """The recorded requests of the server, matched with the live ones; times are monotonic seconds."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._epoch = 0
        self._settled = 0
        self._opened: float | None = None
        self._asked: set[tuple[str, int]] = set()
        self._given_up: set[tuple[str, int]] = set()

    def __repr__(self) -> str:
        return f"<Standing epoch={self._epoch} asked={sorted(self._asked)} given_up={sorted(self._given_up)}>"

    @property
    def epoch(self) -> int:
        """How often the client has changed its roots."""
        return self._epoch

    @property
    def is_open(self) -> bool:
        """Whether the first answer is here."""
        return self._opened is not None

    def opened(self, now: float) -> None:
        """The first answer is here: the server's timers run."""
        if self._opened is None:
            self._opened = now

    def said(self, message: Message) -> None:
        """The client has said ``message``, a notification."""
        if message.method == ROOTS_CHANGED:
            self._epoch += 1

    def match(self, request: Message) -> ServerRequest | None:
        """The recorded request that a live one is, and whose answer is its answer."""
        waiting = [
            asked
            for asked in self._plan.server_requests
            if not asked.used and asked.message.method == request.method and self._fits(asked)
        ]
        found = next((asked for asked in waiting if asked.message.params == request.params), None)
        if found is None and waiting:
            found = max(waiting, key=lambda asked: likeness(asked.message.params, request.params))
        if request.method not in OF_THE_SESSION:
            return found
        self._asked.add((request.method, self._epoch))
        return found if found is not None and found.answer is not None else self._again(request, found)

    def is_missing(self, asked: ServerRequest) -> bool:
        """Whether the live server did not ask what the recorded one did, and could have."""
        if asked.used or _key(asked) in self._asked:
            return False
        return asked.standing or not any(call.skip for call in asked.during)

    def is_late(self, now: float) -> bool:
        """Whether the recorded session was over at this point: nobody knows what was asked after it."""
        return self._opened is not None and now - self._opened > self._plan.lasted_ns / 1e9

    def awaited(self, step: Step, running: Set[int], now: float) -> float | None:
        """Until when ``step`` waits for a question that its client had answered before it; None: it may go.

        ``running`` are the calls (their seq) that are open now: what was asked within a call comes while it
        runs or not at all.
        """
        for number in range(self._settled, step.replied):
            asked = self._plan.replied[number]
            due = self._patience(asked, now)
            if due is not None and (
                asked.standing or not running.isdisjoint(call.seq for call in asked.during)
            ):
                return due
            if number == self._settled:
                self._settled += 1
        return None

    def is_waiting(self, now: float) -> bool:
        """Whether something that the recorded server asked on its own may still come."""
        return any(self._patience(asked, now) for asked in self._plan.server_requests if asked.standing)

    def _patience(self, asked: ServerRequest, now: float) -> float | None:
        key = _key(asked)
        if asked.used or asked.message.method == "ping" or key in self._asked or key in self._given_up:
            return None
        if asked.awaited_since is None:
            asked.awaited_since = now
        due = asked.awaited_since + MAX_PATIENCE_SECONDS
        if asked.standing:
            opened = self._opened if self._opened is not None else now
            offset = max(0.0, (asked.at - self._plan.opened_at) / 1e9)
            then = max(opened + offset * PATIENCE_FACTOR, asked.awaited_since)
            due = min(due, then + PATIENCE_SECONDS)
        if due > now:
            return due
        if asked.standing:
            self._given_up.add(key)
        return None

    def _fits(self, asked: ServerRequest) -> bool:
        return asked.message.method not in OF_THE_SESSION or asked.epoch == self._epoch

    def _again(self, request: Message, found: ServerRequest | None) -> ServerRequest | None:
        """Asked once more than in the recording: the last answer that holds now, else any, holds still."""
        if found is not None:
            found.used = True
        known = [
            asked
            for asked in self._plan.server_requests
            if asked.message.method == request.method and asked.answer is not None
        ]
        then = [asked for asked in known if asked.epoch <= self._epoch]
        return then[-1] if then else known[0] if known else found


def _key(asked: ServerRequest) -> tuple[str, int]:
    return (asked.message.method, asked.epoch)
