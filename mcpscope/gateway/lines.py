"""One recorded, judged conversation with an upstream, as whole messages: a process of ours, or a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from mcpscope.engine.outcomes import UNCHANGED_FLAG
from mcpscope.gateway.carried import Carried
from mcpscope.protocol.message import Direction, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.bridge_ids import IdKey, id_key
from mcpscope.session.child import ServerProcess
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.session.crossing import one_line
from mcpscope.session.http_local import failure_answer
from mcpscope.session.http_log import Journal, NotRecorded
from mcpscope.session.http_sessions import LEGACY, MODERN, Session
from mcpscope.session.remote import RemoteSession, RemoteSettings
from mcpscope.session.remote_exchange import RemotePost
from mcpscope.store.layout import MESSAGE, STREAM_OPEN, TO_SERVER
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.loop import Loop
from mcpscope.transports.secret_mask import Mask

if TYPE_CHECKING:
    from mcpscope.gateway.lane import PlainCall

CALLS = 4096
_SESSION_GONE = frozenset({"HTTP 404", "HTTP 400"})


class Hearer(Protocol):
    """Who listens to an upstream."""

    def heard(self, message: Message, of: RpcId) -> None:
        """A message; ``of`` is the id of the open request whose stream brought it, None where none did."""

    def lost(self, reason: str) -> None:
        """The conversation is over, and not by our doing. Called at most once."""

    def forgotten(self, message: Message) -> None:
        """The server does not know the session any more: ``message`` was not taken."""

    def stalled(self, *, stalled: bool) -> None:
        """The upstream does not keep up with what it is sent (or does again)."""

    def wrote(self, data: bytes) -> None:
        """To its standard error."""


class Line(Protocol):
    """What a link says to its upstream, and through what."""

    record: Session

    def say(self, message: Message) -> None: ...
    def is_free(self, *, modern: bool) -> bool:
        """A message that is said now is forwarded as it is, at once."""

    def carry(self, call: PlainCall) -> None:
        """Send a call that goes the short way, now that the line is free."""

    def hold_reading(self, *, paused: bool) -> None: ...
    def leave(self) -> None:
        """End it as a client does; ``lost`` is not called for it."""


class ProcessLine:
    """A server process of ours. Raises process.StartFailed."""

    def __init__(  # noqa: PLR0913  # a process has three things to be told of, its record four
        self,
        loop: Loop,
        command: list[str],
        env: dict[str, str],
        cwd: str | None,
        crossing: tuple[Journal, Helmed, Mask],
        record: Session,
        hearer: Hearer,
        ended: Callable[[Session, str], None],
    ) -> None:
        self.record = record
        self._hearer = hearer
        self._ended = ended
        self._closing = False
        self._calls: dict[IdKey, PlainCall] = {}
        self.process = ServerProcess(loop, command, env, cwd, self)
        journal, helmed, mask = crossing
        self._crossing = Conversation(loop, journal, helmed, record.number, self, mask, record.identity[0])

    def __repr__(self) -> str:
        return f"<ProcessLine {self.record.number} {self.process!r}>"

    def say(self, message: Message) -> None:
        try:
            self._crossing.received(Direction.TO_SERVER, message, 0, self.record.identity[0])
        except NotRecorded as fault:
            if message.has_id and message.method:
                self._hearer.heard(parse(failure_answer("not recorded", str(fault), message)), None)

    def is_free(self, *, modern: bool) -> bool:
        return not self._closing and not self._crossing.gated

    def carry(self, call: PlainCall) -> None:
        if len(self._calls) >= CALLS:
            self._calls.clear()  # those that are never answered; the others are answered the usual way
        message = call.pending.sent
        self._calls[call.pending.key] = call
        call.write_down((self._crossing.passing(Direction.TO_SERVER, message, 0),))
        self.process.write(one_line(message.raw))

    def hold_reading(self, *, paused: bool) -> None:
        self.process.hold_reading(paused=paused)

    def leave(self) -> None:
        self._closing = True
        self._crossing.left(Direction.TO_SERVER)
        self.process.close()

    # from the process

    def on_line(self, raw: bytes) -> None:
        if not raw.strip():
            return
        message = parse(raw)
        call = self._calls.pop(id_key(message.id), None) if message.is_answer else None
        if call is not None and call.fits(message) and not self._crossing.gated:
            record = self._crossing.passing(Direction.TO_CLIENT, message, 0)
            call.answer(message, (record,), self._crossing.now())
            return
        try:
            self._crossing.received(Direction.TO_CLIENT, message, 0)
        except NotRecorded:
            self.process.terminate()

    def on_stderr(self, data: bytes) -> None:
        self._hearer.wrote(data)

    def on_stall(self, *, stalled: bool) -> None:
        self._hearer.stalled(stalled=stalled)

    def on_exit(self, code: int) -> None:
        self.record.exit_code = code
        self._crossing.left(Direction.TO_CLIENT)
        self._crossing.ended()
        self._ended(self.record, "clean" if self._closing else "server exit")
        if not self._closing:
            self._closing = True
            self._hearer.lost(f"it exited with code {code}")

    # what the crossing asks for

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        if direction is Direction.TO_SERVER:
            self.process.write(one_line(message.raw))
        else:
            self._hearer.heard(message, None)

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        if direction is Direction.TO_SERVER:
            self.process.write(one_line(data))
        else:
            self._hearer.heard(parse(data), None)
        return True

    def swallowed(self, direction: Direction, stream: int, of: int) -> None: ...

    def close_channel(self, direction: Direction, stream: int) -> None:
        self.process.terminate()


class RemoteLine(RemoteSession):
    """A server at a URL, spoken to over HTTP with the credentials of this upstream and no others."""

    def __init__(
        self,
        loop: Any,
        settings: RemoteSettings,
        pool: Pool,
        journal: Journal,
        record: Session,
        hearer: Hearer,
    ) -> None:
        self._hearer = hearer
        super().__init__(loop, settings, pool, journal, record)
        self.client = _Client(hearer)  # type: ignore[assignment]  # the three methods of a LineClient it has

    def say(self, message: Message) -> None:
        self._streams += 1
        self._from_client(message, self._streams)

    def is_free(self, *, modern: bool) -> bool:
        era = MODERN if modern else LEGACY
        waits = self._queue or self._barrier is not None or self._ending or not self._post_target
        return not waits and not self._settings.sse and self.record.era == era and not self.crossing.gated

    def carry(self, call: PlainCall) -> None:
        self._streams = stream = self._streams + 1
        message, number = call.pending.sent, self.record.number
        body, headers = one_line(message.raw), self._known.headers(message)
        post = self._posts[stream] = Carried(self, stream, call)
        opening = post.ready(b"POST", self._post_target, headers, body)
        call.write_down(
            (
                (MESSAGE, TO_SERVER, number, stream, message.raw, UNCHANGED_FLAG),
                (STREAM_OPEN, TO_SERVER, number, stream, opening, 0),
            )
        )
        post.send()

    def hold_reading(self, *, paused: bool) -> None:
        self.on_client_stall(stalled=paused)

    def share_schemas(self, schemas: dict[str, Any]) -> None:
        """What any session learns of the tools' schemas, all of them know."""
        self._known.schemas = schemas

    def leave(self) -> None:
        """End it as a client does."""
        self.on_eof()

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        if direction is Direction.TO_SERVER:
            super().forward(direction, message, stream, of, changed=changed)
        elif message.raw.strip():
            self._hearer.heard(message, self._asked_on(stream))

    def _asked_on(self, stream: int) -> RpcId:
        other = self._others.get(stream)
        post = self._posts.get(stream) if other is None else other.of
        return None if post is None else post.message.id

    def _fail(self, post: RemotePost, failure: str, text: str) -> None:
        known = self._known.mcp_id
        if known and failure in _SESSION_GONE and self.record.era == LEGACY and self.record.established:
            self._posts.pop(post.stream, None)
            post.awaited.clear()
            self._hearer.forgotten(post.message)
            return
        super()._fail(post, failure, text)
        if not post.status and not self._ending:
            self._ending = True
            self._loop.call_soon(self._lost, failure)

    def _lost(self, failure: str) -> None:
        self._settings.done(1)
        self._hearer.lost(failure)


class _Client:
    """What a RemoteSession writes of its own accord goes to the hearer, too."""

    empty = True

    def __init__(self, hearer: Hearer) -> None:
        self._hearer = hearer

    def write(self, line: bytes) -> None:
        self._hearer.heard(parse(line), None)

    def hold_reading(self, *, paused: bool) -> None:
        self._hearer.stalled(stalled=paused)

    def close(self) -> None: ...
