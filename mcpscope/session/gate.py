"""The gate of one stdio session: journal, judge, forward.

Both directions pass it or neither does, each from its own next message boundary on (``gate_door``). Whatever
the engine says is in the journal before the first byte of the consequence is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import time_ns
from typing import TYPE_CHECKING, Any

from mcpscope.engine.commands import Close, Command, Forward, Note, Record, Send, Tell
from mcpscope.engine.engine import Engine
from mcpscope.engine.events import Ended, Event, Injected, Left, Oversized, Received, Tick, Viewed
from mcpscope.engine.outcomes import UNCHANGED_FLAG, Word
from mcpscope.engine.steering import Steering
from mcpscope.engine.visibility import Surface
from mcpscope.protocol.framing import Frame
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.session.gate_door import DIRS, Door
from mcpscope.session.outlet import Outlet
from mcpscope.store.layout import EOF, MESSAGE, NO_DIR, NOTE, OUTCOME, SENT, TO_SERVER

if TYPE_CHECKING:
    from mcpscope.session.gate_lane import GateLane
    from mcpscope.session.restarting import Restarting
    from mcpscope.session.stdio import StdioSession
    from mcpscope.store.journal import Journal
    from mcpscope.transports.loop import Handle, Loop

_LEAVES = (Word.FORWARDED, Word.EDITED)


class Gate:
    """Owns the engine of ``session`` and carries out what it wants.

    ``tell`` sends an event to those attached.
    """

    def __init__(
        self,
        loop: Loop,
        steering: Steering,
        session: StdioSession,
        journal: Journal | None,
        tell: Callable[[str, int, dict[str, Any]], None],
        names: tuple[str, ...] = (),
    ) -> None:
        self.number = session.number
        self.steering = steering
        self.engine = Engine(steering, session=session.number, names=names)
        self.door = Door(self, loop, session, journal)
        self._loop = loop
        self._session = session
        self._journal = journal
        self._tell = tell
        self._judging = False
        self._outlet = Outlet(loop, self.door.roads, self.door.is_between)
        self._endings: dict[int, bytes] = {}
        self._timer: Handle | None = None
        self._armed: int | None = None
        self._last_at = 0
        self._over = False
        self.restarting: Restarting | None = None
        steering.on_change.append(self.weigh)
        steering.on_view.append(self._viewed)

    def __repr__(self) -> str:
        return f"<Gate {self.number} {self.door!r} {self.engine!r}>"

    # What the desk asks.

    def now(self) -> int:
        """Unix ns, strictly rising: a name for one message of this session."""
        journal = self._journal
        if journal is not None:
            return journal.now()
        self._last_at = max(time_ns(), self._last_at + 1)
        return self._last_at

    def engage(self) -> Engine:
        """The engine, with every message passing it from now on."""
        if not self.door.inside:
            self.door.enter(fresh=False)
        return self.engine

    def handle(self, event: Event) -> None:
        """Give ``event`` to the engine and do what it wants; raises ScopeError as the engine does."""
        self._judging = True
        try:
            commands = self.engine.handle(event)
        finally:
            self._judging = False
        if isinstance(event, Injected):
            self._append(MESSAGE, DIRS[event.direction], event.message.raw, 0, event.at)
        self._carry_out(commands)
        self._settle()

    def describe(self) -> dict[str, Any]:
        facts = self.engine.memory.identity.facts
        return {
            "number": self.number,
            "lane": "gate" if self.door.inside else "fast",
            "holds": len(self.engine.holds),
            "client": facts.client_name,
            "server": facts.server_name,
            "revision": facts.revision,
        }

    # In and out.

    def weigh(self) -> None:
        """Enter or leave, as the rules, those attached and what is held demand."""
        if self._over or self._judging:
            return
        wanted = self.steering.gated or self.engine.busy or self.restarting is not None
        if wanted and not self.door.inside:
            self.door.enter(fresh=False)
        elif not wanted and self.door.inside and self.door.ready:
            self.door.leave()

    def enter_fresh(self) -> None:
        """At the start of the session, where nothing was before."""
        if self.steering.gated:
            self.door.enter(fresh=True)

    def _viewed(self, surfaces: frozenset[Surface]) -> None:
        """Whoever changed it, the client is told that it sees something else now."""
        self.handle(Viewed(surfaces, self.now()))

    # What the lanes bring.

    def passes(self, lane: GateLane, line: bytes) -> bool:
        """Whether nothing can touch the message in ``line``: then it is recorded, and has gone on."""
        if not self.door.clear or self.restarting is not None or self._outlet.parts[lane.direction]:
            return False  # what waits goes first
        raw, at = line[:-1], self.now()
        if not self._is_plain(lane, raw, at):
            return False
        journal = self._journal
        if (
            journal is None
            or journal.append(MESSAGE, lane.dir, self.number, 0, raw, UNCHANGED_FLAG, at)
            or not journal.required
        ):
            lane.road.send(line)
        else:
            self._session.refuse()
        return True

    def _is_plain(self, lane: GateLane, raw: bytes, at: int) -> bool:
        calls = self.engine.plain_calls
        try:
            return calls.asks(raw, at) if lane.dir == TO_SERVER else calls.answers(raw, at)
        except Exception:  # the engine is asked again, and what fails there is refused where a rule guards
            return False

    def messages(self, lane: GateLane, frames: list[Frame]) -> None:
        """Whole messages of one direction, in their order."""
        self.door.watch_the_late()
        direction, dir, limit = lane.direction, lane.dir, self.steering.max_message
        unsent = self._outlet.parts[direction]
        # One alone was looked at on its way here.
        many = len(frames) > 1 and self.door.clear and self.restarting is None
        for frame in frames:
            raw = frame.raw
            if len(raw) > limit:
                self.oversized(lane, raw[: 64 << 10], raw[-(64 << 10) :], len(raw))
                continue
            at = self.now()
            if many and self._is_plain(lane, raw, at):
                if not self._append(MESSAGE, dir, raw, UNCHANGED_FLAG, at):
                    return
                unsent += (raw, frame.ending)
                continue
            message = parse(raw)
            restarting = self.restarting if direction is Direction.TO_CLIENT else None
            if restarting is not None and restarting.absorbs(message, at):
                continue
            commands = self._judge(Received(direction, message, at))
            first = commands[0] if commands else None
            plain = type(first) is Forward and first.plain
            if not self._append(MESSAGE, dir, raw, UNCHANGED_FLAG if plain else 0, at):
                return
            if plain and len(commands) == 1:
                unsent.append(raw)
                unsent.append(frame.ending)
                continue
            if frame.end - frame.start - len(raw) != 1:
                self._endings[at] = frame.ending
            self._carry_out(commands)
        self._settle()

    def oversized(self, lane: GateLane, head: bytes, tail: bytes, size: int) -> None:
        """A message that the gate does not take; its two ends are what is left of it."""
        at = self.now()
        commands = self._judge(Oversized(lane.direction, head + b" ... " + tail, at))
        if self._append(MESSAGE, lane.dir, head, 0, at):
            self.note(f"a message of {size} bytes was refused; its first {len(head)} are recorded")
            self._carry_out(commands)
            self._settle()

    def ended(self, lane: GateLane) -> None:
        """This direction's source is at its end."""
        if self._journal is not None:
            self._journal.append(EOF, lane.dir, self.number, 0, b"{}")
        self._carry_out(self._judge(Left(lane.direction, self.now())))
        self._settle()

    def end(self) -> None:
        """The session is over: every message that still waits gets its outcome."""
        if self._over:
            return
        self._over = True
        self._carry_out(self._judge(Ended(self.now())))
        self.door.close()
        if self._timer is not None:
            self._timer.cancel()
        self.steering.on_change.remove(self.weigh)
        self.steering.on_view.remove(self._viewed)

    def _judge(self, event: Event) -> list[Command]:
        self._judging = True
        try:
            return self.engine.handle(event)
        except Exception as error:  # whatever fails in the gate, nothing unjudged passes it
            self.note(f"the gate failed: {type(error).__name__}: {error}")
            return self.engine.failed(event)
        finally:
            self._judging = False

    # What the engine wants.

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Forward(direction, message, of):
                    ending = self._endings.pop(of, b"\n")
                    self._outlet.parts[direction] += (message.raw, ending)
                case Send(direction, data, at):
                    self._append(SENT, DIRS[direction], data, 0, at)
                    self._outlet.parts[direction] += (data, b"\n")
                case Record(outcome, direction):
                    if not self._append(OUTCOME, DIRS[direction], outcome.to_record(), 0, outcome.at):
                        return
                    if outcome.word.final and outcome.word not in _LEAVES:
                        self._endings.pop(outcome.of, None)
                case Note(kind, text):
                    self.note(text, kind)
                case Tell(event, data):
                    self.tell(event, data)
                case Close():
                    self._outlet.flush()
                    self._session.break_off()

    def _settle(self) -> None:
        """Write what is to be written, set the timer, and see whether the gate is still needed."""
        self._outlet.flush()
        due = self.engine.due
        if due != self._armed:
            self._arm(due)
        for lane in self.door.lanes.values():
            if lane.over and not self._holds_in(lane.direction):
                lane.road.finish()
        if not self.steering.gated:
            self.weigh()

    def _holds_in(self, direction: Direction) -> bool:
        return any(hold.passage.direction is direction for hold in self.engine.holds)

    def _arm(self, due: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed = due
        if due is not None and not self._over:
            self._timer = self._loop.call_later(max(0, due - time_ns()) / 1e9, self._tick)

    def _tick(self) -> None:
        self._armed = None
        self._carry_out(self._judge(Tick(self.now())))
        self._settle()

    def _append(self, kind: int, dir: int, payload: bytes, flags: int, at: int) -> bool:
        """Journal it; False if it must not go on because it could not be recorded."""
        journal = self._journal
        if journal is None:
            return True
        if journal.append(kind, dir, self.number, 0, payload, flags, at) or not journal.required:
            return True
        self._session.refuse()
        return False

    def note(self, text: str, kind: str = "gate") -> None:
        """Put a line into the record of the session and tell those attached."""
        if self._journal is not None:
            body = json.dumps({"kind": kind, "text": text}).encode()
            self._journal.append(NOTE, NO_DIR, self.number, 0, body)
        self.tell("note", {"kind": kind, "text": text})

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Tell those attached of something in this session."""
        self._tell(event, self.number, data)
