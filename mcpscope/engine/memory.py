"""What one session remembers of its traffic."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mcpscope.engine.exchange import Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.legs import Legs
from mcpscope.engine.lookup import Lookup
from mcpscope.engine.pending import Channel
from mcpscope.engine.tasks import Tasks
from mcpscope.protocol.message import Direction, Message

MAX_RECENT = 32
MAX_HELD = 4096


@dataclass(slots=True)
class Seen:
    """One message with the facts of its arrival; ``Exchanges`` fills the same one for each."""

    message: Message
    seq: int
    at: int
    direction: Direction
    stream: int
    channel: Channel


class Memory:
    """The state of ``Exchanges``; its parts bound themselves, ``recent`` keeps the last ``MAX_RECENT``."""

    def __init__(self, *, summaries: bool) -> None:
        self.summaries = summaries
        self.lookup = Lookup()
        self.legs = Legs()
        self.tasks = Tasks()
        self.recent: deque[Exchange] = deque(maxlen=MAX_RECENT)
        self.held: dict[int, Exchange] = {}
        """What the gate holds, so that it is found however long that lasts; at most ``MAX_HELD``."""
        self.answered: dict[int, Status] = {}
        """How those of ``held`` stood whose answer is what is held."""
        self.given_up: list[Exchange] = []
        """Exchanges that were settled beside the one a message belongs to; emptied by ``Exchanges``."""
        self.parts: dict[int, int] = {}
        """Unanswered elements of a batch, by the id of its exchange."""
        self.count = 0

    def __repr__(self) -> str:
        return f"Memory({self.lookup!r}, {self.legs!r}, {self.tasks!r})"

    def open(self, seen: Seen, kind: ExchangeKind, status: Status, method: str = "") -> Exchange:
        """A new exchange, whose first message is ``seen``."""
        exchange = Exchange(seen.seq, kind, seen.direction, method, seen.at, status, seen.stream)
        self.recent.append(exchange)
        return exchange

    def hold(self, exchange: Exchange) -> None:
        if len(self.held) < MAX_HELD:
            self.held[exchange.id] = exchange
            if not exchange.is_open:
                self.answered.setdefault(exchange.id, exchange.status)

    def release(self, exchange: Exchange) -> None:
        """No longer held: what had its answer before stands as that says."""
        self.held.pop(exchange.id, None)
        before = self.answered.pop(exchange.id, None)
        if before is not None and exchange.status is Status.HELD:
            exchange.status = before

    def give_up(self, exchange: Exchange | None, at: int) -> None:
        """There is no room for it any more: it ends as it stands, or lost if it waits."""
        if exchange is None or not exchange.is_open:
            return
        exchange.end(Status.LOST if exchange.status is Status.WAITING else exchange.status, at)
        exchange.add_flag(Flag.EXPIRED)
        self.given_up.append(exchange)

    def find(self, exchange_id: int) -> Exchange | None:
        """An exchange that is recent or still open."""
        for exchange in reversed(self.recent):
            if exchange.id == exchange_id:
                return exchange
        found = self.held.get(exchange_id)
        if found is not None:
            return found
        for entry in self.lookup.entries.values():
            if entry.exchange.id == exchange_id:
                return entry.exchange
        return None
