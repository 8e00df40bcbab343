"""A gateway for one client on our standard streams."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpscope.gateway.front import Front
from mcpscope.gateway.gateway import Gateway
from mcpscope.gateway.upstream import Parts
from mcpscope.protocol.message import Direction, Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.bridge_ids import IdKey, id_key
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.session.crossing import one_line
from mcpscope.session.http_local import failure_answer
from mcpscope.session.http_log import NotRecorded
from mcpscope.session.http_sessions import LEGACY, Session
from mcpscope.session.line_client import LineClient
from mcpscope.transports.ends import open_drain, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE_SECONDS = 1.5
FLUSH_SECONDS = 0.4


class StdioFront(Front):
    """``ended`` gets the exit code when the client has gone; ``keep_off`` guards our standard streams."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        gateway: Gateway,
        parts: Parts,
        numbers: Iterator[int],
        ended: Callable[[int], None],
        keep_off: Callable[[], None],
    ) -> None:
        super().__init__(gateway)
        self._loop = loop
        self._parts = parts
        self._ended = ended
        self._keep_off = keep_off
        self._record = Session(next(numbers), LEGACY, False, ("", "stdio", b"", b""))
        names = [one.name for one in gateway.upstreams]
        self._record.facts.update({"server_transport": "gateway", "gateway": {"upstreams": names}})
        self._fan = gateway.fan(self, self._record.identity, self._record.number)
        self._client: LineClient
        self._owed: set[IdKey] = set()
        self._crossing: Conversation

    def __repr__(self) -> str:
        return f"<StdioFront owed={len(self._owed)}>"

    async def start(self) -> int:
        parts = self._parts
        parts.opened(self._record)
        self._crossing = Conversation(
            self._loop, parts.journal, Helmed(), self._record.number, self, parts.mask
        )
        source, drain = open_source(os.dup(0)), open_drain(os.dup(1))
        self._keep_off()
        self._client = LineClient(self._loop, source, drain, _FromClient(self))
        return 0

    async def close(self, reason: str) -> None:
        self._fan.close()
        await self._close_all(reason)
        self._client.close()
        self._crossing.ended()
        self._parts.closed(self._record, reason)

    # from the client

    def said(self, raw: bytes) -> None:
        message = parse(raw)
        try:
            self._crossing.received(Direction.TO_SERVER, message, 0)
        except NotRecorded as fault:
            for item in message.items or (message,):
                if item.kind is Kind.REQUEST:
                    self._client.write(failure_answer("not recorded", str(fault), item))

    def gone(self) -> None:
        """What is under way may finish, then all ends."""
        self._crossing.left(Direction.TO_SERVER)
        self._loop.create_task(self._leave()).add_done_callback(lambda done: self._ended(0))

    def hold(self, *, paused: bool) -> None:
        self._fan.hold_reading(paused=paused)

    # from the fan

    def on_line(self, raw: bytes, of: RpcId = None, said: Message | None = None) -> None:
        try:
            self._crossing.received(Direction.TO_CLIENT, said or parse(raw), 0)
        except NotRecorded as fault:
            self._parts.say(f"nothing more is forwarded: {fault}")
            self._ended(5)

    def on_exit(self, code: int) -> None: ...

    def on_stall(self, *, stalled: bool) -> None:
        self._client.hold_reading(paused=stalled)

    # what the crossing asks for

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        for item in message.items or (message,):
            if direction is Direction.TO_SERVER and item.kind is Kind.REQUEST:
                self._owed.add(id_key(item.id))
            elif direction is Direction.TO_CLIENT and item.is_answer:
                self._owed.discard(id_key(item.id))
        if direction is Direction.TO_SERVER:
            self._fan.write(message.raw, message)
        else:
            self._client.write(one_line(message.raw))

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        if direction is Direction.TO_SERVER:
            self._fan.write(data)
        else:
            self._client.write(one_line(data))
        return True

    def swallowed(self, direction: Direction, stream: int, of: int) -> None: ...

    def close_channel(self, direction: Direction, stream: int) -> None:
        self._ended(1)

    async def _leave(self) -> None:
        end = self._loop.time() + GRACE_SECONDS
        while self._owed and self._loop.time() < end:
            await asyncio.sleep(0.02)
        end = self._loop.time() + FLUSH_SECONDS
        while not self._client.empty and self._loop.time() < end:
            await asyncio.sleep(0.01)


class _FromClient:
    """The lines of the client."""

    def __init__(self, front: StdioFront) -> None:
        self._front = front

    def on_line(self, raw: bytes) -> None:
        if raw.strip():
            self._front.said(raw)

    def on_eof(self) -> None:
        self._front.gone()

    def on_client_stall(self, *, stalled: bool) -> None:
        self._front.hold(paused=stalled)
