"""The way into the gate of a stdio session and out of it: live, at a message boundary of each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.message import Direction
from mcpscope.session.catch_up import CatchUp
from mcpscope.session.gate_lane import GateLane
from mcpscope.store.layout import TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from mcpscope.session.gate import Gate
    from mcpscope.session.road import Road
    from mcpscope.session.stdio import StdioSession
    from mcpscope.store.journal import Journal
    from mcpscope.transports.loop import Handle, Loop

CATCH_UP_SECONDS = 0.1
DIRS = {Direction.TO_SERVER: TO_SERVER, Direction.TO_CLIENT: TO_CLIENT}


class Door:
    """Puts the lanes of ``gate`` in force on the roads of ``session``, and takes up what passed before.

    ``inside`` says that messages are to pass the gate, ``ready`` that it takes them, ``clear`` that neither
    direction has anything left to take up.
    """

    def __init__(self, gate: Gate, loop: Loop, session: StdioSession, journal: Journal | None) -> None:
        self.inside = False
        self.ready = False
        self.clear = False
        self.lanes: dict[Direction, GateLane] = {}
        self.roads: dict[Direction, Road] = {
            Direction.TO_SERVER: session.to_server,
            Direction.TO_CLIENT: session.to_client,
        }
        self._gate = gate
        self._loop = loop
        self._session = session
        self._journal = journal
        self._catch_up: CatchUp | None = None
        self._late: Handle | None = None

    def __repr__(self) -> str:
        return f"<Door {'ready' if self.ready else 'entering' if self.inside else 'open'}>"

    def enter(self, *, fresh: bool) -> None:
        """Let both directions pass the gate from their next message boundary on.

        ``fresh`` says that no message has passed yet. Otherwise what was seen before is taken up first,
        from the recorder's checkpoint and the journal behind it, while bytes wait (CATCH_UP_SECONDS at
        most).
        """
        self.inside = True
        self.ready = self.clear = False
        limit = self._gate.steering.max_message
        for direction, road in self.roads.items():
            lane = self.lanes.get(direction)
            if lane is None or lane.over:
                lane = self.lanes[direction] = GateLane(
                    self._gate, self, road, direction, DIRS[direction], limit
                )
            road.enter(lane)
        if fresh or self._journal is None:
            self._be_ready()
            return
        self._gate.note("the session passes the gate", "switch")
        self._late = self._loop.call_later(CATCH_UP_SECONDS, self._be_ready)
        self.crossed()

    def leave(self) -> None:
        """Let both directions pass beside it."""
        self.inside = self.clear = False
        self._forget_catch_up()
        self._gate.note("the session has left the gate", "switch")
        for direction, road in self.roads.items():
            if not self.lanes[direction].over:
                road.enter(self._session.fast_lane(road, DIRS[direction]))
        self._gate.tell("lane", {"lane": "fast"})

    def close(self) -> None:
        """The session is over."""
        self.clear = False
        self._forget_catch_up()
        if self._late is not None:
            self._late.cancel()

    def crossed(self) -> None:
        """A direction may have come in: when both have, take up what was before."""
        if self.inside and not self.ready and self._both_in_force():
            self._be_ready()

    def watch_the_late(self) -> None:
        """A direction that came in after the other: what it said until then is in the journal by now."""
        if self._catch_up is not None and self._both_in_force():
            self._catch_up.run(CATCH_UP_SECONDS, chunks_only=True)
            self._forget_catch_up()
            self.clear = True

    def holds_road(self, direction: Direction) -> bool:
        """Messages of this direction come to the gate, and no other lane has one unfinished."""
        lane = self.lanes.get(direction)
        return self.ready and lane is not None and lane.in_force

    def force_road(self, direction: Direction) -> None:
        """What has begun to pass will not end: close its line, and let the rest come to the gate."""
        if not self.holds_road(direction):
            road = self.roads[direction]
            road.send(b"\n")
            road.lane = self.lanes[direction]
        self.lanes[direction].forget()

    def is_between(self, direction: Direction) -> bool:
        """Whether no other lane is in the middle of a message in this direction."""
        lane = self.lanes.get(direction)
        return lane is None or lane.in_force or not self.inside

    def _be_ready(self) -> None:
        if self.ready or not self.inside:
            return
        if self._late is not None:
            self._late.cancel()
            self._late = None
            assert self._journal is not None
            self._catch_up = CatchUp(self._journal.folder, self._gate.number)
            self._gate.engine.resume(self._catch_up.run(CATCH_UP_SECONDS))
            if self._both_in_force():
                self._forget_catch_up()
        self.ready = True
        self.clear = self._catch_up is None
        self._gate.tell("lane", {"lane": "gate"})
        for lane in self.lanes.values():
            lane.proceed()

    def _both_in_force(self) -> bool:
        return all(lane.in_force for lane in self.lanes.values())

    def _forget_catch_up(self) -> None:
        if self._catch_up is not None:
            self._catch_up.close()
            self._catch_up = None
