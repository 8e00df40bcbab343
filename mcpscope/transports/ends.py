"""The ends of byte streams: descriptors read and written without ever blocking.

A descriptor that we inherited shares its blocking mode with its other holders, so the mode is never touched:
pipes and terminals are opened once more for a description of our own, sockets are asked call by call, and
where neither works a poll goes before each small write.
"""

from __future__ import annotations

import os
import select
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Source(Protocol):
        """Where bytes come from. ``fd`` is what to poll."""

        fd: int

        def grow(self, size: int) -> None:
            """Hold ``size`` bytes if that is ours to choose."""

        def read_into(self, buffer: bytearray | memoryview) -> int:
            """Bytes read, 0 at the end of the stream; raises BlockingIOError if there are none now."""

        def close(self) -> None: ...

    class Drain(Protocol):
        """Where bytes go. ``fd`` is what to poll."""

        fd: int

        def grow(self, size: int) -> None:
            """Hold ``size`` bytes if that is ours to choose."""

        def write(self, data: bytes | memoryview) -> int:
            """How much of ``data`` was taken; raises BlockingIOError if nothing was."""

        def close(self) -> None: ...


PIPE_BUF = select.PIPE_BUF
_F_SETPIPE_SZ = 1031
_DONT_WAIT = 0x40 if sys.platform == "linux" else 0x80  # MSG_DONTWAIT


class FdSource:
    """A descriptor whose description is ours (non-blocking), or one that poll alone makes safe to read.

    ``own`` says that it is a pipe of our making, whose size is ours to choose.
    """

    __slots__ = ("_own", "fd")

    def __init__(self, fd: int, *, own: bool = False) -> None:
        self.fd = fd
        self._own = own

    def __repr__(self) -> str:
        return f"<FdSource {self.fd}>"

    def read_into(self, buffer: bytearray | memoryview) -> int:
        return os.readv(self.fd, (buffer,))

    def grow(self, size: int) -> None:
        if self._own:
            self._own = _grow_pipe(self.fd, size)

    def close(self) -> None:
        os.close(self.fd)


class FdDrain:
    """A descriptor that takes what it can and never blocks.

    ``own`` says that it is a pipe of our making, whose size is ours to choose.
    """

    __slots__ = ("_own", "fd")

    def __init__(self, fd: int, *, own: bool = False) -> None:
        self.fd = fd
        self._own = own

    def __repr__(self) -> str:
        return f"<FdDrain {self.fd}>"

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self.fd, data)

    def grow(self, size: int) -> None:
        if self._own:
            self._own = _grow_pipe(self.fd, size)

    def close(self) -> None:
        os.close(self.fd)


class PolledDrain:
    """A descriptor in blocking mode: what poll calls writable takes PIPE_BUF bytes without blocking."""

    __slots__ = ("_poll", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def __repr__(self) -> str:
        return f"<PolledDrain {self.fd}>"

    def write(self, data: bytes | memoryview) -> int:
        view = memoryview(data)
        written = 0
        while written < len(view):
            if not self._poll.poll(0):
                break
            written += os.write(self.fd, view[written : written + PIPE_BUF])
        if not written:
            raise BlockingIOError
        return written

    def grow(self, size: int) -> None:
        pass

    def close(self) -> None:
        os.close(self.fd)


class SocketEnd:
    """A socket, read and written with MSG_DONTWAIT."""

    __slots__ = ("_socket", "fd")

    def __init__(self, fd: int) -> None:
        from _socket import socket

        self.fd = fd
        self._socket = socket(fileno=fd)

    def __repr__(self) -> str:
        return f"<SocketEnd {self.fd}>"

    def read_into(self, buffer: bytearray | memoryview) -> int:
        return self._socket.recv_into(buffer, 0, _DONT_WAIT)

    def write(self, data: bytes | memoryview) -> int:
        return self._socket.send(data, _DONT_WAIT)

    def grow(self, size: int) -> None:
        pass

    def close(self) -> None:
        self._socket.close()


def open_source(fd: int) -> Source:
    """The inherited descriptor ``fd`` as a source; ``fd`` belongs to it from here on."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISSOCK(mode):
        return SocketEnd(fd)
    own = _reopen(fd, mode, os.O_RDONLY)
    return FdSource(fd if own is None else own)


def open_drain(fd: int) -> Drain:
    """The inherited descriptor ``fd`` as a drain; ``fd`` belongs to it from here on."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISSOCK(mode):
        return SocketEnd(fd)
    if stat.S_ISREG(mode) or stat.S_ISBLK(mode):
        return FdDrain(fd)
    own = _reopen(fd, mode, os.O_WRONLY)
    return PolledDrain(fd) if own is None else FdDrain(own)


def _reopen(fd: int, mode: int, access: int) -> int | None:
    """A description of our own, non-blocking, for the pipe or terminal ``fd``, which is closed; or None.

    Only Linux opens the thing itself; elsewhere /dev/fd is a dup, and its blocking mode would be shared.
    """
    if sys.platform != "linux" or not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return None
    try:
        own = os.open(f"/proc/self/fd/{fd}", access | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None  # the pipe of another user, or no /proc
    os.close(fd)
    return own


def _grow_pipe(fd: int, size: int) -> bool:
    """Let a pipe hold ``size`` bytes; False where that cannot be had, so that nobody asks again."""
    if sys.platform != "linux":
        return False
    from fcntl import fcntl

    try:
        fcntl(fd, _F_SETPIPE_SZ, size)
    except OSError:
        return False  # the user's allowance of pipe memory is used up
    return True
