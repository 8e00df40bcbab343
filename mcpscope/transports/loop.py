"""The few event-loop methods the wire is written against.

``asyncio`` and ``uvloop`` loops fit ``Loop`` as they are; ``transports.poll.PollLoop`` spares the plain stdio
proxy the price of importing them (performance.md, 4). Callbacks never block and never raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from mcpscope.transports.poll import PollLoop

__all__ = ["Handle", "Loop", "PollLoop"]


class Handle(Protocol):
    """What ``call_later`` gives back."""

    def cancel(self) -> None: ...


class Loop(Protocol):
    """The subset of ``asyncio.AbstractEventLoop`` that transports, control and sessions use."""

    def time(self) -> float: ...
    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...
    def remove_reader(self, fd: int) -> Any: ...
    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...
    def remove_writer(self, fd: int) -> Any: ...
    def call_soon(self, callback: Callable[..., Any], *args: Any) -> Handle: ...
    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Handle: ...
