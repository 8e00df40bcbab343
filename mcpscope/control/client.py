"""A blocking client of one proxy's control socket: for commands, tests and the workers of a UI."""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from types import TracebackType
from typing import Any

from mcpscope.control import lines
from mcpscope.control.address import at_address
from mcpscope.control.lines import Call, Lines, Reply
from mcpscope.control.methods import EVENT
from mcpscope.control.peer import peer_uid
from mcpscope.errors import Exit, ScopeError

TIMEOUT_SECONDS = 10.0
READ_BYTES = 1 << 18


class Control:
    """A connection; raises ScopeError (``no_proxy``) where nobody of this user listens.

    ``call`` sends and waits for the answer; events that come meanwhile wait in ``events``.
    """

    def __init__(self, path: str, name: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.path = path
        self.events: deque[dict[str, Any]] = deque()
        self._timeout = timeout
        self._lines = Lines()
        self._number = 0
        self._replies: dict[int | str | None, Reply] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            at_address(path, self._socket.connect)
        except OSError as error:
            self._socket.close()
            raise _nobody(path, error.strerror or str(error)) from None
        if peer_uid(self._socket) not in (os.geteuid(), 0):
            self._socket.close()
            raise _nobody(path, "somebody else listens there")
        self._socket.setblocking(False)
        self.call("scope/hello", name=name)

    def __repr__(self) -> str:
        return f"<Control {self.path}>"

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """For select: readable when an event may have come."""
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def call(self, method: str, **params: Any) -> Any:
        """The result of ``method``; raises ScopeError with the proxy's own words where it refuses."""
        self._number += 1
        number = self._number
        end = time.monotonic() + self._timeout
        self._write(lines.call(method, params, number), end)
        while number not in self._replies:
            self._read(end)
        reply = self._replies.pop(number)
        if reply.error is not None:
            raise _refusal(reply.error)
        return reply.result

    def event(self, timeout: float) -> dict[str, Any] | None:
        """The next event, waiting for it at most ``timeout`` seconds; None if none came.

        Raises ScopeError (``gone``) when the proxy has ended.
        """
        end = time.monotonic() + timeout
        while not self.events:
            if not self._wait(end, select.POLLIN):
                return None
            self._receive()
        return self.events.popleft()

    def _write(self, data: bytes, end: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                # Read too, or two full buffers wait for each other.
                if self._wait(end, select.POLLIN | select.POLLOUT) & select.POLLIN:
                    self._receive()
            except OSError:
                raise _gone(self.path) from None
            if time.monotonic() > end:
                raise _silent(self.path)

    def _read(self, end: float) -> None:
        if not self._wait(end, select.POLLIN):
            raise _silent(self.path)
        self._receive()

    def _wait(self, end: float, what: int) -> int:
        poll = select.poll()
        poll.register(self._socket, what)
        found = poll.poll(max(0, (end - time.monotonic()) * 1000))
        return found[0][1] if found else 0

    def _receive(self) -> None:
        try:
            chunk = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            raise _gone(self.path)
        for message in self._lines.feed(chunk):
            if isinstance(message, Reply):
                self._replies[message.id] = message
            elif isinstance(message, Call) and message.method == EVENT:
                self.events.append(message.params)


def _refusal(error: dict[str, Any]) -> ScopeError:
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    return ScopeError(
        str(error.get("message")),
        code=str(data.get("code", "bad_call")),
        exit=Exit(data.get("exit", Exit.USAGE)),
        hint=str(data.get("hint", "")),
    )


def _nobody(path: str, why: str) -> ScopeError:
    return ScopeError(
        f"no proxy listens at {path} ({why})",
        code="no_proxy",
        exit=Exit.UPSTREAM,
        hint="see: mcpscope status",
    )


def _gone(path: str) -> ScopeError:
    return ScopeError(f"the proxy at {path} has ended", code="gone", exit=Exit.UPSTREAM)


def _silent(path: str) -> ScopeError:
    return ScopeError(f"the proxy at {path} does not answer", code="no_answer", exit=Exit.TIMEOUT)
