"""What a fan knows of its client, and of each request of it until that is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mcpscope.gateway.owed import Pending
from mcpscope.protocol.message import Message, RpcId


class Client(Protocol):
    """Who listens to the fan."""

    def on_line(self, raw: bytes, of: RpcId = None, said: Message | None = None) -> None:
        """A message; ``of`` is the id of the client's request that it belongs to, None for no one's, and
        ``said`` what it says, where that has been read already.
        """

    def on_exit(self, code: int) -> None: ...
    def on_stall(self, *, stalled: bool) -> None: ...


@dataclass(slots=True, eq=False)
class Asked:
    """One request of the client until it is answered; ``pendings`` are what it became upstream."""

    message: Message
    modern: bool
    pendings: list[Pending] = field(default_factory=list)
    over: bool = False
