"""Requests that wait for an answer, found again by id; no message is read here.

A key is (channel, direction, id with its JSON type). ``1``, ``"1"`` and ``1.0`` are three ids, but peers
answer one with another: an answer goes to the same type and value, else to the same number, else to the
string that spells the number. Several open requests with one id all stay; the newest is answered first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from mcpscope.engine.exchange import Exchange
from mcpscope.protocol.ids import EXACT_DOUBLE, other_spelling
from mcpscope.protocol.message import Direction, RpcId

Channel = str | int
"""The pipe (0), an MCP session's id, or the number of an HTTP exchange without one."""

PIPE: Final = "pipe"
"""The channel of an HTTP+SSE session: many HTTP exchanges, but all that the server says comes on one."""


@dataclass(slots=True, eq=False)
class Entry:
    """One request on its way. Several may belong to one exchange: retries, polls, elements of a batch.

    ``role`` is "" for the request that an exchange consists of, else what it does for it: "poll" (a task).
    ``params`` are kept only where a retry may have to be recognised by them. ``wants`` are the words that a
    ``subscriptions/listen`` asks for (a space between them), ``acked`` says that it was acknowledged.
    """

    number: int
    exchange: Exchange
    channel: Channel
    direction: Direction
    id: RpcId
    method: str
    stream: int = 0
    role: str = ""
    token: RpcId = None
    has_token: bool = False
    modern: bool = False
    params: dict[str, Any] | None = field(default=None, repr=False)
    digest: str = ""
    progress: float | None = None
    wants: str = ""
    acked: bool = False
    older: Entry | None = field(default=None, repr=False)
    table: Table | None = field(default=None, repr=False)

    def asked_under(self, token: RpcId, direction: Direction, channel: Channel) -> bool:
        """Whether it asked for progress under ``token``, as far as number and session go."""
        return (
            self.has_token
            and self.token == token
            and self.direction is direction
            and not apart(channel, self.channel)
        )


def apart(one: Channel, other: Channel) -> bool:
    """Whether two channels are certainly different sessions."""
    return type(one) is str and type(other) is str and one != other


def slot(id: RpcId) -> Hashable:
    """The key of an id: equal numbers share one, for Python's 1 == 1.0; booleans and NaN are kept apart."""
    kind = type(id)
    if kind is int or kind is str:
        return id
    if kind is bool:
        return (bool, id)
    if id != id:
        return (float, "nan")
    return id


class Table:
    """The open requests of one sender on one channel."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        self._heads: dict[Hashable, Entry] = {}

    def __len__(self) -> int:
        return len(self._heads)

    def __iter__(self) -> Iterator[Entry]:
        """Newest first (by id in use; older ones with the same id behind it)."""
        for head in reversed(list(self._heads.values())):
            entry: Entry | None = head
            while entry is not None:
                yield entry
                entry = entry.older

    def add(self, entry: Entry) -> Entry | None:
        """Remember it; the open request with the same type and value that it now comes before, if any."""
        id = entry.id
        key = id if type(id) is int or type(id) is str else slot(id)
        older = self._heads.pop(key, None)
        self._heads[key] = entry
        if older is None:
            return None
        entry.older = older
        return _of_type(older, type(entry.id))

    def has(self, id: int) -> bool:
        """Whether a request with a number equal to this one is open."""
        return id in self._heads

    def find(self, id: RpcId) -> tuple[Entry | None, bool]:
        """The request that an answer with ``id`` belongs to, and whether id and type are exactly its own."""
        head = self._heads.get(id if type(id) is int or type(id) is str else slot(id))
        if head is not None:
            if type(head.id) is type(id):
                return head, True
            same = _of_type(head, type(id))
            return (head, False) if same is None else (same, True)
        other = other_spelling(id)
        if other is not None:
            head = self._heads.get(slot(other))
        if head is None and type(id) in (int, float):
            head = self._rounded(id)
        return head, False

    def remove(self, entry: Entry) -> None:
        id = entry.id
        key = id if type(id) is int or type(id) is str else slot(id)
        head = self._heads.get(key)
        if head is entry:
            if entry.older is None:
                del self._heads[key]
            else:
                self._heads[key] = entry.older
                entry.older = None
                self._heads = dict(sorted(self._heads.items(), key=lambda item: item[1].number))
            return
        while head is not None:
            if head.older is entry:
                head.older, entry.older = entry.older, None
                return
            head = head.older

    def _rounded(self, id: Any) -> Entry | None:
        """A peer that keeps numbers in doubles answers 2**53 + 1 with 2**53."""
        if not abs(id) >= EXACT_DOUBLE:
            return None
        for key, head in self._heads.items():
            if type(key) is int and abs(key) > EXACT_DOUBLE and _as_double(key) == _as_double(id):
                return head
        return None


def _as_double(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _of_type(entry: Entry | None, kind: type) -> Entry | None:
    while entry is not None and type(entry.id) is not kind:
        entry = entry.older
    return entry


class UsedIds:
    """The ids a sender has used, as far as a bounded memory tells: one run of integers and the last others.

    Legacy revisions forbid a second use in one session ("Requests" of 2025-11-25), modern ones allow it.
    """

    LIMIT = 2048

    __slots__ = ("_high", "_low", "_others")

    def __init__(self, low: int = 0, high: int = -1, others: list[Any] | None = None) -> None:
        self._low, self._high = low, high
        self._others: dict[Hashable, RpcId] = {_typed(id): id for id in others or ()}

    def add(self, id: RpcId) -> bool:
        """Remember it; whether it was used before."""
        if type(id) is int:
            if self._low <= id <= self._high:
                return True
            if id == self._high + 1 and self._high >= self._low:
                self._high = id
                return False
            if self._high < self._low:
                self._low = self._high = id
                return False
        key = _typed(id)
        if key in self._others:
            return True
        if len(self._others) >= self.LIMIT:
            del self._others[next(iter(self._others))]
        self._others[key] = id
        return False

    def snapshot(self) -> list[Any]:
        return [self._low, self._high, list(self._others.values())]


def _typed(id: RpcId) -> Hashable:
    return id if type(id) is str else (type(id), slot(id))
