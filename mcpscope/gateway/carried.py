"""The POST of a plain call to an upstream at a URL: its answer goes the short way while it is whole JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine.outcomes import UNCHANGED_FLAG
from mcpscope.protocol.parsing import parse
from mcpscope.session.http_facts import closed_whole
from mcpscope.session.http_known import of_response
from mcpscope.session.remote_exchange import RemotePost
from mcpscope.store.layout import HTTP, MESSAGE, NO_DIR, STREAM_CLOSE, TO_CLIENT
from mcpscope.transports.connect.http_outgoing import Failure

if TYPE_CHECKING:
    from mcpscope.gateway.lane import PlainCall
    from mcpscope.protocol.message import Message
    from mcpscope.session.remote import RemoteSession
    from mcpscope.transports.http_head import ResponseHead

_OK = 200


class Carried(RemotePost):
    """What is not one JSON answer that came with one read is any other answer from then on."""

    _head: ResponseHead | None = None

    def __init__(self, remote: RemoteSession, stream: int, call: PlainCall) -> None:
        # What it is made of is at hand, so nobody else is asked.
        pending = call.pending
        self.remote = remote
        self.stream = stream
        self.message = pending.sent
        self.awaited = {pending.key: pending.sent}
        self._body = []
        self._call = call

    def on_head(self, head: ResponseHead) -> None:
        if head.status == _OK and of_response(head).media == b"application/json":
            self._head = head
            self.status = _OK
        else:
            super().on_head(head)

    def on_turn(self) -> None:
        if self._head is not None and not self.over:
            self._as_usual()
        super().on_turn()

    def on_end(self) -> None:
        if self._head is not None and not self.over:
            message = parse(self._body[0] if len(self._body) == 1 else b"".join(self._body))
            if self._call.fits(message) and not self.remote.crossing.gated:
                self._answered(self._head, message)
                return
            self._as_usual()
        super().on_end()

    def on_failed(self, failure: Failure) -> None:
        if self._head is not None and not self.over:
            self._as_usual()
        super().on_failed(failure)

    def _as_usual(self) -> None:
        head, self._head = self._head, None
        if head is not None:
            super().on_head(head)

    def _answered(self, head: ResponseHead, message: Message) -> None:
        """Both sides are written down at once, then the client has it."""
        self._head = None
        self.over = True
        self._outgoing = None
        remote, stream = self.remote, self.stream
        number, at = remote.record.number, remote.crossing.now()
        records = (
            (HTTP, TO_CLIENT, number, stream, remote.said_of(head), 0),
            (MESSAGE, TO_CLIENT, number, stream, message.raw, UNCHANGED_FLAG),
            (STREAM_CLOSE, NO_DIR, number, stream, closed_whole(_OK, at), 0),
        )
        remote.answered_whole(self)
        self._call.answer(message, records, at)
