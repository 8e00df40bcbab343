"""One server process of a bridge after the other behind the same client."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.again import Again
from mcpscope.session.bridge_post import BridgePost
from mcpscope.session.crossing import one_line
from mcpscope.session.http_local import failure_answer
from mcpscope.store.records import Dir, RecordType

if TYPE_CHECKING:
    from mcpscope.session.bridge_child import ChildSession
    from mcpscope.session.bridge_proxy import BridgeProxy

# What the client says while a new process begins; beyond it requests are answered so, the rest is lost.
KEPT_MESSAGES = 1000
KEPT_BYTES = 8 << 20
GREETING_SECONDS = 30.0
"""How long a new process may take for its handshake; then it hears what the client says all the same."""


class Life:
    """What one process says to its session, until another takes its place."""

    def __init__(self, session: ChildSession) -> None:
        self.session: ChildSession | None = session

    def on_line(self, raw: bytes, of: RpcId = None) -> None:
        if self.session is not None:
            self.session.on_line(raw, of)

    def on_stderr(self, data: bytes) -> None:
        if self.session is not None:
            self.session.on_stderr(data)

    def on_exit(self, code: int) -> None:
        if self.session is not None:
            self.session.on_exit(code)

    def on_stall(self, *, stalled: bool) -> None:
        if self.session is not None:
            self.session.on_stall(stalled=stalled)


class Rebirth:
    """Lets another process take the place of that of ``session``."""

    def __init__(self, session: ChildSession, proxy: BridgeProxy) -> None:
        self._session = session
        self._proxy = proxy
        self.again = Again()
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0

    def __repr__(self) -> str:
        return f"<Rebirth {self.again!r} kept={len(self._kept)}>"

    def begin(self) -> None:
        """What the old process owed is answered so. Raises StartFailed."""
        session = self._session
        if session.gone or session.closing:
            return
        session.life.session = None
        session.process.close()
        self._settle()
        self._proxy.begin_process(session)
        for raw in self.again.begin():
            session.process.write(one_line(raw))
        if self.again.ready:
            self._done()
        else:
            self._proxy.later(GREETING_SECONDS, self._late, session.life)

    def write(self, line: bytes, said: Message | None = None) -> None:
        """The client's, as soon as the process may hear it."""
        if self.again.ready:
            self._session.process.write(line, said)
        elif len(self._kept) < KEPT_MESSAGES and self._kept_bytes + len(line) <= KEPT_BYTES:
            self._kept.append(line)
            self._kept_bytes += len(line)
        else:
            self._refuse(parse(line) if said is None else said)

    def absorbs(self, message: Message) -> bool:
        """Whether ``message`` answers what the client did not ask (again)."""
        more = self.again.absorbs(message)
        for said in more or ():
            self._session.process.write(said)
        if more:
            self._done()
        return more is not None

    def _late(self, life: Life) -> None:
        """The process has not answered the handshake."""
        if life.session is not None and not life.session.gone and not self.again.ready:
            self.again.ready = True
            self._done()

    def _refuse(self, message: Message) -> None:
        for item in message.items or (message,):
            if item.kind is Kind.REQUEST:
                text = "the server: it is being restarted, and too much waits for it"
                data = failure_answer("restart", text, item)
                self._said(data)
                answer = parse(data)
                self._session._deliver(answer, self._session._route(answer))

    def _done(self) -> None:
        """The new process is ready for the client, which is told to look again."""
        session = self._session
        while self._kept:
            session.process.write(self._kept.popleft())
        self._kept_bytes = 0
        for data in self.again.changes():
            self._said(data)
            message = parse(data)
            session._deliver(message, session._route(message))

    def _settle(self) -> None:
        """Answer what the process that goes away owes; what is held has not reached it."""
        session = self._session
        for exchange in session.exchanges:
            message = exchange.message if isinstance(exchange, BridgePost) else None
            if not isinstance(exchange, BridgePost) or message is None or not exchange.forwarded:
                continue
            for item in message.items or (message,):
                if item.kind is not Kind.REQUEST or self.again.listens(item.id):
                    continue
                if exchange in session._find(item.id):
                    data = failure_answer("restart", "the server: it was restarted before it answered", item)
                    self._said(data)
                    session._deliver(parse(data), exchange.stream)

    def _said(self, data: bytes) -> None:
        session = self._session
        self._proxy.journal.append(RecordType.SENT, Dir.TO_CLIENT, session.record.number, 0, data)
