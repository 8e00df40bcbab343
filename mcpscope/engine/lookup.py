"""Every place where an open or recent request is found again: by id, token, stream, or being unreadable."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator

from mcpscope.engine.exchange import Exchange
from mcpscope.engine.pending import PIPE, Channel, Entry, Table, UsedIds, apart, slot
from mcpscope.protocol.ids import other_spelling
from mcpscope.protocol.message import Direction, RpcId
from mcpscope.protocol.methods import Method

MAX_OPEN = 8192
MAX_DONE = 32
MAX_TOKENS = 8192

_NOT_A_CAUSE = frozenset({Method.PING, Method.LISTEN, Method.INITIALIZE, Method.SUBSCRIBE, Method.SET_LEVEL})


class Lookup:
    """Owns the entries: ``MAX_OPEN`` may wait, then the oldest is given up; ``MAX_DONE`` are remembered."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.done: deque[Entry] = deque(maxlen=MAX_DONE)
        self.unreadable: dict[tuple[Channel, Direction], Exchange] = {}
        self.used: dict[tuple[Channel, Direction], UsedIds] = {}
        self.pipe = Table()
        """What the client waits for where there is one pipe: the usual case, found without looking."""
        self._tables: dict[tuple[Channel, Direction], Table] = {(0, Direction.TO_SERVER): self.pipe}
        self._pipe_used: UsedIds | None = None
        self._streams: dict[int, list[Entry]] = {}
        self._tokens: dict[tuple[Channel, Direction, Hashable], Entry] = {}

    def __repr__(self) -> str:
        return f"Lookup(open={len(self.entries)}, done={len(self.done)})"

    def add(self, entry: Entry) -> Entry | None:
        """Remember a request; the open one whose id it repeats, if any."""
        where = (entry.channel, entry.direction)
        table = self._tables.get(where)
        if table is None:
            table = self._tables[where] = Table()
        entry.table = table
        self.entries[entry.number] = entry
        if entry.stream:
            self._streams.setdefault(entry.stream, []).append(entry)
        if entry.has_token:
            self._add_token(entry)
        return table.add(entry)

    def add_to_pipe(self, entry: Entry) -> None:
        """``add`` for a request of the client that has no token and whose id is not open."""
        entry.table = self.pipe
        self.entries[entry.number] = entry
        self.pipe.add(entry)

    def remove_from_pipe(self, entry: Entry) -> None:
        """``remove`` for what ``add_to_pipe`` may have added."""
        del self.entries[entry.number]
        self.pipe.remove(entry)
        entry.params = None
        self.done.append(entry)

    def oldest(self) -> Entry:
        """The entry that has waited longest; there is one."""
        return next(iter(self.entries.values()))

    def remove(self, entry: Entry, *, keep_token: bool = False) -> None:
        """It is answered or given up; it stays among the recent ones for what may still follow."""
        del self.entries[entry.number]
        table = entry.table
        assert table is not None  # add() has put it there
        table.remove(entry)
        if entry.channel != 0 and not table:
            del self._tables[entry.channel, entry.direction]
        if entry.stream:
            self._leave_stream(entry)
        if entry.has_token and not keep_token:
            self._forget_token(entry)
        entry.params = None
        self.done.append(entry)

    def token_items(self) -> list[tuple[tuple[Channel, Direction], Entry]]:
        """Who asked for progress, with the place the token counts in."""
        return [((channel, direction), entry) for (channel, direction, _), entry in self._tokens.items()]

    def set_tokens(self, items: list[tuple[Channel, Direction, Entry]]) -> None:
        """Take up what ``token_items`` told."""
        self._tokens.clear()
        for channel, direction, entry in items:
            self._tokens[(channel, direction, _typed(entry.token))] = entry

    def _add_token(self, entry: Entry) -> None:
        if len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[(entry.channel, entry.direction, _typed(entry.token))] = entry

    def _forget_token(self, entry: Entry) -> None:
        key = (entry.channel, entry.direction, _typed(entry.token))
        if self._tokens.get(key) is entry:
            del self._tokens[key]

    def by_id(
        self, channel: Channel, direction: Direction, id: RpcId, stream: int
    ) -> tuple[Entry | None, bool]:
        """The open request of ``direction`` with this id, and whether the id is exactly its own.

        On HTTP the session is looked through first, then the HTTP exchange, for an ``initialize`` was sent
        before its session had an id.
        """
        table = self._tables.get((channel, direction))
        if table is not None:
            found, exact = table.find(id)
            if found is not None:
                return found, exact
        for entry in self._streams.get(stream, ()) if stream else ():
            if entry.direction is direction and slot(entry.id) == slot(id):
                return entry, type(entry.id) is type(id)
        return self._elsewhere(channel, direction, id) if stream else None, True

    def _elsewhere(self, channel: Channel, direction: Direction, id: RpcId) -> Entry | None:
        """The newest legacy request with this id on another stream, unless session ids tell them apart.

        Before 2026-07-28 an answer may come on another stream, and the client's always does.
        """
        for entry in reversed(self.entries.values()):
            if (
                entry.direction is direction
                and entry.id == id
                and type(entry.id) is type(id)
                and not entry.modern
                and entry.stream
                and not apart(channel, entry.channel)
            ):
                return entry
        return None

    def done_by_id(self, channel: Channel, direction: Direction, id: RpcId) -> Entry | None:
        """The request that was answered most recently under exactly this id."""
        for entry in reversed(self.done):
            if (
                entry.id == id
                and type(entry.id) is type(id)
                and entry.direction is direction
                and entry.channel == channel
            ):
                return entry
        return None

    def by_token(
        self, channel: Channel, direction: Direction, token: RpcId, stream: int
    ) -> tuple[Entry | None, bool]:
        """The request of ``direction`` that asked for progress under this token, and whether exactly so."""
        entry = self._tokens.get((channel, direction, _typed(token)))
        if entry is not None:
            return entry, True
        other = other_spelling(token)
        if other is not None:
            entry = self._tokens.get((channel, direction, _typed(other)))
        if entry is None:
            recent = [*self._streams.get(stream, ()), *reversed(self.done)]
            if stream:
                recent += [e for e in reversed(self.entries.values()) if not e.modern]
            entry = next((e for e in recent if e.asked_under(token, direction, channel)), None)
            return entry, entry is None or type(entry.token) is type(token)
        return entry, False

    def on_stream(self, stream: int, direction: Direction) -> list[Entry]:
        """The open requests of an HTTP exchange, oldest first."""
        return [entry for entry in self._streams.get(stream, ()) if entry.direction is direction]

    def causes(self, channel: Channel, direction: Direction, stream: int) -> Iterator[Exchange]:
        """Open requests of ``direction`` that may have made the other side speak, newest first."""
        if stream and channel != PIPE:
            entries = reversed(self.on_stream(stream, direction))
        else:
            entries = iter(self._tables.get((channel, direction), ()))
        for entry in entries:
            if entry.exchange.is_open and entry.method not in _NOT_A_CAUSE and not entry.role:
                yield entry.exchange

    def is_reused(self, channel: Channel, direction: Direction, id: RpcId) -> bool:
        """Whether this sender has used ``id`` before; remembers that it now has."""
        used = self.used.get((channel, direction))
        if used is None:
            used = self.used[(channel, direction)] = UsedIds()
        return used.add(id)

    def is_reused_on_pipe(self, id: int) -> bool:
        """``is_reused`` for the client on a pipe."""
        used = self._pipe_used
        if used is None:
            used = self._pipe_used = self.used.setdefault((0, Direction.TO_SERVER), UsedIds())
        return used.add(id)

    def _leave_stream(self, entry: Entry) -> None:
        entries = self._streams[entry.stream]
        entries.remove(entry)
        if not entries:
            del self._streams[entry.stream]


def _typed(token: RpcId) -> Hashable:
    kind = type(token)
    return token if kind is int or kind is str else (kind, slot(token))
