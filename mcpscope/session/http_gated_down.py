"""The gate on the way down of a relayed HTTP exchange: whole messages out of it, decided ones back in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.sse import SseEvent, SseParser, with_data, write_event
from mcpscope.session.http_gated import KEPT_OF_OVERSIZED_BYTES
from mcpscope.session.http_local import failure_answer
from mcpscope.transports.http_head import ResponseHead

if TYPE_CHECKING:
    from mcpscope.session.conversation import Conversation
    from mcpscope.session.http_relay import Relay


class _Slot:
    """One event on its way down: ready when ``data`` is known."""

    __slots__ = ("answers", "data", "event")

    def __init__(self, event: SseEvent | None, data: bytes | None) -> None:
        self.answers = False
        self.event = event
        self.data = data


class GatedDown:
    """The messages of one answer. Events keep their order: what is behind a held one waits with it."""

    def __init__(self, relay: Relay, conversation: Conversation, stream: int, *, limit: int) -> None:
        self.relay = relay
        self._conversation = conversation
        self._stream = stream
        self._limit = limit
        self._parser: SseParser | None = None
        self._head: ResponseHead | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._queue: deque[_Slot] = deque()
        self._by_name: dict[int, _Slot] = {}
        self._current: _Slot | None = None
        self._ended = False
        self._endpoint: Callable[[bytes], bytes] | None = None
        self._guarded = conversation.guarded
        self._silent = False
        """An answer was swallowed: what waits for it is left to wait."""
        self.over = False

    def __repr__(self) -> str:
        return f"<GatedDown {self._stream} waiting={len(self._queue)} over={self.over}>"

    def events(self, endpoint: Callable[[bytes], bytes] | None = None) -> None:
        """It is an event stream, at the boundary of an event, its head sent.

        ``endpoint`` rewrites the bytes of an event that names where to post (HTTP+SSE).
        """
        self._parser = SseParser()
        self._endpoint = endpoint

    def whole(self, head: ResponseHead) -> None:
        """It is one JSON body, its head still to be sent."""
        self._head = head

    @property
    def streams(self) -> bool:
        """Messages of our own can be said on it."""
        return self._parser is not None and not self.over

    def feed(self, data: bytes) -> None:
        """Bytes of the body. Raises NotRecorded."""
        if self._parser is None:
            self._size += len(data)
            if self._size <= self._limit or sum(map(len, self._body)) < KEPT_OF_OVERSIZED_BYTES:
                self._body.append(data)
            return
        for event in self._parser.feed(data):
            if event.data is not None and self._may_be_message(event):
                self._arrived(_Slot(event, None), event.data)
            elif event.event == "endpoint" and self._endpoint is not None:
                self._queue.append(_Slot(event, self._endpoint(event.raw)))
            else:
                self._queue.append(_Slot(event, event.raw))
        if self._parser.pending > self._limit:
            self._conversation.oversized(Direction.TO_CLIENT, b"", self._parser.pending, self._stream)
            self.relay.break_off()
            return
        self._flush()

    def end(self) -> None:
        """The body is complete."""
        self._ended = True
        if self._parser is not None:
            rest = self._parser.finish()
            # An event without its end is none; not every client knows that.
            if rest and not self._guarded:
                self._queue.append(_Slot(None, rest))
            self._flush()
            return
        body = b"".join(self._body)
        self._body = [body]
        if self._size > self._limit:
            self._queue.append(_Slot(None, None))
            self._current = self._queue[-1]
            kept = body[:KEPT_OF_OVERSIZED_BYTES]
            self._conversation.oversized(Direction.TO_CLIENT, kept, self._size, self._stream)
        elif self._guarded and self._is_no_message(body):
            self._queue.append(_Slot(None, self._unjudged(body)))
        else:
            self._arrived(_Slot(None, None), body)
        self._flush()

    def decided(self, of: int, message: Message, *, changed: bool) -> None:
        """The message named ``of`` leaves as ``message``."""
        slot = self._by_name.pop(of, None) or self._current
        if slot is None or slot.data is not None:
            self.say(message.raw)
            return
        if slot.event is None:
            slot.data = message.raw
        else:
            slot.data = with_data(slot.event, message.raw) if changed else slot.event.raw
        self._flush()

    def dropped(self, of: int) -> None:
        slot = self._by_name.pop(of, None) or self._current
        if slot is not None and slot.data is None:
            self._silent = self._silent or slot.answers
            slot.data = b"" if slot.answers else self._instead()
            self._flush()

    def _instead(self) -> bytes:
        """What a client gets that waits for a body which nobody can read: an answer to what it asked."""
        up = self.relay.gated
        asked = up.asked if up is not None and self._head is not None else None
        if asked is None or asked.kind is not Kind.REQUEST:
            return b""
        return failure_answer("malformed", "the answer cannot be read with certainty", asked)

    def say(self, data: bytes) -> None:
        """A message of our own on this stream."""
        if self._parser is not None:
            self._queue.append(_Slot(None, write_event(data)))
        elif self._queue:
            self._queue[-1].data = data
        self._flush()

    def _may_be_message(self, event: SseEvent) -> bool:
        """Whether a client reads it as one; with rules on answers in force, also one that minds no names."""
        return event.has_message or (self._guarded and _looks_like_json(event.data or b""))

    def _is_no_message(self, body: bytes) -> bool:
        """Whether nobody reads it as one: the plain text of an error, or nothing."""
        coded = self._head is not None and b"content-encoding" in self._head.index
        return not body or not (coded or _looks_like_json(body))

    def _unjudged(self, body: bytes) -> bytes:
        log = self.relay.log
        return log.received(body, last=True) if log is not None else body

    def _arrived(self, slot: _Slot, raw: bytes) -> None:
        self._queue.append(slot)
        self._current = slot
        message = parse(raw)
        slot.answers = message.is_answer
        name = self._conversation.received(Direction.TO_CLIENT, message, self._stream)
        self._current = None
        if slot.data is None:
            self._by_name[name] = slot

    def _flush(self) -> None:
        """Send what is decided, in order."""
        if self.over:
            return
        relay = self.relay
        parts: list[bytes] = []
        while self._queue and self._queue[0].data is not None:
            parts.append(self._queue.popleft().data or b"")
        data = b"".join(parts)
        if self._head is not None:
            if parts and self._ended and not self._silent:
                self.over = True
                relay.deliver_whole(self._head, data, replaced=self._body != [data])
            return
        if data:
            relay.incoming.send_body(data)
        if self._ended and not self._queue and not self._silent:
            self.over = True
            relay.finish("server")
            relay.incoming.end()
        elif data:
            relay.incoming.flush()


def _looks_like_json(data: bytes) -> bool:
    return b"{" in data or b"[" in data
