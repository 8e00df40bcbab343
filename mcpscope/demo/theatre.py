"""Plays a script in virtual time: both sides in one process, the clock jumps from event to event."""

from __future__ import annotations

import heapq
import itertools
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

from mcpscope.demo.player import DemoClient
from mcpscope.demo.scripts import SCRIPTS
from mcpscope.demo.server import DemoServer

WIRE_SECONDS = 0.0004
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Said:
    """A line that left ``who`` (``client``, ``server`` or ``stderr``), seconds after the beginning."""

    at: float
    who: str
    line: bytes


class Theatre:
    """The clock and everything that was said."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[Said] = []
        self.ended = False
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def __repr__(self) -> str:
        return f"<Theatre now={self.now:.3f} said={len(self.said)} due={len(self._due)} ended={self.ended}>"

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back at its time; what is due at one time keeps its order."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), callback))

    def end(self) -> None:
        """Leave ``run`` after this event."""
        self.ended = True

    def run(self) -> None:
        """Jump from event to event until the end, or until nothing is due."""
        while self._due and not self.ended and self.now < LONGEST_SECONDS:
            self.now, _, callback = heapq.heappop(self._due)
            callback()


class Side:
    """The stage of one of the two."""

    def __init__(self, theatre: Theatre, name: str) -> None:
        self.theatre = theatre
        self.name = name
        self.other: Callable[[bytes], None] = lambda line: None

    def send(self, line: bytes) -> None:
        """It arrives at the other side a moment later."""
        self.theatre.said.append(Said(self.theatre.now, self.name, line))
        self.theatre.later(WIRE_SECONDS, lambda: self.other(line))

    def complain(self, text: str) -> None:
        """A line of standard error."""
        self.theatre.said.append(Said(self.theatre.now, "stderr", text.encode() + b"\n"))

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """In virtual time."""
        self.theatre.later(seconds, callback)


def play(script: str, *, seed: int, modern: bool, rate: float = 50.0, seconds: float = 10.0) -> Theatre:
    """The whole script between client and server; the same arguments say the same bytes at the same times."""
    theatre = Theatre()
    left, right = Side(theatre, "client"), Side(theatre, "server")
    asked = Namespace(seed=seed, modern=modern, rate=rate, seconds=seconds)
    client = DemoClient(left, SCRIPTS[script](asked), theatre.end, modern=modern, pace=1.0)
    left.other, right.other = DemoServer(right, seed).receive, client.receive
    client.start()
    theatre.run()
    return theatre
