"""Another server in the place of the one that runs, behind a client on our standard streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.session.again import Again
from mcpscope.session.http_local import failure_answer
from mcpscope.store.layout import MESSAGE, OUTCOME, SENT, TO_CLIENT, TO_SERVER
from mcpscope.store.standing import Standing
from mcpscope.transports.connect.process import Child, StartFailed

if TYPE_CHECKING:
    from mcpscope.session.gate import Gate
    from mcpscope.session.stdio import StdioSession
    from mcpscope.store.journal import Journal
    from mcpscope.transports.loop import Loop

LOOK_SECONDS = 0.02
STORED_SECONDS = 2.0
GRACE_SECONDS = 1.0
ANSWER_SECONDS = 30.0
_ACTOR = "restart"


class Restarting:
    """``start`` gives a new server, ``standing`` what the client has said to the old one, ``stored`` tells
    whether all of it is stored by now.
    """

    def __init__(
        self,
        loop: Loop,
        session: StdioSession,
        gate: Gate,
        journal: Journal,
        start: Callable[[], Child],
        standing: Callable[[], Standing],
        stored: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._session = session
        self._gate = gate
        self._journal = journal
        self._start = start
        self._standing = standing
        self._stored = stored
        self._again = Again()
        self._left = 0.0
        self._old: Child | None = None
        self._is_ready = False

    def __repr__(self) -> str:
        return f"<Restarting {self._again!r}>"

    def begin(self) -> None:
        """Raises ScopeError where one is under way, or the session ends."""
        if self._gate.restarting is not None or self._session.is_ending:
            text = "the server is being restarted already" if self._gate.restarting else "the session ends"
            raise ScopeError(text, code="busy", exit=Exit.REFUSED)
        self._gate.restarting = self
        self._gate.engage()
        self._gate.note("the server is restarted", _ACTOR)
        self._left = STORED_SECONDS
        self._wait()

    # what the gate asks

    def absorbs(self, message: Message, at: int) -> bool:
        """Whether a message of the new server answers what the client has not asked."""
        more = self._again.absorbs(message)
        if more is None:
            return False
        self._journal.append(MESSAGE, TO_CLIENT, self._session.number, 0, message.raw, 0, at)
        outcome = Outcome(at, Word.DROPPED, at, _ACTOR, "", 0, None, {"restart": True})
        self._journal.append(OUTCOME, TO_CLIENT, self._session.number, 0, outcome.to_record(), 0, outcome.at)
        for said in more:
            self._say(said)
        if more:
            self._ready()
        return True

    # the steps

    def _wait(self) -> None:
        """Until the gate has both directions, and what was said before is stored."""
        self._left -= LOOK_SECONDS
        late = self._left < 0
        if self._gate.door.holds_road(Direction.TO_SERVER) and (late or self._stored()):
            self._part()
        else:
            self._loop.call_later(LOOK_SECONDS, self._wait)

    def _part(self) -> None:
        if self._session.is_ending:
            self._gate.restarting = None
            return
        self._gate.door.force_road(Direction.TO_CLIENT)
        self._old = self._session.part()
        self._loop.add_reader(self._old.report, self._heard)
        self._loop.call_later(GRACE_SECONDS, self._terminate)

    def _terminate(self) -> None:
        if self._old is not None:
            self._old.terminate()

    def _heard(self) -> None:
        old = self._old
        if old is not None and any(what == "gone" for what, _ in old.news()):
            self._old = None
            self._loop.remove_reader(old.report)
            old.release()
            self._join()

    def _join(self) -> None:
        if self._session.is_ending:
            self._gate.restarting = None
            self._session.end_without_server()
            return
        standing = self._standing()
        self._settle(standing)
        for raw in standing.said:
            self._again.said(parse(raw))
        self._again.modern = self._again.modern or standing.modern
        try:
            child = self._start()
            child.confirm()
        except StartFailed:
            self._gate.note("the server cannot be started again", _ACTOR)
            self._gate.restarting = None
            self._session.end_without_server()
            return
        self._session.join(child)
        for raw in self._again.begin():
            self._say(raw)
        if self._again.ready:
            self._ready()
        else:
            self._loop.call_later(ANSWER_SECONDS, self._ready)

    def _settle(self, standing: Standing) -> None:
        """Whoever waits for the old server is told so; the client need not answer it any more."""
        for raw in standing.owed_to_client:
            asked = parse(raw)
            if asked.kind is Kind.REQUEST and asked.method not in ("initialize", "subscriptions/listen"):
                text = "the server: it was restarted before it answered"
                self._tell(failure_answer("restart", text, asked))
        for raw in standing.owed_to_server:
            asked = parse(raw)
            said = {"requestId": asked.id, "reason": "the server was restarted"}
            body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": said}
            self._tell(json.dumps(body).encode())

    def _ready(self) -> None:
        """The client's own messages pass again; it is told to look again."""
        if self._gate.restarting is not self or self._is_ready:
            return
        self._is_ready = True
        for data in self._again.changes():
            self._tell(data)
        if not self._again.awaits:
            self._gate.restarting = None
        else:
            self._loop.call_later(ANSWER_SECONDS, self._forget)
        self._session.to_server.resume()
        self._gate.weigh()

    def _forget(self) -> None:
        if self._gate.restarting is self:
            self._gate.restarting = None
            self._gate.weigh()

    def _say(self, data: bytes) -> None:
        self._journal.append(SENT, TO_SERVER, self._session.number, 0, data, 0, self._gate.now())
        self._session.to_server.send(data + b"\n")

    def _tell(self, data: bytes) -> None:
        self._journal.append(SENT, TO_CLIENT, self._session.number, 0, data, 0, self._gate.now())
        self._session.to_client.send(data + b"\n")
