"""No network while a recording is played: every connection but those that are allowed is refused.

An audit hook cannot be taken away again, so one is set when it is first needed, and asks whether it is on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_active: list[Network] = []
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(RuntimeError):
    """A test reached for the network while a recording was to be enough."""


class Network:
    """While it is entered, only ``allowed`` can be connected to: ``host``, ``host:port`` or URLs.

    Unix sockets are no network. Names of hosts are looked up only where their host is allowed. What a child
    process does, or a library that makes its system calls without Python, is not seen.
    """

    def __init__(self, allowed: Iterable[str] = (), *, why: str = "") -> None:
        self._allowed = {_place(one) for one in allowed}
        self._why = why

    def __repr__(self) -> str:
        return f"<Network allowed={sorted(self._allowed, key=str)}>"

    def __enter__(self) -> Network:
        if not _hooked:
            sys.addaudithook(_audit)
            _hooked.append(True)
        _active.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _active.remove(self)

    def allow(self, place: str) -> None:
        """Let one more place be reached."""
        self._allowed.add(_place(place))

    def permits(self, host: str, port: int | None) -> bool:
        """Whether ``host`` may be reached; without ``port``, whether its name may be looked up."""
        hosts = {host, *(_LOOPBACK if host in _LOOPBACK else ())}
        if port is None:
            return host in _LOOPBACK or any(known in hosts for known, _ in self._allowed)
        return any(known in hosts and at in (None, port) for known, at in self._allowed)

    def refuse(self, what: str) -> None:
        __tracebackhide__ = True  # pytest shows the test, not us
        text = f"{what} was refused: a recording stands in for the network"
        raise Refused(f"{text}; {self._why}" if self._why else text)


_hooked: list[bool] = []


def _audit(event: str, args: tuple[Any, ...]) -> None:
    __tracebackhide__ = True  # pytest shows the test, not us
    if not _active:
        return
    if event in _EVENTS:
        address = args[1] if len(args) > 1 else None
        if isinstance(address, tuple) and len(address) >= 2:
            host, port = str(address[0]), int(address[1])
            for network in _active:
                if not network.permits(host, port):
                    network.refuse(f"a connection to {host}:{port}")
    elif event == "socket.getaddrinfo" and args and isinstance(args[0], str | bytes):
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
        for network in _active:
            if host and not network.permits(host, None) and not host.replace(".", "").isdigit():
                network.refuse(f"looking up {host}")


def _place(text: str) -> tuple[str, int | None]:
    parts = urlsplit(text if "://" in text else f"//{text}")
    return parts.hostname or text, parts.port
