"""Everything the engine may ask for, in the order it wants it done.

``Record`` always stands before the ``Forward`` or ``Send`` it explains: what became of a message is in the
journal before the first byte of the consequence leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from mcpscope.engine.outcomes import Outcome
from mcpscope.protocol.message import Direction, Message


class Forward(NamedTuple):
    """Write ``message.raw`` onward in ``direction``: exactly these bytes were judged.

    ``of`` names the message received. ``changed`` says that the bytes are not the received ones, so on HTTP
    the length and the mirrored headers follow. ``plain`` says that nothing stopped or changed it: the
    runner marks its MESSAGE record with ``UNCHANGED_FLAG`` instead of writing an OUTCOME.
    """

    direction: Direction
    message: Message
    of: int
    stream: int
    changed: bool = False
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """Write a message of our own in ``direction``, recorded as SENT: an answer, or a synthetic notification.

    ``answers`` names the received message that this is the answer to (0: none), ``stream`` is the one it
    came on.
    """

    direction: Direction
    data: bytes
    at: int
    stream: int
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """Write an OUTCOME record.

    A final one without a Forward or Send for the same message: it was swallowed (HTTP answers 202).
    """

    outcome: Outcome
    direction: Direction
    stream: int


@dataclass(frozen=True, slots=True)
class Note:
    """Write a NOTE record: something a reader of the session should know."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell everybody attached: ``event`` is a word of control.methods, ``data`` is JSON."""

    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Close:
    """End the channel towards the receiver of ``direction``: a fault, or what cannot be finished."""

    direction: Direction
    stream: int


Command = Forward | Send | Record | Note | Tell | Close
