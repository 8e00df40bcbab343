"""The gate of one stdio session: frame, journal, judge, forward; and the way in and out of it.

Both directions pass it or neither does, each from its own next message boundary on. Whatever the engine
says is in the journal before the first byte of the consequence is written.
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
from mcpscope.session.catch_up import CatchUp
from mcpscope.session.gate_lane import GateLane
from mcpscope.session.outlet import Outlet
from mcpscope.store.layout import EOF, MESSAGE, NO_DIR, NOTE, OUTCOME, SENT, TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from mcpscope.session.restarting import Restarting
    from mcpscope.session.stdio import StdioSession
    from mcpscope.store.journal import Journal
    from mcpscope.transports.loop import Handle, Loop

CATCH_UP_SECONDS = 0.1
_LEAVES = (Word.FORWARDED, Word.EDITED)
_DIRS = {Direction.TO_SERVER: TO_SERVER, Direction.TO_CLIENT: TO_CLIENT}


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
        self.ready = False
        self._loop = loop
        self._session = session
        self._roads = {Direction.TO_SERVER: session.to_server, Direction.TO_CLIENT: session.to_client}
        self._journal = journal
        self._tell = tell
        self._inside = False
        self._judging = False
        self._lanes: dict[Direction, GateLane] = {}
        self._outlet = Outlet(loop, self._roads, self._between)
        self._endings: dict[int, bytes] = {}
        self._catch_up: CatchUp | None = None
        self._late: Handle | None = None
        self._timer: Handle | None = None
        self._armed: int | None = None
        self._last_at = 0
        self._over = False
        self.restarting: Restarting | None = None
        steering.on_change.append(self.weigh)
        steering.on_view.append(self._viewed)

    def __repr__(self) -> str:
        state = "ready" if self.ready else "entering" if self._inside else "open"
        return f"<Gate {self.number} {state} {self.engine!r}>"

    # What the desk asks.

    def now(self) -> int:
        """Unix ns, strictly rising: a name for one message of this session."""
        if self._journal is not None:
            return self._journal.now()
        self._last_at = max(time_ns(), self._last_at + 1)
        return self._last_at

    def engage(self) -> Engine:
        """The engine, with every message passing it from now on."""
        if not self._inside:
            self.enter()
        return self.engine

    def handle(self, event: Event) -> None:
        """Give ``event`` to the engine and do what it wants; raises ScopeError as the engine does."""
        self._judging = True
        try:
            commands = self.engine.handle(event)
        finally:
            self._judging = False
        if isinstance(event, Injected):
            self._append(MESSAGE, _DIRS[event.direction], event.message.raw, 0, event.at)
        self._carry_out(commands)
        self._settle()

    def describe(self) -> dict[str, Any]:
        facts = self.engine.memory.identity.facts
        return {
            "number": self.number,
            "lane": "gate" if self._inside else "fast",
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
        if wanted and not self._inside:
            self.enter()
        elif not wanted and self._inside and self.ready:
            self._leave()

    def holds_road(self, direction: Direction) -> bool:
        """Messages of this direction come here, and no other lane has one unfinished."""
        lane = self._lanes.get(direction)
        return self.ready and lane is not None and lane.in_force

    def force_road(self, direction: Direction) -> None:
        """What has begun to pass will not end: close its line, and let the rest come here."""
        if not self.holds_road(direction):
            road = self._roads[direction]
            road.send(b"\n")
            road.lane = self._lanes[direction]
        self._lanes[direction].forget()

    def _viewed(self, surfaces: frozenset[Surface]) -> None:
        """Whoever changed it, the client is told that it sees something else now."""
        self.handle(Viewed(surfaces, self.now()))

    def enter(self, *, fresh: bool = False) -> None:
        """Let both directions pass here from their next message boundary on.

        ``fresh`` says that no message has passed yet. Otherwise what was seen before is taken up first,
        from the recorder's checkpoint and the journal behind it, while bytes wait (CATCH_UP_SECONDS at
        most).
        """
        self._inside = True
        self.ready = False
        for direction, road in self._roads.items():
            lane = self._lanes.get(direction)
            if lane is None or lane.over:
                limit = self.steering.max_message
                lane = self._lanes[direction] = GateLane(self, road, direction, _DIRS[direction], limit)
            road.enter(lane)
        if fresh or self._journal is None:
            self._be_ready()
            return
        self.note("the session passes the gate", "switch")
        self._late = self._loop.call_later(CATCH_UP_SECONDS, self._be_ready)
        self.crossed()

    def enter_fresh(self) -> None:
        """At the start of the session, where nothing was before."""
        if self.steering.gated:
            self.enter(fresh=True)

    def crossed(self) -> None:
        """A direction may have come in: when both have, take up what was before."""
        if self._inside and not self.ready and all(lane.in_force for lane in self._lanes.values()):
            self._be_ready()

    def _be_ready(self) -> None:
        if self.ready or not self._inside:
            return
        if self._late is not None:
            self._late.cancel()
            self._late = None
            assert self._journal is not None
            self._catch_up = CatchUp(self._journal.folder, self.number)
            self.engine.resume(self._catch_up.run(CATCH_UP_SECONDS))
            if all(lane.in_force for lane in self._lanes.values()):
                self._forget_catch_up()
        self.ready = True
        self._tell("lane", self.number, {"lane": "gate"})
        for lane in self._lanes.values():
            lane.proceed()

    def _leave(self) -> None:
        self._inside = False
        self._forget_catch_up()
        self.note("the session has left the gate", "switch")
        for direction, road in self._roads.items():
            if not self._lanes[direction].over:
                road.enter(self._session.fast_lane(road, _DIRS[direction]))
        self._tell("lane", self.number, {"lane": "fast"})

    def _forget_catch_up(self) -> None:
        if self._catch_up is not None:
            self._catch_up.close()
            self._catch_up = None

    # What the lanes bring.

    def passes(self, lane: GateLane, line: bytes) -> bool:
        """Whether nothing can touch the message in ``line``: then it is recorded, and has gone on."""
        if not self.ready or self._catch_up is not None or self.restarting is not None:
            return False
        if self._outlet.parts[lane.direction]:
            return False  # what waits goes first
        calls, raw, at = self.engine.plain_calls, line[:-1], self.now()
        try:
            passes = calls.asks(raw, at) if lane.dir == TO_SERVER else calls.answers(raw, at)
        except Exception:  # looked at again, where a failure refuses
            return False
        if passes and self._append(MESSAGE, lane.dir, raw, UNCHANGED_FLAG, at):
            lane.road.send(line)
        return passes

    def messages(self, lane: GateLane, frames: list[Frame]) -> None:
        """Whole messages of one direction, in their order."""
        if self._catch_up is not None:
            self._watch_the_late()
        direction, dir, limit = lane.direction, lane.dir, self.steering.max_message
        unsent = self._outlet.parts[direction]
        for frame in frames:
            raw = frame.raw
            if len(raw) > limit:
                self.oversized(lane, raw[: 64 << 10], raw[-(64 << 10) :], len(raw))
                continue
            at = self.now()
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
        self._forget_catch_up()
        for handle in (self._timer, self._late):
            if handle is not None:
                handle.cancel()
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
                    self._append(SENT, _DIRS[direction], data, 0, at)
                    self._outlet.parts[direction] += (data, b"\n")
                case Record(outcome, direction):
                    if not self._append(OUTCOME, _DIRS[direction], outcome.to_record(), 0, outcome.at):
                        return
                    if outcome.word.final and outcome.word not in _LEAVES:
                        self._endings.pop(outcome.of, None)
                case Note(kind, text):
                    self.note(text, kind)
                case Tell(event, data):
                    self._tell(event, self.number, data)
                case Close():
                    self._outlet.flush()
                    self._session.break_off()

    def _settle(self) -> None:
        """Write what is to be written, set the timer, and see whether the gate is still needed."""
        self._outlet.flush()
        due = self.engine.due
        if due != self._armed:
            self._arm(due)
        for lane in self._lanes.values():
            if lane.over and not self._holds_in(lane.direction):
                lane.road.finish()
        if not self.steering.gated:
            self.weigh()

    def _between(self, direction: Direction) -> bool:
        """Whether no other lane is in the middle of a message in this direction."""
        lane = self._lanes.get(direction)
        return lane is None or lane.in_force or not self._inside

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

    def _watch_the_late(self) -> None:
        """A direction that came in after the other: what it said until then is in the journal by now."""
        if self._catch_up is not None and all(lane.in_force for lane in self._lanes.values()):
            self._catch_up.run(CATCH_UP_SECONDS, chunks_only=True)
            self._forget_catch_up()

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
        self._tell("note", self.number, {"kind": kind, "text": text})
