"""The control server: connections on the wire's own loop, each call validated, answered at once."""

from __future__ import annotations

from _socket import socket
from typing import Any, Protocol

from mcpscope.control import lines
from mcpscope.control.lines import Broken, Call, Lines, Overlong
from mcpscope.control.methods import EVENT, METHODS, validated
from mcpscope.control.watching import Watching
from mcpscope.errors import ScopeError

MAX_CONNECTIONS = 32
READ_BYTES = 1 << 18
MAX_UNREAD_BYTES = 256 << 20
"""What a connection that does not read may let pile up; then it is closed, for events are in the store too.
"""


class Handler(Protocol):
    """What answers the methods; runs on the loop, so it never waits."""

    def call(self, method: str, params: dict[str, Any], peer: Peer) -> Any:
        """The result as JSON; ``params`` are validated. Raises ScopeError for what cannot be granted."""

    def left(self, peer: Peer) -> None:
        """A connection is gone."""


class Peer:
    """One connection: who it says it is, whether it hears events, is ``there`` to decide, may only look."""

    def __init__(self, number: int, connection: socket) -> None:
        self.number = number
        self.name = f"control {number}"
        self.subscribed = False
        self.read_only = False
        self.there = False
        self.connection = connection
        self.lines = Lines()
        self.unsent = bytearray()
        self.writing = False

    def __repr__(self) -> str:
        return f"<Peer {self.name} subscribed={self.subscribed} read_only={self.read_only}>"

    @property
    def attached(self) -> bool:
        """Whether it may decide about what is held, and is there to do so."""
        return self.subscribed and self.there and not self.read_only


class Server:
    """Speaks with those who were let in."""

    def __init__(self, loop: Watching, handler: Handler) -> None:
        self._loop = loop
        self._handler = handler
        self._peers: dict[int, Peer] = {}
        self._number = 0

    def __repr__(self) -> str:
        return f"<Server {list(self._peers.values())}>"

    def accepted(self, connection: socket) -> None:
        """Take over a connection of this user, non-blocking."""
        if len(self._peers) >= MAX_CONNECTIONS:
            connection.close()
            return
        self._number += 1
        peer = Peer(self._number, connection)
        self._peers[peer.number] = peer
        self._loop.add_reader(connection.fileno(), self._readable, peer)

    def tell(self, event: str, session: int, data: dict[str, Any]) -> None:
        """An event to everybody who subscribed."""
        line = lines.call(EVENT, {"event": event, "session": session, "data": data})
        for peer in tuple(self._peers.values()):
            if peer.subscribed:
                self._send(peer, line)

    def close(self) -> None:
        for peer in tuple(self._peers.values()):
            self._drop(peer)

    def _readable(self, peer: Peer) -> None:
        try:
            chunk = peer.connection.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(peer)
            return
        try:
            messages = peer.lines.feed(chunk)
        except Overlong:
            self._drop(peer)
            return
        for message in messages:
            if isinstance(message, Broken):
                self._send(peer, lines.error(message.id, message.code, message.text))
            elif isinstance(message, Call):
                answer = self._answer(peer, message)
                if message.id is not None:
                    self._send(peer, answer)

    def _answer(self, peer: Peer, call: Call) -> bytes:
        method = METHODS.get(call.method)
        if method is None:
            return lines.error(call.id, lines.METHOD_NOT_FOUND, f"there is no method {call.method}")
        try:
            params = validated(method, call.params)
        except ValueError as error:
            return lines.error(call.id, lines.INVALID_PARAMS, str(error))
        if method.steers and peer.read_only:
            said = {"code": "read_only", "exit": 7, "hint": "attach without read_only"}
            return lines.error(call.id, lines.REFUSED, "this connection may only look", said)
        try:
            return lines.result(call.id, self._handler.call(call.method, params, peer))
        except ScopeError as error:
            said = {"code": error.code, "exit": int(error.exit), "hint": error.hint}
            return lines.error(call.id, lines.REFUSED, error.message, said)
        except (
            Exception
        ) as error:  # a fault of ours in steering must not reach the wire, which runs on this loop
            text = f"mcpscope failed at this: {type(error).__name__}: {error}"
            return lines.error(call.id, lines.INTERNAL, text, {"code": "internal", "exit": 70, "hint": ""})

    def _send(self, peer: Peer, line: bytes) -> None:
        if peer.number not in self._peers:
            return
        peer.unsent += line
        if len(peer.unsent) > MAX_UNREAD_BYTES:
            self._drop(peer)
        elif not peer.writing:
            self._flush(peer)

    def _flush(self, peer: Peer) -> None:
        try:
            while peer.unsent:
                count = peer.connection.send(peer.unsent)
                del peer.unsent[:count]
        except BlockingIOError:
            if not peer.writing:
                peer.writing = True
                self._loop.add_writer(peer.connection.fileno(), self._flush, peer)
            return
        except OSError:
            self._drop(peer)
            return
        if peer.writing:
            peer.writing = False
            self._loop.remove_writer(peer.connection.fileno())

    def _drop(self, peer: Peer) -> None:
        if self._peers.pop(peer.number, None) is None:
            return
        fd = peer.connection.fileno()
        self._loop.remove_reader(fd)
        if peer.writing:
            self._loop.remove_writer(fd)
        peer.connection.close()
        self._handler.left(peer)
