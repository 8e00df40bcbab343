"""The engine: one per session, synchronous, events in and commands out.

A runner (session/) does this for every whole message that it read in the gate::

    at = clock()                                  # unix ns, strictly rising within the session
    commands = engine.handle(Received(direction, parse(raw), at, stream))

and carries the commands out in their order, awaiting nothing in between. The journal comes first: the
MESSAGE record (with ``UNCHANGED_FLAG`` where the first command is a ``Forward`` that is ``plain``), then
each ``Record`` before the ``Forward`` or ``Send`` behind it. After every ``handle`` it sets its one timer
to ``engine.due`` and calls ``handle(Tick(at))`` then. ``Left`` is told when a peer, or on HTTP the client's
response stream, is gone; ``Ended`` when the session is over. A message that is neither forwarded, answered
nor recorded as final is held.

``Decided`` and ``Injected`` may raise ScopeError (nothing has happened then): a person's wish that cannot
be granted. On the message path nothing raises.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, assert_never

from mcpscope.engine import (
    announcing,
    approvals,
    arriving,
    auditing,
    batches,
    considering,
    deciding,
    injecting,
    leaving,
    limiting,
    resolving,
    viewing,
)
from mcpscope.engine.asked import Asked
from mcpscope.engine.commands import Command, Forward, Record, Send, Tell
from mcpscope.engine.events import (
    Decided,
    Ended,
    Event,
    Injected,
    Left,
    Oversized,
    Received,
    Tick,
    Undone,
    Viewed,
)
from mcpscope.engine.exchange import Exchange, Status
from mcpscope.engine.holds import HoldTable
from mcpscope.engine.judge import UNTOUCHED_METHODS
from mcpscope.engine.known import Memory
from mcpscope.engine.live import Facts
from mcpscope.engine.loose import Loose
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.plain_calls import PlainCalls
from mcpscope.engine.rule import Phase
from mcpscope.engine.schema_check import SchemaChecks, schema_of
from mcpscope.engine.steering import Steering
from mcpscope.engine.visibility import View
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.parsing import parse

# Looked up once: a member of an enum costs 50 ns, on a path of a few microseconds.
_BATCH: Final = Kind.BATCH
_RESULT: Final = Kind.RESULT
_ERROR: Final = Kind.ERROR
_REQUEST: Final = Phase.REQUEST
_ANSWER: Final = Phase.ANSWER
_OK: Final = Status.OK
_TOOLS_LIST: Final = Method.TOOLS_LIST.value


class Engine:
    """Decides what becomes of each message of one session.

    ``memory`` is what was seen of the session before; with the recorder's checkpoint in it, answers to
    requests of the fast lane find theirs. ``names`` are those of the session (number, name, label, uid),
    ``servers`` those of its server beside what that calls itself. ``view`` is what its client may see.
    """

    def __init__(
        self,
        steering: Steering,
        *,
        session: int = 1,
        memory: Memory | None = None,
        names: tuple[str, ...] = (),
        servers: tuple[str, ...] = (),
        view: View | None = None,
    ) -> None:
        self.steering = steering
        self.view = steering.view if view is None else view
        self._servers = servers
        self.session = session
        self.memory = memory if memory is not None else Memory()
        self.names = names
        self.holds = HoldTable()
        self.step_answers: set[int] = set()
        self.step_any = False
        self.over = False
        self.frozen = False
        self.batches = batches.Batches()
        self.injected: dict[int, int] = {}
        self.fills: dict[int, dict[str, bytes]] = {}
        self.approvals = approvals.Approvals()
        self.reservations = limiting.Reservations()
        self.loose = Loose()
        self.reactions = announcing.Reactions()
        self._checks = SchemaChecks()
        self.asked = Asked()
        self.plain_calls = PlainCalls(self)
        self._gone: set[Direction] = set()
        self._ids = 0

    def __repr__(self) -> str:
        return f"<Engine session={self.session} {self.holds!r} {self.asked!r}>"

    @property
    def due(self) -> int | None:
        """When the next Tick is wanted, unix ns."""
        due, other = self.holds.due, self.reactions.due
        return due if other is None else other if due is None else min(due, other)

    @property
    def busy(self) -> bool:
        """Whether something of this session still needs the gate, whatever the rules say."""
        waits = self.step_answers or self.step_any or self.batches.open or self.injected or self.fills
        return bool(waits) or len(self.holds) > 0

    def handle(self, event: Event) -> list[Command]:
        """What to do about ``event``."""
        self.plain_calls.join()
        if type(event) is Received and event.message.kind is not _BATCH:
            return arriving.received(self, event)
        out: list[Command] = []
        match event:
            case Received():
                batches.received(self, event, out)
            case Decided():
                deciding.decide(self, event, out)
            case Tick(at):
                self._tick(at, out)
            case Left() | Undone():
                self._left(event, out)
            case Oversized():
                considering.oversized(self, event, out)
            case Viewed(surfaces, at):
                announcing.changed(self, surfaces, at, out)
            case Injected():
                injecting.injected(self, event, out)
            case Ended(at):
                self._end(at, out)
            case _:
                assert_never(event)
        return out

    @property
    def calm(self) -> bool:
        """Whether nothing is stepped, owed or injected: only rules and holds can concern a message."""
        return not (self.step_any or self.step_answers or self.batches.open or self.injected or self.fills)

    def passage(
        self, message: Message, direction: Direction, at: int, stream: int, caller: str = ""
    ) -> Passage:
        """``message`` at the gate's door, with the exchange it belongs to."""
        return arriving.passage(self, message, direction, at, stream, caller)

    def enter(self, passage: Passage, at: int, out: list[Command]) -> None:
        """Let ``passage`` wait behind what it may not pass, or judge it."""
        freeze = self.steering.freeze and passage.method not in UNTOUCHED_METHODS
        if len(self.holds) and (hold := self.holds.blocking(passage, freeze=freeze)) is not None:
            hold.wait(passage)
            self.frozen = self.frozen or freeze
            if hold.crowded:
                # More cannot wait behind it: its time is over, with what was to happen then.
                hold.deadline = at
                self.holds.touch()
            passage.actor, passage.rule = "mcpscope", f"hold {hold.id}"
            out.append(self.record(passage, Word.HELD, at, {"behind": hold.id}))
            if hold.queue_is_news:
                out.append(Tell("changed", hold.to_json()))
            return
        self.consider(passage, at, out)

    def consider(self, passage: Passage, at: int, out: list[Command]) -> None:
        """Judge ``passage`` and do what was decided."""
        considering.consider(self, passage, at, out)

    def let_go(self, passage: Passage, at: int, out: list[Command]) -> None:
        """Send ``passage`` on as it stands now, unless rules have made it what must not be seen."""
        edited = passage.changed and self.view.touched
        if edited and not passage.parts and viewing.refused(self, passage, at, out):
            return
        message = passage.message
        plain = passage.plain
        if not plain:
            word = Word.EDITED if passage.changed else Word.FORWARDED
            sent = message.raw if passage.changed else None
            out.append(self.record(passage, word, at, sent=sent))
        out.append(Forward(passage.direction, message, passage.at, passage.stream, passage.changed, plain))
        self.sent(passage)

    def sent(self, passage: Passage) -> None:
        """Remember what left, for the rules on its answer and for those who want the last good one."""
        # A good answer is what the server gave, a question what it was asked.
        said = passage.received if passage.phase is _ANSWER else passage.message
        self.remember(passage.exchange, said, passage.request, passage.caller)

    def remember(
        self, exchange: Exchange | None, message: Message, request: Message | None, caller: str
    ) -> None:
        if exchange is None:
            return
        kind = message.kind
        if kind is Kind.REQUEST:
            self.asked.put(exchange.id, message, caller)
        elif kind is _RESULT and request is not None and exchange.status is _OK:
            self.steering.remember_good(request.method, exchange.name, message.raw)

    def send(
        self, data: bytes, direction: Direction, at: int, stream: int, out: list[Command], *, answers: int = 0
    ) -> None:
        """Say something of our own; our correlation hears it too."""
        self.memory.observe(parse(data), at, direction, stream)
        out.append(Send(direction, data, at, stream, answers))

    # The world changes.

    def _tick(self, at: int, out: list[Command]) -> None:
        announcing.tick(self, at, out)
        if self.frozen and not self.steering.freeze:
            self.frozen = False
            leaving.thawed(self, at, out)
        for hold in self.holds:
            if hold.due <= at:
                leaving.expired(self, hold, at, out)

    def _left(self, event: Left | Undone, out: list[Command]) -> None:
        if isinstance(event, Undone):
            limiting.undone(self, event.stream, event.at, out)
            return
        if event.stream is None:
            self._gone.add(event.direction)
        for hold in self.holds:
            if event.stream is None or hold.passage.stream == event.stream:
                leaving.left(self, hold, event, out)

    def _end(self, at: int, out: list[Command]) -> None:
        self.over = True
        announcing.ended(self, out)
        for hold in self.holds:
            resolving.abandon(self, hold, "session end", at, out)

    def failed(self, event: Event) -> list[Command]:
        """What to do about ``event`` after ``handle`` failed: refuse where a rule guards, else let pass."""
        out: list[Command] = []
        if isinstance(event, Received):
            considering.failed(self, event, out)
        return out

    # Small things.

    def resume(self, memory: Memory) -> None:
        """Take up what was seen while the messages did not come this way; nothing may be busy."""
        self.memory = memory
        self.plain_calls.forget()
        self.asked.clear()
        self.injected.clear()

    def facts(self) -> Facts:
        """The names that filters ask for."""
        found = self.memory.facts(self.names)
        if self._servers:
            return replace(found, server_names=(*found.server_names, *self._servers))
        return found

    def face(self, name: str) -> tuple[str, str]:
        """The name and the description ("" for the server's) that clients see a tool under."""
        face = self.view.faces.get(name)
        return (name, "") if face is None else (face.name, face.description)

    def check(self, passage: Passage, message: Message) -> list[str]:
        """What the tool's schemas say against ``message``, with paths."""
        return self._checks.of(self.memory.catalog, passage, message)

    def schema_for(self, passage: Passage, *, answer: bool = False) -> dict[str, Any] | None:
        """The schema that the held arguments or result should keep to (``answer``: that of its result)."""
        return schema_of(self.memory.catalog, passage, answer=answer)

    def new_id(self) -> str:
        """An id for a request of ours that no peer uses."""
        self._ids += 1
        return f"mcpscope-{self.session}-{self._ids}"

    def is_gone(self, sender: Direction) -> bool:
        """Whether the peer that sends in this direction has left the session."""
        return sender in self._gone

    def last_good(self, passage: Passage) -> bytes | None:
        name = passage.exchange.name if passage.exchange else ""
        return self.steering.last_good(passage.method, name)

    def forget(self, exchange: Exchange | None) -> None:
        """The exchange of a message that was never sent: no answer will come for it."""
        if exchange is not None:
            self.asked.take(exchange.id)
            self.step_answers.discard(exchange.id)

    def record(
        self,
        passage: Passage,
        word: Word,
        at: int,
        detail: dict[str, object] | None = None,
        *,
        sent: bytes | None = None,
    ) -> Record:
        """The OUTCOME record for ``passage``."""
        return auditing.outcome_of(self, passage, word, at, detail, sent=sent)
