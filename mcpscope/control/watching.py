"""What the control server needs of an event loop: transports' PollLoop, asyncio's and uvloop's have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Watching(Protocol):
    """Calls back when a descriptor can be read or written."""

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...
    def remove_reader(self, fd: int) -> Any: ...
    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...
    def remove_writer(self, fd: int) -> Any: ...
