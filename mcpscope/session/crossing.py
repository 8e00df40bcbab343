"""The two ends that whole messages cross between: what carries out the decisions about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcpscope.protocol.message import Direction, Message
from mcpscope.session.http_log import JournalRecord, StreamLog
from mcpscope.store.layout import TO_CLIENT, TO_SERVER

DIR = {Direction.TO_SERVER: TO_SERVER, Direction.TO_CLIENT: TO_CLIENT}

# As numbers: asked whether bytes are in others, Python raises and catches an error first.
_LF, _CR = 0x0A, 0x0D

Beside = tuple[StreamLog, bool] | None
"""What the HTTP of a message's stream has to say may be written down with it; True: what carries the message
on says more, and has it written down before anything leaves.
"""


class Port(Protocol):
    """``stream`` is the number given on arrival, ``of`` the time that names the message received."""

    def forward(
        self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool
    ) -> None: ...

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        """A message of our own; ``answers`` names the received message it is the answer to (0: none).

        False: its receiver has nothing open on which it could hear it.
        """

    def swallowed(self, direction: Direction, stream: int, of: int) -> None:
        """What arrived on ``stream`` goes no further and has no answer."""

    def close_channel(self, direction: Direction, stream: int) -> None:
        """End the channel towards the receiver of ``direction``."""


class Crossing(Protocol):
    """What stands between the two ends."""

    @property
    def gated(self) -> bool:
        """Messages are judged now."""

    @property
    def now(self) -> Callable[[], int]:
        """Gives a name for one message of this session."""

    def passing(self, direction: Direction, message: Message, stream: int) -> JournalRecord:
        """What the journal is told of a message that goes on untouched, now that nothing is judged."""

    def received(
        self, direction: Direction, message: Message, stream: int, caller: str = "", *, beside: Beside = None
    ) -> int:
        """A whole message arrived; its name. Raises NotRecorded where it must not pass for that."""

    def left(self, direction: Direction, stream: int | None = None) -> None:
        """The peer that sends in ``direction`` (or its ``stream``) is gone."""

    def undone(self, stream: int) -> None:
        """What was forwarded on ``stream`` did not reach the server, or HTTP refused it."""

    def ended(self) -> None:
        """The session is over."""


def one_line(raw: bytes) -> bytes:
    """Valid JSON on one line: a raw CR or LF in it can only be white space, and must not end a line."""
    if _LF in raw or _CR in raw:
        return raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return raw
