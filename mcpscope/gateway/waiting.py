"""What waits for the handshake of an upstream: so much and no more."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcpscope.protocol.message import Message

# Beyond it requests are answered so, and notifications are lost.
QUEUED_MESSAGES = 1000
QUEUED_BYTES = 8 << 20


class Waiting:
    """Messages in the order in which they came."""

    def __init__(self) -> None:
        self._queue: deque[Message] = deque()
        self._bytes = 0

    def __repr__(self) -> str:
        return f"<Waiting {len(self._queue)} messages, {self._bytes} bytes>"

    def __bool__(self) -> bool:
        return bool(self._queue)

    def keep(self, message: Message) -> bool:
        """Let ``message`` wait; False where too much does already."""
        size = self._bytes + len(message.raw)
        if self._queue and (len(self._queue) >= QUEUED_MESSAGES or size > QUEUED_BYTES):
            return False
        self._queue.append(message)
        self._bytes = size
        return True

    def take(self) -> Message:
        """The first of them, which waits no more."""
        message = self._queue.popleft()
        self._bytes -= len(message.raw)
        return message

    def clear(self) -> None:
        self._queue.clear()
        self._bytes = 0
