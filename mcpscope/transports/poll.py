"""poll(2) with timers: what a stdio proxy needs of an event loop, and nothing to import for it.

``typing`` and ``collections`` stay out: importing them costs more than the wire takes to start.
"""

from __future__ import annotations

import heapq
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Timer:
    __slots__ = ("args", "callback", "cancelled", "order", "when")

    def __init__(self, when: float, order: int, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.when = when
        self.order = order
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def __lt__(self, other: _Timer) -> bool:
        return (self.when, self.order) < (other.when, other.order)


_READ = select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLNVAL
_WRITE = select.POLLOUT | select.POLLHUP | select.POLLERR | select.POLLNVAL


class PollLoop:
    """poll(2) with timers: what a stdio proxy needs of an event loop, and nothing to import for it."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._readers: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._writers: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._timers: list[_Timer] = []
        self._ready: list[_Timer] = []
        self._order = 0
        self._stopping = False

    def __repr__(self) -> str:
        return (
            f"<PollLoop readers={len(self._readers)} writers={len(self._writers)} timers={len(self._timers)}>"
        )

    def time(self) -> float:
        return time.monotonic()

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        self._readers[fd] = (callback, args)
        self._watch(fd)

    def remove_reader(self, fd: int) -> bool:
        found = self._readers.pop(fd, None) is not None
        self._watch(fd)
        return found

    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        self._writers[fd] = (callback, args)
        self._watch(fd)

    def remove_writer(self, fd: int) -> bool:
        found = self._writers.pop(fd, None) is not None
        self._watch(fd)
        return found

    def call_soon(self, callback: Callable[..., Any], *args: Any) -> _Timer:
        timer = _Timer(0.0, 0, callback, args)
        self._ready.append(timer)
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> _Timer:
        self._order += 1
        timer = _Timer(time.monotonic() + delay, self._order, callback, args)
        heapq.heappush(self._timers, timer)
        return timer

    def stop(self) -> None:
        """Leave ``run_forever`` after the callbacks of this turn."""
        self._stopping = True

    def run_forever(self) -> None:
        """Turn until ``stop``; waits in poll(2) only, for descriptors or the next timer."""
        self._stopping = False
        poll, readers, writers, timers = self._poll.poll, self._readers, self._writers, self._timers
        monotonic = time.monotonic
        now = monotonic()
        while not self._stopping:
            timeout = None
            if self._ready:
                timeout = 0
            elif timers:
                # A poll timeout is whole milliseconds: round up, or the loop spins through the last one.
                wait = timers[0].when - now
                timeout = int(wait * 1000) + 1 if wait > 0 else 0
            for fd, events in poll(timeout):
                if events & _READ and (found := readers.get(fd)):
                    found[0](*found[1])
                if events & _WRITE and (found := writers.get(fd)):
                    found[0](*found[1])
            if self._ready:
                self._soon()
            if timers:
                now = monotonic()
                if timers[0].when <= now:
                    self._due()
                    now = monotonic()

    def _due(self) -> None:
        now = time.monotonic()
        while self._timers and (self._timers[0].cancelled or self._timers[0].when <= now):
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.callback(*timer.args)

    def _soon(self) -> None:
        ready, self._ready = self._ready, []
        for timer in ready:
            if not timer.cancelled:
                timer.callback(*timer.args)

    def _watch(self, fd: int) -> None:
        mask = (select.POLLIN if fd in self._readers else 0) | (select.POLLOUT if fd in self._writers else 0)
        if mask:
            self._poll.register(fd, mask)
            return
        try:
            self._poll.unregister(fd)
        except KeyError:
            pass  # never watched, or already forgotten
