"""The place where whole messages cross from one side of a bridge to the other, recorded first."""

from __future__ import annotations

from typing import Protocol

from mcpscope.engine.outcomes import UNCHANGED_FLAG
from mcpscope.protocol.message import Direction, Message
from mcpscope.session.http_log import Journal, NotRecorded
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.secret_mask import Mask

DIR = {Direction.TO_SERVER: Dir.TO_SERVER, Direction.TO_CLIENT: Dir.TO_CLIENT}


class Port(Protocol):
    """The two ends of a bridge: carries out what was decided. ``stream`` is the number given on arrival."""

    def forward(self, direction: Direction, message: Message, stream: int, *, changed: bool) -> None: ...
    def send(self, direction: Direction, data: bytes, stream: int) -> None:
        """A message of our own."""

    def swallowed(self, direction: Direction, stream: int) -> None:
        """What arrived on ``stream`` goes no further and has no answer."""

    def close_channel(self, direction: Direction, stream: int) -> None:
        """End the channel towards the receiver of ``direction``."""


class Crossing(Protocol):
    """What stands between the two ends."""

    def received(self, direction: Direction, message: Message, stream: int, caller: str = "") -> None:
        """A whole message arrived; raises NotRecorded where it must not pass for that."""

    def left(self, direction: Direction, stream: int | None = None) -> None:
        """The peer that sends in ``direction`` (or its ``stream``) is gone."""

    def ended(self) -> None:
        """The session is over."""


class Straight:
    """No gate: each message is written down and forwarded."""

    def __init__(self, journal: Journal, session: int, port: Port, mask: Mask) -> None:
        self._journal = journal
        self._session = session
        self._port = port
        self._mask = mask

    def __repr__(self) -> str:
        return f"<Straight session={self._session}>"

    def received(self, direction: Direction, message: Message, stream: int, caller: str = "") -> None:
        written = self._mask.mask(message.raw) if self._mask else message.raw
        recorded = self._journal.append(
            RecordType.MESSAGE, DIR[direction], self._session, stream, written or b" ", UNCHANGED_FLAG
        )
        if not recorded and self._journal.required:
            raise NotRecorded(self._journal.fault)
        self._port.forward(direction, message, stream, changed=False)

    def left(self, direction: Direction, stream: int | None = None) -> None: ...
    def ended(self) -> None: ...


def one_line(raw: bytes) -> bytes:
    """Valid JSON on one line: a raw CR or LF in it can only be white space, and must not end a line."""
    if b"\n" in raw or b"\r" in raw:
        return raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return raw
