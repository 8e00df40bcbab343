"""A POST of our own in a client's session: what a person sends, or answers in the client's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcpscope.protocol.headers import derive
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import declared
from mcpscope.protocol.sse import SseParser
from mcpscope.session.http_log import NotRecorded
from mcpscope.transports.connect.http_outgoing import Failure
from mcpscope.transports.http_head import RequestHead, ResponseHead, indexed

if TYPE_CHECKING:
    from mcpscope.session.conversation import Conversation

MAX_BODY_BYTES = 16 * 1024 * 1024
_REPLACED = (
    b"content-length",
    b"transfer-encoding",
    b"expect",
    b"mcp-method",
    b"mcp-name",
    b"mcp-protocol-version",
)


class OwnPost:
    """Takes the answer of such a POST; each message of it arrives like any other of its session."""

    def __init__(self, conversation: Conversation, stream: int) -> None:
        self._conversation = conversation
        self._stream = stream
        self._parser: SseParser | None = None
        self._body: list[bytes] = []
        self._size = 0

    def __repr__(self) -> str:
        return f"<OwnPost {self._stream}>"

    def head_like(
        self, template: RequestHead, message: Message, schema: dict[str, Any] | None
    ) -> RequestHead:
        """The head of the session's last POST, with the fields that belong to ``message``."""
        lines = [
            line
            for line in template.headers
            if line[0].lower() not in _REPLACED and not line[0].lower().startswith(b"mcp-param-")
        ]
        if declared(message.meta):
            lines += [
                (name.encode(), value.encode("latin-1", "replace")) for name, value in derive(message, schema)
            ]
        elif (version := template.index.get(b"mcp-protocol-version")) is not None:
            lines.append((b"MCP-Protocol-Version", version))
        lines.append((b"Content-Length", b"%d" % len(message.raw)))
        return RequestHead(b"POST", template.target, lines, indexed(lines))

    def on_continue(self) -> None: ...

    def on_head(self, head: ResponseHead) -> None:
        if head.media_type == b"text/event-stream":
            self._parser = SseParser()

    def on_body(self, data: bytes) -> None:
        if self._parser is None:
            self._size += len(data)
            if self._size <= MAX_BODY_BYTES:
                self._body.append(data)
            return
        for event in self._parser.feed(data):
            if event.has_message and event.data is not None:
                self._arrived(parse(event.data))

    def on_end(self) -> None:
        body = b"".join(self._body)
        if self._parser is None and body.strip() and self._size <= MAX_BODY_BYTES:
            message = parse(body)
            if message.kind is not Kind.MALFORMED:
                self._arrived(message)

    def on_turn(self) -> None: ...
    def on_failed(self, failure: Failure) -> None: ...
    def on_stall(self, *, stalled: bool) -> None: ...

    def _arrived(self, message: Message) -> None:
        try:
            self._conversation.received(Direction.TO_CLIENT, message, self._stream)
        except NotRecorded:
            pass  # what is not in the journal goes no further
