"""Which messages belong together, in both directions: every message belongs to exactly one exchange.

Ids count per channel, sender and JSON type (``engine.pending``); progress goes by token, cancellation by id,
subscriptions by subscription id, tasks by task id, retries by ``requestState`` (``engine.legs``). What should
not happen is flagged, never dropped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from mcpscope.engine import checkpoint, summary, usual
from mcpscope.engine.answering import find_and_settle, to_nobody
from mcpscope.engine.asking import take_batch, take_request
from mcpscope.engine.exchange import DECIDED, Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.lookup import MAX_OPEN
from mcpscope.engine.memory import Memory, Seen
from mcpscope.engine.notifying import fold, take_notification
from mcpscope.engine.pending import Entry
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction, Kind, Message, RpcId
from mcpscope.protocol.methods import Method

# Looked up once: Python 3.11 takes 50 ns for a member of an enum, on a path of a few microseconds.
_RESULT: Final = Kind.RESULT
_ERROR: Final = Kind.ERROR
_REQUEST: Final = Kind.REQUEST
_NOTIFICATION: Final = Kind.NOTIFICATION
_BATCH: Final = Kind.BATCH

_NONE: Final = Message(b"", Kind.MALFORMED, {})


class Exchanges:
    """The exchanges of one session; memory is bounded (see ``lookup``, ``legs``, ``tasks``, ``memory``).

    With ``summaries=False`` nobody pays for the summary line.
    """

    def __init__(self, *, summaries: bool = True) -> None:
        self._memory = Memory(summaries=summaries)
        # Filled anew for every message: to make one takes a tenth of the time that a message takes.
        self._seen = Seen(_NONE, 0, 0, Direction.TO_SERVER, 0, 0)

    def __repr__(self) -> str:
        return f"Exchanges({self._memory!r})"

    def observe(
        self,
        message: Message,
        seq: int,
        at: int,
        direction: Direction,
        stream: int = 0,
        channel: str = "",
    ) -> list[Exchange]:
        """Take in one message: the exchange it belongs to, then others that it changed.

        ``seq`` is unique and rising; it becomes the id of an exchange that the message opens. ``stream`` is
        the HTTP exchange (0 on stdio), ``channel`` the id of the MCP session where there is one, and
        ``pending.PIPE`` for HTTP+SSE.
        """
        memory, kind = self._memory, message.kind
        if not stream and not channel and not message.problems:
            found = usual.take(memory, message, seq, at, direction)
            if found is not None:
                return [found] if len(memory.lookup.entries) <= MAX_OPEN else self._bounded(at, [found])
        seen = self._seen
        seen.message, seen.seq, seen.at = message, seq, at
        seen.direction, seen.stream, seen.channel = direction, stream, channel or stream
        if kind is _RESULT or kind is _ERROR:
            changed = [find_and_settle(memory, seen) or to_nobody(memory, seen)]
        elif kind is _REQUEST:
            changed = [take_request(memory, seen)]
        elif kind is _NOTIFICATION:
            changed = [take_notification(memory, seen)]
        elif kind is _BATCH:
            changed = self._batch(seen)
        else:
            changed = [self._malformed(seen)]
        if message.problems:
            _mark(memory, seen, changed[0])
        seen.message = _NONE  # which may be large
        return self._bounded(at, changed)

    def close_stream(self, stream: int, at: int, *, cancelled: bool) -> list[Exchange]:
        """An HTTP exchange has ended; settle what can be answered nowhere else.

        ``cancelled`` says that the client hung up, which in modern revisions is how it cancels. In an MCP
        session the answer may still come on a resumed stream, so its requests stay open.
        """
        changed: list[Exchange] = []
        lookup = self._memory.lookup
        for entry in [entry for direction in Direction for entry in lookup.on_stream(stream, direction)]:
            if isinstance(entry.channel, str):
                continue
            lookup.remove(entry)
            exchange = entry.exchange
            if exchange.is_open and not entry.role:
                exchange.end(Status.CANCELLED if cancelled else Status.LOST, at)
                if cancelled:
                    exchange.add_flag(Flag.CANCEL)
                changed.append(exchange)
        lookup.unreadable.pop((stream, Direction.TO_SERVER), None)
        return changed

    def listening(self) -> list[Entry]:
        """The open subscriptions of modern clients, oldest first."""
        return [entry for entry in self._memory.lookup.entries.values() if entry.method == Method.LISTEN]

    def end(self, at: int) -> list[Exchange]:
        """The session is over: what waits is lost; what waits for input or a task ends saying so."""
        memory = self._memory
        found = [entry.exchange for entry in memory.lookup.entries.values()]
        found += [leg.exchange for leg in memory.legs]
        found += [exchange for _, _, exchange in memory.tasks.items()]
        settled = [exchange for exchange in dict.fromkeys(found) if exchange.is_open]
        for exchange in settled:
            waits = exchange.status in (Status.WAITING, Status.HELD)
            exchange.end(Status.LOST if waits else exchange.status, at)
        self._memory = Memory(summaries=memory.summaries)
        return settled

    def decided(self, exchange_id: int, at: int, status: Status | None, *flags: str) -> Exchange | None:
        """Note what the gate did with an exchange that is open or recent; None if it is neither.

        ``HELD`` and, after it, ``WAITING`` last until the next change; what has been answered does not wait
        again. ``DENIED``, ``MOCK`` and ``DROPPED`` stay whatever is then answered.
        """
        exchange = self._memory.find(exchange_id)
        if exchange is None:
            return None
        for flag in flags:
            exchange.add_flag(flag)
        if status is Status.HELD:
            self._memory.hold(exchange)
        elif status is not None:
            self._memory.release(exchange)
        if status is not None and status in DECIDED:
            exchange.status = status
            if exchange.kind is not ExchangeKind.REQUEST:
                exchange.ended_at = at
        elif status is Status.WAITING and not exchange.is_open:
            pass  # it was the answer that was let go
        elif status is not None and exchange.status in (Status.HELD, Status.WAITING, Status.OK):
            # What has its answer waits for none, also after that was held or edited.
            answered = status is Status.WAITING and exchange.ended_at is not None
            exchange.status = Status.OK if answered else status
        return exchange

    def used(self, id: RpcId, direction: Direction) -> None:
        """A request with ``id`` was sent and answered on a pipe, which is all that there is to know of it."""
        self._memory.count += 1
        self._memory.lookup.is_reused(0, direction, id)

    def snapshot(self) -> dict[str, Any]:
        """All that is remembered, as values that every JSON writer takes."""
        return checkpoint.dump(self._memory)

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a snapshot; what was remembered before is gone."""
        self._memory = checkpoint.load(state)

    def _bounded(self, at: int, changed: list[Exchange]) -> list[Exchange]:
        """``changed``, and behind it what there is no room for any more."""
        memory = self._memory
        if len(memory.lookup.entries) > MAX_OPEN:
            self._give_up(memory.lookup.oldest(), at)
        if memory.given_up:
            changed += memory.given_up
            memory.given_up = []
        return changed

    def _malformed(self, seen: Seen) -> Exchange:
        exchange = self._memory.open(seen, ExchangeKind.MALFORMED, Status.MALFORMED)
        exchange.ended_at = seen.at
        exchange.request_id = seen.seq
        exchange.req_bytes = len(seen.message.raw)
        exchange.rpc_id = spelled(seen.message.id) if seen.message.has_id else ""
        if self._memory.summaries:
            exchange.asked = summary.of_bytes(seen.message.raw)
        return exchange

    def _batch(self, seen: Seen) -> list[Exchange]:
        """Requests of a batch are one exchange; its notifications and answers are taken in one by one."""
        items = seen.message.items
        requests = [item for item in items if item.kind is _REQUEST]
        changed: list[Exchange] = []
        if requests or not any(item.is_answer for item in items):
            changed.append(take_batch(self._memory, seen, requests))
        for item in items:
            part = replace(seen, message=item)
            owner: Exchange | None = None
            if item.is_answer:
                owner = find_and_settle(self._memory, part)
            elif item.kind is _NOTIFICATION:
                owner, _ = fold(self._memory, part)
            if owner is not None:
                changed.append(owner)
            elif item.is_answer and not changed:
                changed.append(to_nobody(self._memory, part))
            elif item.is_answer:
                changed[0].add_flag(Flag.ORPHAN)
        return list(dict.fromkeys(changed))

    def _give_up(self, entry: Entry, at: int) -> None:
        self._memory.lookup.remove(entry)
        if not entry.role:
            self._memory.parts.pop(entry.exchange.id, None)
            self._memory.give_up(entry.exchange, at)


def _mark(memory: Memory, seen: Seen, exchange: Exchange) -> None:
    """Show the parser's marks, keep texts storable, and expect an answer that cannot name the message."""
    for problem in seen.message.problems:
        exchange.add_flag(problem)
    if not seen.message.is_answer:
        memory.lookup.unreadable[(seen.stream or seen.channel, seen.direction)] = exchange
    for column in ("method", "name", "tool"):
        text = getattr(exchange, column)
        if not text.isascii():
            setattr(exchange, column, text.encode(errors="backslashreplace").decode())
