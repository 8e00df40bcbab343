"""The control socket of a proxy before anybody dials: bound, private, and next to nothing imported.

What speaks the protocol is imported with the first connection, in a thread that yields to the wire, so that a
proxy nobody looks at pays nothing and one that is looked at hardly anything.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SOCK_STREAM, socket
from _thread import start_new_thread

from mcpscope.control.address import at_address
from mcpscope.control.peer import peer_uid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.control.server import Handler, Server
    from mcpscope.control.watching import Watching

BACKLOG = 16
LOAD_CHECK_SECONDS = 0.002


class Listening:
    """Listens on ``path`` (0600; its folder must be private) and hands each connection of this user on.

    With the first connection ``load`` imports, in a thread, what ``handler`` then makes: what answers the
    methods. A dialler whose user id is not ours is closed without a word.
    """

    def __init__(
        self, loop: Watching, path: str, load: Callable[[], None], handler: Callable[[], Handler]
    ) -> None:
        self.path = path
        self.refused = 0
        self._loop = loop
        self._load = load
        self._handler = handler
        self._waiting: list[socket] = []
        self._loading = False
        self._loaded = False
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
        if self._server is not None:
            self._server.accepted(connection)
            return
        self._waiting.append(connection)
        if not self._loading:
            self._loading = True
            start_new_thread(self._import, ())
            self._loop.call_later(LOAD_CHECK_SECONDS, self._check_loaded)

    def _import(self) -> None:
        """Runs in the thread; an import that fails here fails again, and is told, on the loop."""
        try:
            self._load()
        except Exception:
            pass
        self._loaded = True

    def _check_loaded(self) -> None:
        if not self._loaded:
            self._loop.call_later(LOAD_CHECK_SECONDS, self._check_loaded)
            return
        waiting, self._waiting = self._waiting, []
        if self._socket is not None:
            self._serve()
        for connection in waiting:
            if self._server is not None:
                self._server.accepted(connection)
            else:
                connection.close()

    def _serve(self) -> None:
        try:
            from mcpscope.control.server import Server

            self._server = Server(self._loop, self._handler())
        except Exception:  # whatever fails here costs the steering, never the session on the same loop
            self._loading = self._loaded = False
