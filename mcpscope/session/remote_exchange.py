"""One HTTP exchange of a bridge whose server is remote: a request up, messages of its answer down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.sse import SseEvent, SseParser
from mcpscope.session.bridge_ids import IdKey, id_key, same_id
from mcpscope.session.crossing import Beside
from mcpscope.session.http_log import StreamLog
from mcpscope.transports.connect.http_outgoing import Failure, Outgoing
from mcpscope.transports.http_head import BadHeader, Headers, ResponseHead

if TYPE_CHECKING:
    from mcpscope.session.remote import RemoteSession

MAX_TEXT_BYTES = 64 * 1024
RETRY_SECONDS = 1.0
_EVENTS = b"text/event-stream"
_JSON = b"application/json"


class RemoteExchange:
    """What POST and GET share: sending, the framing of the answer, the facts in the journal."""

    # How each begins; most of it is never another in a plain call.
    status = 0
    over = False
    retry = RETRY_SECONDS
    last_event_id = ""
    heard = False
    unreached = False
    _outgoing: Outgoing | None = None
    _log: StreamLog | None = None
    _parser: SseParser | None = None
    _size = 0
    _again = False
    _request: tuple[bytes, bytes, Headers, bytes] = (b"", b"", [], b"")

    def __init__(self, remote: RemoteSession, stream: int) -> None:
        self.remote = remote
        self.stream = stream
        self._body: list[bytes] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stream} status={self.status} over={self.over}>"

    @property
    def log(self) -> StreamLog | None:
        """None before there is a request. What was made ready without one has it when it is asked for."""
        if self._log is None and self._request[0]:
            self._log = self.remote.log(self.stream).went_on()
        return self._log

    @property
    def beside(self) -> Beside:
        """What a message of the answer is written down with."""
        log = self.log
        return None if log is None else (log, False)

    def ask(self, method: bytes, target: bytes, headers: Headers, body: bytes = b"") -> None:
        """Send the request; what comes back goes through ``on_message`` and then ``on_done``."""
        log = self._log = self.remote.log(self.stream)
        log.began(self.ready(method, target, headers, body), kept=False)
        self.send()

    def ready(self, method: bytes, target: bytes, headers: Headers, body: bytes) -> bytes:
        """Make a request ready for ``send``; what the journal has to be told of its head before."""
        self._request = (method, target, headers, body)
        return self.remote.opening(method, target, headers)

    def send(self) -> None:
        """Let what was prepared leave."""
        if self.over:
            return
        method, target, headers, body = self._request
        try:
            self._outgoing = self.remote.request(method, target, headers, body, self)
        except BadHeader as error:
            self.remote.soon(self._unsayable, str(error))
            return
        self._outgoing.flush()

    def close(self) -> None:
        """Nobody wants the answer: its connection is closed at once."""
        if not self.over:
            self._finish("client")
            if self._outgoing is not None:
                self._outgoing.close()

    def hold(self, *, paused: bool) -> None:
        if self._outgoing is not None:
            self._outgoing.hold_reading(paused=paused)

    # for those who specialise

    def on_message(self, message: Message) -> None: ...
    def on_open(self, head: ResponseHead) -> None: ...
    def on_event(self, event: SseEvent) -> None:
        """An event that is no message."""

    def on_done(self, failure: str, text: str) -> None:
        """The exchange is over: ``failure`` is empty or why, ``text`` the body of what is no message."""

    # what the connection calls

    def on_continue(self) -> None: ...

    def on_head(self, head: ResponseHead) -> None:
        if head.status == 401 and not self._again and self.remote.injected.refreshable:
            self._again = True
            if self._outgoing is not None:
                self._outgoing.close()
            self._outgoing = None
            self.remote.refresh(self.send)
            return
        self.status = head.status
        if self.log is not None:
            self.log.answered(head, more=True)
        if head.media_type == _EVENTS and 200 <= head.status < 300:
            self._parser = SseParser()
        self.on_open(head)

    def on_body(self, data: bytes) -> None:
        if self.over or not self.status:
            return
        if self._parser is None:
            self._size += len(data)
            if self.status < 300 or self._size <= MAX_TEXT_BYTES:
                self._body.append(data)
            return
        for event in self._parser.feed(data):
            self._event(event)

    def on_turn(self) -> None:
        if self._log is not None:
            self._log.commit()

    def on_end(self) -> None:
        if self.over or not self.status:
            return
        body = b"".join(self._body)
        text = ""
        if self._parser is None and body.strip():
            message = parse(body)
            if message.kind in (Kind.RESULT, Kind.ERROR, Kind.BATCH, Kind.REQUEST, Kind.NOTIFICATION):
                self.on_message(message)
            else:
                text = body[:300].decode("utf-8", "replace")
        self._finish("server")
        self.on_done("" if self.status < 300 else f"HTTP {self.status}", text)

    def on_failed(self, failure: Failure) -> None:
        if self.over:
            return
        self._finish("server", error=failure.text)
        self.unreached = failure.unreached
        self.on_done(failure.text, "")

    def on_stall(self, *, stalled: bool) -> None:
        self.remote.on_upstream_stall(self.stream, stalled=stalled)

    # helpers

    def _unsayable(self, why: str) -> None:
        if not self.over:
            self._finish("mcpscope", error=why)
            self.on_done(why, "")

    def _event(self, event: SseEvent) -> None:
        self.heard = True
        if event.id is not None and "\0" not in event.id:
            self.last_event_id = event.id
        if event.retry is not None:
            self.retry = event.retry / 1000
        if self.log is not None:
            self.log.received(b"", last=False)
        if event.has_message and event.data is not None:
            self.on_message(parse(event.data))
        else:
            self.on_event(event)

    def _finish(self, by: str, *, error: str = "") -> None:
        self.over = True
        if self.log is not None:
            self.log.closed(by, error=error)


class RemotePost(RemoteExchange):
    """One message of the client on its way up. ``awaited`` are the requests that still want an answer."""

    tries = 0

    def __init__(self, remote: RemoteSession, stream: int, message: Message) -> None:
        super().__init__(remote, stream)
        self.message = message
        self.awaited: dict[IdKey, Message] = {
            id_key(item.id): item for item in message.items or (message,) if item.kind is Kind.REQUEST
        }

    @property
    def is_barrier(self) -> bool:
        """What comes after it on the pipe must not overtake it."""
        return not self.awaited or self.message.method == "initialize"

    def answers(self, id: RpcId) -> bool:
        """Take note of an answer; True where it was awaited here."""
        for key in list(self.awaited):
            if same_id(key, id):
                del self.awaited[key]
                return True
        return False

    def on_open(self, head: ResponseHead) -> None:
        self.remote.opened(self, head)

    def on_message(self, message: Message) -> None:
        self.remote.from_server(message, self)

    def on_done(self, failure: str, text: str) -> None:
        self.remote.post_done(self, failure, text)


class RemoteStream(RemoteExchange):
    """A GET: the standing stream, the resumption of a POST's stream (``of``), or HTTP+SSE's one stream."""

    def __init__(self, remote: RemoteSession, stream: int, of: RemotePost | None = None) -> None:
        super().__init__(remote, stream)
        self.of = of

    def on_open(self, head: ResponseHead) -> None:
        self.remote.stream_opened(self, head)

    def on_message(self, message: Message) -> None:
        if 200 <= self.status < 300:
            self.remote.from_server(message, self)

    def on_event(self, event: SseEvent) -> None:
        if event.event == "endpoint" and event.data:
            self.remote.endpoint(event.data)

    def on_done(self, failure: str, text: str) -> None:
        self.remote.stream_done(self, failure)
