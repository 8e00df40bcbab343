"""What a server says unasked: compared as a set over the run, for its times and counts are not its word."""

from __future__ import annotations

from collections import defaultdict, deque

from mcpscope.protocol.message import Message
from mcpscope.replay.plan import Plan
from mcpscope.replay.verdicts import Row, Verdict

LAST_SEQ = 1 << 62
MAX_PATIENCE_SECONDS = 5.0
Key = tuple[str, ...]
_UNHEARD = frozenset({"notifications/progress", "notifications/cancelled"})
_NAMES = ("uri", "logger", "status")


class Hearing:
    """Which kinds of notification the recording had and the run has."""

    def __init__(self, plan: Plan, *, comparable: bool) -> None:
        """Not ``comparable``: over another transport, what comes unasked depends on when a stream is open."""
        self._echoes = plan.echoes
        said = [*plan.standing, *(note for step in plan.steps for note in step.notifications)]
        self._was = {_key(note): note for note in said if note.method not in _UNHEARD and note.method}
        self._left: dict[Key, deque[Message]] = defaultdict(deque)
        for note in said:
            self._left[_key(note)].append(note)
        self._now: dict[Key, Message] = {}
        self._comparable = comparable
        self.patience_seconds = MAX_PATIENCE_SECONDS

    def __repr__(self) -> str:
        return f"<Hearing was={len(self._was)} now={len(self._now)}>"

    @property
    def is_waiting(self) -> bool:
        """Whether something that the recorded server said has not been heard yet."""
        return self._comparable and not self._then().keys() <= self._now.keys()

    def hear(self, message: Message) -> None:
        """Note one live notification, and what the live server minted in it."""
        if left := self._left.get(_key(message)):
            self._echoes.learn(left.popleft().body, message.body)
        if message.method and message.method not in _UNHEARD:
            self._now.setdefault(_key(message), message)

    def rows(self) -> list[Row]:
        """A row for each kind that one side has and the other has not."""
        was = self._then()
        gone = [note for key, note in was.items() if key not in self._now]
        new = [note for key, note in self._now.items() if key not in was]
        found = [
            Row(0, note.method, Verdict.MISSING, why="was heard then, not now", was=note.body)
            for note in gone
        ]
        found += [
            Row(0, note.method, Verdict.NEW, why="is heard now, was not then", now=note.body) for note in new
        ]
        for row in found:
            row.seq = LAST_SEQ
            if not self._comparable:
                row.verdict, row.why = Verdict.SKIPPED, f"{row.why}; the transport is another"
        return found

    def _then(self) -> dict[Key, Message]:
        """What the recording had, under the values that the live server has minted."""
        live = self._echoes.live
        return {tuple(str(live.get(part, part)) for part in key): note for key, note in self._was.items()}


def _key(message: Message) -> Key:
    return (message.method, *(str(message.params.get(name, "")) for name in _NAMES))
