"""What one line says to its link, until the link has another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.protocol.message import Message, RpcId

if TYPE_CHECKING:
    from mcpscope.gateway.link import Link


class Ear:
    """Passes on what it hears until it is closed."""

    def __init__(self, link: Link) -> None:
        self._link: Link | None = link

    def close(self) -> None:
        self._link = None

    def heard(self, message: Message, of: RpcId) -> None:
        if self._link is not None:
            self._link.heard(message, of)

    def lost(self, reason: str) -> None:
        if self._link is not None:
            self._link.lost(reason)

    def forgotten(self, message: Message) -> None:
        if self._link is not None:
            self._link.forgotten(message)

    def stalled(self, *, stalled: bool) -> None:
        if self._link is not None:
            self._link.stalled(stalled=stalled)

    def wrote(self, data: bytes) -> None:
        if self._link is not None:
            self._link.wrote(data)
