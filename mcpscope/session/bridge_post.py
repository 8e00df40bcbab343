"""One HTTP exchange of a bridge whose server is a process: a whole message in, an answer or events out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcpscope.protocol.message import Message
from mcpscope.protocol.sse import write_comment, write_event
from mcpscope.session.crossing import one_line
from mcpscope.session.http_facts import closed_whole
from mcpscope.session.http_known import of_request
from mcpscope.session.http_local import JSON_LINE
from mcpscope.session.http_log import JournalRecord, StreamLog
from mcpscope.store.layout import HTTP, NO_DIR, STREAM_CLOSE, STREAM_OPEN, TO_CLIENT, TO_SERVER
from mcpscope.transports.http_head import Headers, RequestHead, response
from mcpscope.transports.listen.http_incoming import Incoming

if TYPE_CHECKING:
    from mcpscope.session.bridge_child import ChildSession
    from mcpscope.session.bridge_proxy import BridgeProxy

_EVENTS: Headers = [
    (b"Content-Type", b"text/event-stream"),
    (b"Cache-Control", b"no-cache, no-transform"),
    (b"X-Accel-Buffering", b"no"),
]
_TEXT = (b"Content-Type", b"text/plain; charset=utf-8")


class BridgeExchange:
    """What POST and GET share: the stream's facts in the journal, an event stream, its end.

    ``last`` is when something was written, for the comments that keep an idle stream open.
    """

    # How each begins.
    child: ChildSession | None = None
    stream = 0
    last = 0.0
    streaming = False
    over = False
    _log: StreamLog | None = None

    def __init__(self, proxy: BridgeProxy, incoming: Incoming) -> None:
        self.proxy = proxy
        self.incoming = incoming

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stream} streaming={self.streaming} over={self.over}>"

    @property
    def log(self) -> StreamLog | None:
        """None before it belongs to a child. What began without one has it when it is asked for."""
        if self._log is None and self.child is not None:
            self._log = self.proxy.log(self.child.record, self.stream).went_on()
        return self._log

    def begin(self, child: ChildSession, *, era: str, more: bool = False) -> None:
        """It belongs to ``child``; the journal hears of it, with ``more`` together with what it says."""
        self.child = child
        child.record.streams += 1
        self.stream = self.proxy.next_stream()
        log = self._log = self.proxy.log(child.record, self.stream)
        head = self.incoming.head
        log.opened(
            head, era=era, peer=self.incoming.peer, caller=self.proxy.caller(head), kept=False, more=more
        )

    def begin_shortly(self, child: ChildSession) -> JournalRecord:
        """The same, where nothing but a whole answer is to be expected; what the journal has to be told."""
        self.child = child
        record = child.record
        record.streams += 1
        self.stream = stream = self.proxy.next_stream()
        opening = self.proxy.opening(self.incoming, record.era)
        return STREAM_OPEN, TO_SERVER, record.number, stream, opening, 0

    def refuse(self, status: int, text: str, *, headers: Headers | None = None) -> None:
        """An HTTP status and plain words: no message of the protocol."""
        self._answer(status, [_TEXT, *(headers or [])], f"mcpscope: {text}\n".encode())

    def open_stream(self) -> None:
        """Commit to an event stream."""
        if self.streaming or self.over:
            return
        self.streaming = True
        head = response(200, [*_EVENTS, *self._session_header()])
        if self.log is not None:
            self.log.answered(head)
        self.incoming.send_head(head)
        self.last = self.proxy.now()
        self.incoming.flush()

    def event(self, raw: bytes) -> None:
        """One message as one event, with the client at once."""
        self.open_stream()
        if self.over:
            return
        if self.log is not None:
            self.log.received(b"", last=False)
        self.incoming.send_body(write_event(one_line(raw)))
        self.last = self.proxy.now()
        self.incoming.flush()

    def keep_alive(self, idle_since: float) -> None:
        if self.streaming and not self.over and self.last < idle_since:
            self.incoming.send_body(write_comment())
            self.last = self.proxy.now()
            self.incoming.flush()

    def end(self, by: str = "server") -> None:
        """The stream is complete."""
        if not self.over:
            self._finish(by)
            self.incoming.end()

    def abort(self, by: str = "server", error: str = "the server has ended") -> None:
        """The server has gone in mid-stream (or is to seem so): the client sees its connection break."""
        if not self.over:
            self._finish(by, error=error)
            self.incoming.abort()

    def on_body(self, data: bytes) -> None: ...
    def on_end(self) -> None: ...
    def on_turn(self) -> None: ...

    def on_gone(self) -> None:
        if not self.over:
            self._finish("client")
            if self.child is not None:
                self.child.exchange_gone(self)

    def on_stall(self, *, stalled: bool) -> None:
        if self.child is not None:
            self.child.hold(self.stream, paused=stalled)

    def _session_header(self) -> Headers:
        return [] if self.child is None else self.child.lines[1:]

    def _answer(self, status: int, headers: Headers, body: bytes) -> None:
        if self.over:
            return
        if self.log is not None:
            self.log.answered(self.proxy.head(status, headers), more=True)
        self._finish("mcpscope" if headers[:1] == [_TEXT] else "server")
        self.incoming.answer(status, headers, body)

    def _finish(self, by: str, *, error: str = "") -> None:
        self.over = True
        if self.log is not None:
            self.log.closed(by, error=error)
        if self.child is not None:
            self.child.record.streams -= 1
            self.child.hold(self.stream, paused=False)


class BridgeStanding(BridgeExchange):
    """The GET of a session of the old era: what belongs to no request comes on it."""


class BridgePost(BridgeExchange):
    """A POST. ``message`` once its body is read; ``awaited`` are the ids that still want an answer."""

    message: Message | None = None
    awaited = 0
    forwarded = False
    modern = False
    lacks_envelope = False
    _is_batch = False

    def __init__(self, proxy: BridgeProxy, incoming: Incoming) -> None:
        self.proxy = proxy
        self.incoming = incoming
        self._body: list[bytes] = []
        self._answers: list[bytes] = []
        self.says_json, self._takes_events, self._takes_json = _accepts(incoming.head)
        self.takes_anything = self._takes_events or self._takes_json

    @property
    def takes_events(self) -> bool:
        """Messages before the answer can be sent on this stream."""
        return self._takes_events

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_end(self) -> None:
        if not self.over:
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._body.clear()
            self.proxy.posted(self, body)

    def expect(self, message: Message) -> None:
        """``message`` is what this POST says."""
        self.message = message
        self._is_batch = bool(message.items)

    def accepted(self) -> None:
        """Nothing will be answered: 202."""
        if not self.over and not self.incoming.answered:
            self._answer(202, self._session_header(), b"")

    def answer_whole(self, raw: bytes, status: int, records: Sequence[JournalRecord], at: int) -> None:
        """The answer to the one request that this POST is; ``records`` say what came ``at`` this moment."""
        child, log = self.child, self._log
        plain = (self._takes_json or status != 200) and not (self.streaming or self.over or self._is_batch)
        if child is None or log is not None or not plain:
            if self.log is not None:
                self.log.beside(records, at)
            self.answer(raw, status=status)
            return
        self.awaited = 0
        self.over = True
        number, stream = child.record.number, self.stream
        head = child.head(status)
        said = self.proxy.said_of(head)
        self.proxy.journal.append_all(
            (
                *records,
                (HTTP, TO_CLIENT, number, stream, said, 0),
                (STREAM_CLOSE, NO_DIR, number, stream, closed_whole(status, at), 0),
            ),
            at,
        )
        child.record.streams -= 1
        child.hold(stream, paused=False)
        self.incoming.answer_whole(head, one_line(raw))

    def answer(self, raw: bytes, *, status: int = 200, count: int = 1) -> None:
        """An answer (or an array of ``count``) to what this POST asked; the last one ends it."""
        self.awaited = max(0, self.awaited - count)
        if (
            self.streaming
            or (not self._takes_json and status == 200)
            or (self._is_batch and self._takes_events)
        ):
            self.event(raw)
            if self.awaited == 0:
                self.end()
            return
        self._answers.append(one_line(raw))
        if self.awaited:
            return
        body = self._answers[0]
        if self._is_batch and not (len(self._answers) == 1 and body.lstrip().startswith(b"[")):
            body = b"[" + b",".join(self._answers) + b"]"
        self._answer(status, [JSON_LINE, *self._session_header()], body)


def _accepts(head: RequestHead) -> tuple[bool, bool, bool]:
    """Whether the body is JSON, and the answer may be events, and JSON."""
    notes = of_request(head)
    if notes.accepts is None:
        media = head.index.get(b"content-type", b"").partition(b";")[0].strip().lower()
        accept = head.index.get(b"accept", b"*/*").lower()
        anything = b"*/*" in accept
        notes.accepts = (
            media == b"application/json",
            anything or b"text/event-stream" in accept,
            anything or b"application/json" in accept,
        )
    return notes.accepts
