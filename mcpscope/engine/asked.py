"""The requests on their way, as sent, for the rules on their answers; bounded in number and bytes."""

from __future__ import annotations

from mcpscope.protocol.message import Message

MAX_ASKED = 20_000
MAX_ASKED_BYTES = 32 << 20


class Asked:
    """One message per exchange, the newest; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}
        self._callers: dict[int, str] = {}
        self._bytes = 0

    def __repr__(self) -> str:
        return f"<Asked {len(self._messages)} {self._bytes} bytes>"

    def put(self, exchange: int, message: Message, caller: str = "") -> None:
        """Remember what was asked in ``exchange``, and by whose token."""
        if caller:
            self._callers[exchange] = caller
        messages = self._messages
        old = messages.pop(exchange, None)
        if old is not None:
            self._bytes -= len(old.raw)
        messages[exchange] = message
        self._bytes += len(message.raw)
        while self._bytes > MAX_ASKED_BYTES or len(messages) > MAX_ASKED:
            oldest = next(iter(messages))
            self._callers.pop(oldest, None)
            self._bytes -= len(messages.pop(oldest).raw)

    def caller(self, exchange: int) -> str:
        """By whose token it was asked; to be called before ``take``."""
        return self._callers.get(exchange, "") if self._callers else ""

    def take(self, exchange: int) -> Message | None:
        """What was asked, once; None where it is not known (any more)."""
        if self._callers:
            self._callers.pop(exchange, None)
        found = self._messages.pop(exchange, None)
        if found is not None:
            self._bytes -= len(found.raw)
        return found

    def clear(self) -> None:
        self._messages.clear()
        self._callers.clear()
        self._bytes = 0
