"""What was seen of a session before it came to the gate: the checkpoint and the journal behind it."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.exchanges import Exchanges
from mcpscope.engine.identity import Identity
from mcpscope.engine.known import Memory
from mcpscope.protocol.message import Direction
from mcpscope.store.checkpoint import read_checkpoint
from mcpscope.store.records import Dir, RecordType
from mcpscope.store.tail import NewerJournal, Tail
from mcpscope.store.unpack import Unpacker

_DIRECTIONS = {Dir.TO_SERVER: Direction.TO_SERVER, Dir.TO_CLIENT: Direction.TO_CLIENT}
_SPOKEN = (RecordType.CHUNK, RecordType.MESSAGE, RecordType.SENT)


class CatchUp:
    """Reads the journal in ``folder`` for session ``number`` into ``memory``."""

    def __init__(self, folder: str, number: int) -> None:
        self._number = number
        try:
            state = read_checkpoint(Path(folder))
        except OSError:
            state = {}
        floor = (int(state.get("segment", 0)), int(state.get("offset", 0)))
        self._unpacker = Unpacker(floor)
        self._unpacker.restore(state.get("lanes", ()), {})
        self._tail = Tail(Path(folder), self._unpacker.begin)
        self.memory = _memory(state.get("sessions", ()), number)
        self._last_at = 0

    def __repr__(self) -> str:
        return f"<CatchUp {self._tail!r} {self.memory!r}>"

    def run(self, seconds: float, *, chunks_only: bool = False) -> Memory:
        """Read on to what is written by now, for so long at most; what is missed then is only not correlated.

        ``chunks_only`` leaves out what the gate itself has journalled.
        """
        end = monotonic() + seconds
        spoken = _SPOKEN[:1] if chunks_only else _SPOKEN
        try:
            while records := self._tail.read():
                for item in self._unpacker.unpack(records):
                    record = item.record
                    if record.session == self._number and record.type in spoken:
                        for message in item.messages:
                            self._last_at = max(record.at, self._last_at + 1)
                            way = _DIRECTIONS.get(record.dir, Direction.TO_SERVER)
                            self.memory.observe(message, self._last_at, way, record.stream)
                if monotonic() > end:
                    break
        except (OSError, NewerJournal):
            pass  # the recorder has just deleted what we were about to read
        return self.memory

    def close(self) -> None:
        self._tail.close()


def _memory(sessions: Any, number: int) -> Memory:
    """The session's state in the checkpoint; an empty one where there is none or it is of another version."""
    for state in sessions.values() if isinstance(sessions, dict) else sessions:
        if isinstance(state, dict) and state.get("number") == number:
            memory = Memory(Exchanges(summaries=False), Identity(), Catalog())
            for part, name in (
                (memory.exchanges, "exchanges"),
                (memory.identity, "identity"),
                (memory.catalog, "catalog"),
            ):
                try:
                    part.restore(state[name])
                except (KeyError, TypeError, ValueError, AttributeError):
                    continue
            memory.initialized = bool(memory.identity.facts.revision)
            return memory
    return Memory()
