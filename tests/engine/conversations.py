"""Reads ``fixtures/conversations``: what both sides say, and the exchanges that come of it.

A file holds conversations, each under a ``## title``. A line is one step:

    client: BYTES          the client sends a message; ``client[3/abc]:`` on stream 3 of MCP session abc
    server: BYTES          the server sends one
    at 250ms               the clock, counted from the beginning; every message is 1 ms later than the last
    hang up 3 · close 3    the client, or the server, ends HTTP exchange 3
    end                    the session ends
    exchange N: KIND DIR METHOD STATUS field=value ...

Messages are numbered from 1. ``{~`` in BYTES stands for ``{"jsonrpc":"2.0",``. The exchanges
are all there are; N is the number of the message that opened one, ``messages=`` names those that belong to it
(else only N does), ``flags=`` all its flags (else it has none). Fields not named are free.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcpscope.engine.exchange import Exchange
from mcpscope.engine.exchanges import Exchanges
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

FOLDER = Path(__file__).parents[2] / "fixtures" / "conversations"

_SAID = re.compile(r"(client|server)(?:\[(\d+)(?:/(\S+))?\])?: (.*)", re.DOTALL)
_AT = re.compile(r"at (\d+)(ms|s)")
_ENDED = re.compile(r"(hang up|close) (\d+)")
_EXPECTED = re.compile(r"exchange (\d+): (.*)")
_MS = 1_000_000


@dataclass(frozen=True)
class Said:
    """One message of one side."""

    seq: int
    at: int
    direction: Direction
    raw: bytes
    stream: int = 0
    channel: str = ""


@dataclass(frozen=True)
class Ended:
    """The end of one HTTP exchange, or of the session (stream 0)."""

    at: int
    stream: int = 0
    cancelled: bool = False


@dataclass
class Conversation:
    """One conversation, and the exchanges expected of it: fields by the number of the opening message."""

    title: str
    file: str
    steps: list[Said | Ended] = field(default_factory=list)
    expected: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def messages(self) -> list[Said]:
        return [step for step in self.steps if isinstance(step, Said)]


def conversations() -> list[Conversation]:
    """All of them, in the order of files and lines."""
    return [one for path in sorted(FOLDER.glob("*.conversation")) for one in _read(path)]


def _read(path: Path) -> Iterator[Conversation]:
    for part in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, *lines = part.split("\n")
        one = Conversation(title, path.stem)
        at = 0
        for line in lines:
            if not line or line.startswith("#"):
                continue
            at = _step(one, line, at)
        yield one


def _step(one: Conversation, line: str, at: int) -> int:
    if match := _AT.fullmatch(line):
        return int(match[1]) * (_MS if match[2] == "ms" else 1000 * _MS) - _MS
    if match := _EXPECTED.fullmatch(line):
        kind, way, method, status, *rest = shlex.split(match[2])
        fields = dict(part.split("=", 1) for part in rest)
        fields |= {"kind": kind, "dir": way, "method": "" if method == "-" else method, "status": status}
        one.expected[int(match[1])] = fields
        return at
    at += _MS
    if match := _SAID.fullmatch(line):
        side, stream, channel, text = match.groups()
        text = text.replace("{~", '{"jsonrpc":"2.0",')
        way = Direction.TO_SERVER if side == "client" else Direction.TO_CLIENT
        said = Said(len(one.messages) + 1, at, way, text.encode(), int(stream or 0), channel or "")
        one.steps.append(said)
    elif match := _ENDED.fullmatch(line):
        one.steps.append(Ended(at, int(match[2]), match[1] == "hang up"))
    elif line == "end":
        one.steps.append(Ended(at))
    else:
        raise ValueError(f"{one.file}: {one.title}: not a step: {line}")
    return at


@dataclass
class Listened:
    """What ``Exchanges`` made of a conversation: the exchanges, and the owner of every message."""

    exchanges: dict[int, Exchange] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)


def hear(memory: Exchanges, steps: list[Said | Ended], heard: Listened) -> Listened:
    """Let ``memory`` observe ``steps``, adding to ``heard``."""
    for step in steps:
        if isinstance(step, Said):
            changed = memory.observe(
                parse(step.raw),
                seq=step.seq,
                at=step.at,
                direction=step.direction,
                stream=step.stream,
                channel=step.channel,
            )
            heard.owners[step.seq] = changed[0].id
        elif step.stream:
            changed = memory.close_stream(step.stream, step.at, cancelled=step.cancelled)
        else:
            changed = memory.end(step.at)
        heard.exchanges.update((exchange.id, exchange) for exchange in changed)
    return heard


def told(heard: Listened) -> dict[int, dict[str, str]]:
    """Every field of every exchange as text, for comparison with ``expected``."""
    out = {}
    for id, exchange in sorted(heard.exchanges.items()):
        owned = [str(seq) for seq, owner in sorted(heard.owners.items()) if owner == id]
        fields = {name: getattr(exchange, name) for name in Exchange.__dataclass_fields__}
        fields |= {"summary": exchange.summary, "messages": ",".join(owned)}
        fields |= {"dur": None if exchange.dur_ns is None else f"{exchange.dur_ns // _MS}ms"}
        fields |= {"parent": exchange.parent_id, "flags": ",".join(exchange.flags.split())}
        out[id] = {name: "" if value is None else str(value) for name, value in fields.items()}
    return out
