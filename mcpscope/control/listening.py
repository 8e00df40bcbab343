"""The control socket of a proxy before anybody dials: bound, private, and next to nothing imported.

What speaks the protocol is imported with the first connection, so that a proxy nobody looks at pays nothing.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SOCK_STREAM, socket

from mcpscope.control.address import at_address
from mcpscope.control.peer import peer_uid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.control.server import Handler, Server
    from mcpscope.control.watching import Watching

BACKLOG = 16


class Listening:
    """Listens on ``path`` (0600; its folder must be private) and hands each connection of this user on.

    ``handler`` is called with the first connection for what answers the methods. A dialler whose user id is
    not ours is closed without a word.
    """

    def __init__(self, loop: Watching, path: str, handler: Callable[[], Handler]) -> None:
        self.path = path
        self.refused = 0
        self._loop = loop
        self._handler = handler
        self._socket: socket | None = None
        self._server: Server | None = None

    def __repr__(self) -> str:
        return f"<Listening {self.path} server={self._server}>"

    @property
    def server(self) -> Server | None:
        """What speaks with those who have dialled; None before the first."""
        return self._server

    def open(self) -> bool:
        """Bind and listen; False where the system does not let us (steering is lost, never the session)."""
        try:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass
            listener = socket(AF_UNIX, SOCK_STREAM)
            old = os.umask(0o177)
            try:
                at_address(self.path, listener.bind)
            finally:
                os.umask(old)
            listener.listen(BACKLOG)
        except OSError:
            return False
        listener.setblocking(False)
        self._socket = listener
        self._loop.add_reader(listener.fileno(), self._dialled)
        return True

    def close(self) -> None:
        """Take the socket away and say goodbye to those who are connected."""
        if self._socket is None:
            return
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = None
        if self._server is not None:
            self._server.close()
        try:
            os.unlink(self.path)
        except OSError:
            pass

    def _dialled(self) -> None:
        assert self._socket is not None
        try:
            fd, _ = self._socket._accept()  # type: ignore[attr-defined]  # what socket.accept() is made of
        except OSError:
            return
        connection = socket(fileno=fd)
        if peer_uid(connection) != os.geteuid():
            self.refused += 1
            connection.close()
            return
        connection.setblocking(False)
        if self._server is None:
            from mcpscope.control.server import Server

            self._server = Server(self._loop, self._handler())
        self._server.accepted(connection)
