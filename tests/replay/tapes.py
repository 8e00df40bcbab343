"""Tapes written by hand, and a player of them: what goes in, what comes out, without a process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.replay.player import Player
from mcpscope.replay.steps import Recorded
from mcpscope.replay.tape import Tape

STEP_NS = 10_000_000


def recorded(said: Iterable[tuple[str, dict[str, Any]]]) -> list[Recorded]:
    """Messages of ``>`` (the client) and ``<`` (the server), ten milliseconds apart."""
    found = []
    for number, (way, body) in enumerate(said, 1):
        direction = Direction.TO_SERVER if way == ">" else Direction.TO_CLIENT
        raw = json.dumps({"jsonrpc": "2.0", **body}, ensure_ascii=False).encode()
        found.append(Recorded(number, number * STEP_NS, direction, parse(raw)))
    return found


def call(id: Any, tool: str, /, **arguments: Any) -> dict[str, Any]:
    return {"id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def text(id: Any, said: str) -> dict[str, Any]:
    return {"id": id, "result": {"content": [{"type": "text", "text": said}]}}


class Seat:
    """A live client before a tape; ``now`` is its clock (ns)."""

    def __init__(self, *tapes: Iterable[tuple[str, dict[str, Any]]], **options: Any) -> None:
        self.tape = Tape()
        for number, said in enumerate(tapes):
            self.tape.add("base" if number == 0 else f"base-{number + 1}", recorded(said))
        self.out: list[bytes] = []
        self.player = Player(self.tape, self.out.append, **options)
        self.now = 0

    def say(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Say one message; everything that comes back at once, a miss as the error that it is."""
        message = parse(json.dumps({"jsonrpc": "2.0", **body}).encode())
        missed = self.player.hear(message, self.now)
        if missed is not None:
            self.player.refuse(message, missed)
        return self.heard()

    def wait(self, ns: int) -> list[dict[str, Any]]:
        """Let the time pass."""
        self.now += ns
        self.player.wake(self.now)
        return self.heard()

    def heard(self) -> list[dict[str, Any]]:
        found = [json.loads(raw) for raw in self.out]
        self.out.clear()
        return found
