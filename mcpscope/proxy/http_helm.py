"""How a proxy with HTTP on a side is steered: one control socket, one desk for all its sessions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from mcpscope.control.listening import Listening
from mcpscope.proxy.helm import Orders, steering_of
from mcpscope.session.conversation import Helmed
from mcpscope.session.desk import Desk


class HttpHelm:
    """``helmed`` is what sessions look at. ``about`` are the proxy's facts for those who dial."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        orders: Orders,
        about: Callable[[], dict[str, Any]],
        restart: Callable[[str], int],
    ) -> None:
        self._loop = loop
        self._orders = orders
        self._about = about
        self._restart = restart
        self._listening: Listening | None = None
        names = (about().get(key) for key in ("label", "record_name", "uid"))
        self.helmed = Helmed(tell=self._tell, names=tuple(str(name) for name in names if name))

    def __repr__(self) -> str:
        return f"<HttpHelm {self._listening} sessions={len(self.helmed.conversations)}>"

    def start(self) -> None:
        """Put the rules of the command line in force, if there are any, before the first request."""
        if not self._orders.any:
            return
        steering = self.helmed.steer(steering_of(self._orders, self._about()))
        if self._orders.law is not None:
            self._orders.law.follow(self._loop, steering, self._told)

    def listen(self, path: str) -> str | None:
        """Open the control socket at ``path``; the path, or None where it cannot be."""
        self._listening = Listening(self._loop, path, _load, self._desk)
        return path if self._listening.open() else None

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()

    def _told(self, kind: str, text: str) -> None:
        """News of the policy: in the records of all sessions, to those attached, and on standard error."""
        for conversation in self.helmed.conversations.values():
            conversation.note(text, kind)
        self._tell("note", 0, {"kind": kind, "text": text})
        first = text.partition("\n")[0]
        os.write(2, f"mcpscope: {first}\n".encode("utf-8", "backslashreplace"))

    def _desk(self) -> Desk:
        steering = self.helmed.steering
        if steering is None:
            steering = self.helmed.steer(steering_of(self._orders, self._about()))
        desk = Desk(steering, self._about, self._tell)
        desk.obey(self._orders.law)
        desk.on_restart = self._restart
        desk.conversations = self.helmed.conversations  # type: ignore[assignment]  # the desk only reads them
        return desk

    def _tell(self, event: str, session: int, data: dict[str, Any]) -> None:
        if self._listening is not None and self._listening.server is not None:
            self._listening.server.tell(event, session, data)


def _load() -> None:
    """What a first dialler makes necessary; runs in a thread."""
    import mcpscope.control.server
    import mcpscope.engine.engine  # noqa: F401
