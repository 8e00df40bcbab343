"""The POST of a plain call to an upstream at a URL: its answer goes the short way while it is whole JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.session.http_known import of_response
from mcpscope.session.remote_exchange import RemotePost
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

    def __init__(self, remote: RemoteSession, stream: int, message: Message, call: PlainCall) -> None:
        super().__init__(remote, stream, message)
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
        log, crossing = self._log, self.remote.crossing
        records = [crossing.passing(Direction.TO_CLIENT, message, self.stream)]
        if log is not None:
            log.whole(head, records[0])
            records = log.taken()
        self.over = True
        self._outgoing = None
        self.remote.answered_whole(self)
        self._call.answer(message, records)
