"""One session of whole messages on numbered streams: written down and forwarded, or judged by the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import TYPE_CHECKING, Any

from mcpscope.engine.commands import Close, Command, Forward, Note, Record, Send, Tell
from mcpscope.engine.events import Ended, Event, Injected, Left, Oversized, Received, Tick, Undone, Viewed
from mcpscope.engine.outcomes import UNCHANGED_FLAG, Word
from mcpscope.engine.visibility import Surface
from mcpscope.protocol.message import Direction, Message
from mcpscope.protocol.revisions import Era
from mcpscope.session.crossing import DIR, Beside, Port
from mcpscope.session.http_log import Journal, JournalRecord, NotRecorded
from mcpscope.store.layout import MESSAGE, NO_DIR, NOTE, OUTCOME, SENT
from mcpscope.transports.secret_mask import Mask

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine
    from mcpscope.engine.steering import Steering
    from mcpscope.engine.visibility import View
    from mcpscope.transports.loop import Handle, Loop

CATCH_UP_SECONDS = 0.1
UNHEARD = "that did not reach the client: it has no stream open on which it could hear it"
_LEAVES = (Word.FORWARDED, Word.EDITED)


@dataclass(slots=True)
class Helmed:
    """How one proxy is steered: nothing until somebody dials or the command line gives orders.

    ``steer`` puts a steering in force, once.
    """

    steering: Steering | None = None
    conversations: dict[int, Conversation] = field(default_factory=dict)
    awake: dict[int, Conversation] = field(default_factory=dict)
    """Those whose engine was asked since they were last seen outside the gate."""
    tell: Callable[[str, int, dict[str, Any]], None] = field(default=lambda event, session, data: None)
    names: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    """How rules may call the server, beside what it calls itself."""
    views: Callable[[str], View | None] = field(default=lambda caller: None)
    """What a caller may see; None for all that anybody may."""
    _branches: list[Helmed] = field(default_factory=list)

    def branch(self, server: str, views: Callable[[str], View | None]) -> Helmed:
        """The same steering for the sessions with one of several servers."""
        made = replace(self, servers=(server,), views=views, _branches=[])
        self._branches.append(made)
        return made

    def steer(self, steering: Steering) -> Steering:
        """Let ``steering`` be in force for every session; their clients hear of what is seen otherwise."""
        self.steering = steering
        for branch in self._branches:
            branch.steering = steering
        steering.on_view.append(self._viewed)
        return steering

    def _viewed(self, surfaces: frozenset[Surface]) -> None:
        for session in tuple(self.conversations.values()):
            session.handle(Viewed(surfaces, session.now()))

    @property
    def gated(self) -> bool:
        """Something could touch a message."""
        return self.steering is not None and self.steering.gated

    @property
    def strict(self) -> bool:
        """What cannot be read with certainty is refused."""
        return self.steering is not None and self.steering.strict is not None

    @property
    def max_message(self) -> int:
        return 4 << 20 if self.steering is None else self.steering.max_message


class Conversation:
    """A crossing for ``port``, and what the desk knows of one session.

    While the gate is not in force a message is written down and forwarded. The engine is made when it is
    first needed, from what the journal knows of the session.
    """

    def __init__(
        self,
        loop: Loop,
        journal: Journal,
        helmed: Helmed,
        number: int,
        port: Port,
        mask: Mask,
        caller: str = "",
    ) -> None:
        self.number = number
        self._caller = caller
        self._loop = loop
        self._journal = journal
        self.now: Callable[[], int] = getattr(journal, "now", time_ns)
        """Unix ns, strictly rising: a name for one message of this session."""
        self._helmed = helmed
        self._port = port
        self._mask = mask
        self._engine: Engine | None = None
        self._forced = False
        self._current = False
        self._timer: Handle | None = None
        self._armed: int | None = None
        self._over = False
        helmed.conversations[number] = self

    def __repr__(self) -> str:
        return f"<Conversation {self.number} gated={self.gated} {self._engine!r}>"

    # What the desk asks.

    @property
    def engine(self) -> Engine | None:
        return self._engine

    def engage(self) -> Engine:
        """The engine, up to date, with every message passing it from now on."""
        self._forced = True
        return self._fresh()

    def handle(self, event: Event) -> None:
        """Give ``event`` to the engine and do what it wants; raises ScopeError as the engine does."""
        engine = self._fresh()
        commands = engine.handle(event)
        if isinstance(event, Injected):
            self._append(MESSAGE, event.direction, event.stream, event.message.raw, 0, event.at)
        self._carry_out(commands)
        self._arm()

    def describe(self) -> dict[str, Any]:
        engine = self._engine
        facts = engine.memory.identity.facts if engine is not None else None
        return {
            "number": self.number,
            "lane": "gate" if self.gated else "fast",
            "holds": len(engine.holds) if engine is not None else 0,
            "client": facts.client_name if facts is not None else "",
            "server": facts.server_name if facts is not None else "",
            "revision": facts.revision if facts is not None else "",
        }

    # The crossing.

    @property
    def gated(self) -> bool:
        """Messages pass the engine now."""
        steering = self._helmed.steering
        if steering is None and self._engine is None and not self._forced:
            return False
        if self._forced or (steering is not None and steering.gated):
            return True
        if self._engine is not None and self._engine.busy:
            return True
        # What passes beside the engine now, it has to be told of when it is asked again.
        self._current = False
        self._helmed.awake.pop(self.number, None)
        return False

    def received(
        self, direction: Direction, message: Message, stream: int, caller: str = "", *, beside: Beside = None
    ) -> int:
        """A whole message arrived; the time that names it. Raises NotRecorded where it must not pass."""
        if not self.gated:
            return self._passed(direction, message, stream, beside)
        if beside is not None:
            beside[0].commit()
        engine = self._fresh()
        at = self.now()
        commands = self._judge(engine, Received(direction, message, at, stream, caller))
        first = commands[0] if commands else None
        plain = type(first) is Forward and first.plain
        self._append(MESSAGE, direction, stream, message.raw or b" ", UNCHANGED_FLAG if plain else 0, at)
        self._carry_out(commands)
        self._arm()
        return at

    def _passed(self, direction: Direction, message: Message, stream: int, beside: Beside) -> int:
        """Nothing can touch ``message``: it is written down, and goes on."""
        at, raw = self.now(), message.raw or b" "
        if beside is None:
            self._append(MESSAGE, direction, stream, raw, UNCHANGED_FLAG, at)
        else:
            log, more = beside
            record = self.passing(direction, message, stream)
            log.along(record, at, more=more and not self._journal.required)
        self._port.forward(direction, message, stream, at, changed=False)
        return at

    def passing(self, direction: Direction, message: Message, stream: int) -> JournalRecord:
        """What the journal is told of a message that goes on untouched, now that nothing is judged."""
        return MESSAGE, DIR[direction], self.number, stream, message.raw or b" ", UNCHANGED_FLAG

    def oversized(self, direction: Direction, head: bytes, size: int, stream: int) -> None:
        """A message that the gate does not take; ``head`` is what was kept of it."""
        engine = self._fresh()
        at = self.now()
        commands = self._judge(engine, Oversized(direction, head, at, stream))
        self._append(MESSAGE, direction, stream, head or b" ", 0, at)
        self.note(f"a message of {size} bytes was refused; its first {len(head)} are recorded")
        self._carry_out(commands)
        self._arm()

    def left(self, direction: Direction, stream: int | None = None) -> None:
        """The peer that sends in ``direction`` (or its ``stream``) is gone."""
        engine = self._engine
        if engine is not None and not self._over:
            self._carry_out(self._judge(engine, Left(direction, self.now(), stream)))
            self._arm()

    def undone(self, stream: int) -> None:
        """What was forwarded on ``stream`` did not reach the server, or HTTP refused it."""
        engine = self._engine
        if engine is not None and not self._over:
            self._carry_out(self._judge(engine, Undone(stream, self.now())))

    def ended(self) -> None:
        """The session is over: every message that still waits gets its outcome."""
        if self._over:
            return
        self._over = True
        self._helmed.conversations.pop(self.number, None)
        self._helmed.awake.pop(self.number, None)
        if self._timer is not None:
            self._timer.cancel()
        if self._engine is not None:
            self._carry_out(self._judge(self._engine, Ended(self.now())))

    @property
    def guarded(self) -> bool:
        """Something of what the server says may be refused: nothing of it goes to the client unjudged."""
        steering = self._helmed.steering
        if steering is None or steering.strict is None:
            return False
        return steering.rules.guards_client or steering.view.hides

    @property
    def is_modern(self) -> bool:
        engine = self._engine
        return engine is not None and engine.memory.identity.facts.era is Era.MODERN

    def schema(self, tool: str) -> dict[str, Any] | None:
        """The input schema of ``tool`` as the server lists it."""
        return None if self._engine is None else self._engine.memory.catalog.input_schema(tool)

    def schema_seen(self, name: str) -> dict[str, Any] | None:
        """The input schema of what clients call ``name``; what they cannot see has none for them."""
        if self._engine is None:
            return None
        view = self._engine.view
        real = view.real(name)
        return None if real is None or view.hidden(Surface.TOOLS, real) else self.schema(real)

    # helpers

    def _fresh(self) -> Engine:
        """The engine, told of all that passed beside it."""
        if not self._over:
            self._helmed.awake[self.number] = self
        if self._engine is None:
            from mcpscope.engine.engine import Engine  # deferred: only a steered proxy pays for it

            assert self._helmed.steering is not None
            self._engine = Engine(
                self._helmed.steering,
                session=self.number,
                names=self._helmed.names,
                servers=self._helmed.servers,
                view=self._helmed.views(self._caller),
            )
        if not self._current:
            self._current = True
            folder = getattr(self._journal, "folder", "")
            if folder:
                from mcpscope.session.catch_up import CatchUp

                catch_up = CatchUp(folder, self.number)
                self._engine.resume(catch_up.run(CATCH_UP_SECONDS))
                catch_up.close()
            self._helmed.tell("lane", self.number, {"lane": "gate"})
        return self._engine

    def _judge(self, engine: Engine, event: Event) -> list[Command]:
        try:
            return engine.handle(event)
        except Exception as error:  # whatever fails in the gate, nothing unjudged passes it
            self.note(f"the gate failed: {type(error).__name__}: {error}")
            return engine.failed(event)

    def _carry_out(self, commands: list[Command]) -> None:
        swallowed: list[Record] = []
        for command in commands:
            match command:
                case Forward():
                    self._port.forward(
                        command.direction,
                        command.message,
                        command.stream,
                        command.of,
                        changed=command.changed,
                    )
                case Send():
                    swallowed = [one for one in swallowed if one.outcome.of != command.answers]
                    self._send(command)
                case Record(outcome, direction, stream):
                    self._append(OUTCOME, direction, stream, outcome.to_record(), 0, outcome.at)
                    if outcome.word.final and outcome.word not in _LEAVES:
                        swallowed.append(command)
                case Note(kind, text):
                    self.note(text, kind)
                case Tell(event, data):
                    self._helmed.tell(event, self.number, data)
                case Close(direction, stream):
                    self._port.close_channel(direction, stream)
        for record in swallowed:
            self._port.swallowed(record.direction, record.stream, record.outcome.of)

    def _send(self, command: Send) -> None:
        self._append(SENT, command.direction, command.stream, command.data, 0, command.at)
        heard = self._port.send(command.direction, command.data, command.stream, command.answers)
        if not heard and not command.answers:
            self.note(UNHEARD, "visibility")

    def _arm(self) -> None:
        due = None if self._engine is None else self._engine.due
        if due == self._armed:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed = due
        if due is not None and not self._over:
            self._timer = self._loop.call_later(max(0, due - time_ns()) / 1e9, self._tick)

    def _tick(self) -> None:
        self._armed = None
        if self._engine is None or self._over:
            return
        try:
            self._carry_out(self._judge(self._engine, Tick(self.now())))
        except NotRecorded as fault:
            self._helmed.tell("note", self.number, {"kind": "gate", "text": f"not recorded: {fault}"})
        self._arm()

    def _append(
        self, kind: int, direction: Direction, stream: int, payload: bytes, flags: int, at: int
    ) -> None:
        journal = self._journal
        if (
            not journal.append(kind, DIR[direction], self.number, stream, payload, flags, at)
            and journal.required
        ):
            raise NotRecorded(journal.fault or "it cannot be redacted")

    def note(self, text: str, kind: str = "gate") -> None:
        """Put a line into the record of the session and tell those attached."""
        body = json.dumps({"kind": kind, "text": self._mask.text(text)}).encode()
        self._journal.append(NOTE, NO_DIR, self.number, 0, body)
        self._helmed.tell("note", self.number, {"kind": kind, "text": text})
