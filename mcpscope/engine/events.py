"""Everything the engine ever learns of the world. ``at`` is unix ns, and strictly rises within a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mcpscope.engine.decisions import Decision
from mcpscope.engine.visibility import Surface
from mcpscope.protocol.message import Direction, Message


class Received(NamedTuple):
    """A whole message arrived. ``at`` names it from now on: outcomes and forwards refer to it.

    ``stream`` is 0 on stdio and one number per HTTP exchange otherwise; ``caller`` is who came in over HTTP.
    """

    direction: Direction
    message: Message
    at: int
    stream: int = 0
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Oversized:
    """A message longer than ``--max-message`` arrived; only its ``head`` was kept."""

    direction: Direction
    head: bytes
    at: int
    stream: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """The peer that sends in ``direction`` is gone, or its ``stream`` is (None: all of them)."""

    direction: Direction
    at: int
    stream: int | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """What was sent to the server on ``stream`` did not reach it, and no answer will come."""

    stream: int
    at: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A person decided about a hold. ``actor`` is what their tool calls itself."""

    hold: int
    decision: Decision
    actor: str
    at: int


@dataclass(frozen=True, slots=True)
class Injected:
    """A person's own message, as if the peer that sends in ``direction`` had sent it; judged like any."""

    direction: Direction
    message: Message
    actor: str
    at: int
    stream: int = 0


@dataclass(frozen=True, slots=True)
class Viewed:
    """What clients may see of ``surfaces`` has changed: a client that listens is to hear of it."""

    surfaces: frozenset[Surface]
    at: int


@dataclass(frozen=True, slots=True)
class Tick:
    """``Engine.due`` has come."""

    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over: what is still held or waiting gets its outcome now."""

    at: int


Event = Received | Oversized | Left | Undone | Decided | Injected | Viewed | Tick | Ended
