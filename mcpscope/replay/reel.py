"""A tape on its way to a stand-in's process: a file of recorded messages, each a head and its bytes.

The process that plays needs no database, and none of the code that reads one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.replay.steps import Recorded
from mcpscope.replay.tape import Tape

_FACTS = ("ours", "redacted", "stream", "given_up")

Part = tuple[str, bool, Iterable[Recorded]]
"""A recording's name, whether it takes the place of earlier ones, and its messages."""


def write_reel(path: Path, parts: Iterable[Part]) -> None:
    """Put recordings into a file that only this user can read."""
    path.touch(mode=0o600)
    with path.open("wb") as file:
        for name, anew, messages in parts:
            file.write(json.dumps({"name": name, "anew": anew}).encode() + b"\n")
            for one in messages:
                file.write(_head(one) + b"\n" + one.message.raw + b"\n")


def read_reel(path: Path) -> Tape:
    """The tape in such a file."""
    tape = Tape()
    with path.open("rb") as file:
        head = file.readline()
        while head:
            said = json.loads(head)
            messages = _Messages(file)
            tape.add(said["name"], messages, anew=said["anew"])
            head = messages.head
    return tape


class _Messages:
    """The messages of one recording; ``head`` is the line that ended it."""

    def __init__(self, file: BinaryIO) -> None:
        self.head = b""
        self._file = file

    def __iter__(self) -> Iterator[Recorded]:
        while line := self._file.readline():
            said = json.loads(line)
            if "name" in said:
                self.head = line
                return
            raw = self._file.read(said["size"])
            self._file.read(1)
            facts = {name: said[name] for name in _FACTS}
            yield Recorded(said["seq"], said["at"], Direction(said["dir"]), parse(raw), **facts)
        self.head = b""


def _head(one: Recorded) -> bytes:
    said = {"seq": one.seq, "at": one.at, "dir": str(one.direction), "size": len(one.message.raw)}
    return json.dumps({**said, **{name: getattr(one, name) for name in _FACTS}}).encode()
