"""Answers: to the request they name, to what could not be read, or to nobody."""

from __future__ import annotations

from typing import Any, Final

from mcpscope.engine import completion, tasks
from mcpscope.engine.asking import POLL
from mcpscope.engine.exchange import Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.legs import digest_of
from mcpscope.engine.memory import Memory, Seen
from mcpscope.engine.pending import Entry
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction, Kind

# Looked up once: Python 3.11 takes 50 ns for a member of an enum, on a path of a few microseconds.
_RESULT: Final = Kind.RESULT
_CANCELLED: Final = Status.CANCELLED
_TO_SERVER: Final = Direction.TO_SERVER
_TO_CLIENT: Final = Direction.TO_CLIENT

_SEVERITY = {Status.OK: 0, Status.TOOL_ERROR: 1, Status.RPC_ERROR: 2}


def find_and_settle(memory: Memory, seen: Seen) -> Exchange | None:
    """The exchange that this answer belongs to, if there is one."""
    message = seen.message
    asked = _TO_SERVER if seen.direction is _TO_CLIENT else _TO_CLIENT
    entry, exact = memory.lookup.by_id(seen.channel, asked, message.id, seen.stream)
    if entry is not None:
        if not exact:
            entry.exchange.add_flag(Flag.ID_TYPE)
        settle(memory, entry, seen)
        return entry.exchange
    return _to_unreadable(memory, seen) if message.id is None else None


def settle(memory: Memory, entry: Entry, seen: Seen) -> None:
    """``entry`` has its answer."""
    message, exchange = seen.message, entry.exchange
    result = message.body.get("result") if message.kind is _RESULT else None
    params, digest = entry.params, entry.digest
    task = ""
    asks_for: dict[str, Any] | None = None
    if type(result) is dict and ("resultType" in result or "task" in result):
        task = tasks.created(result)
        asks_for = result if result.get("resultType") == completion.INPUT_REQUIRED else None
    memory.lookup.remove(entry, keep_token=bool(task))
    if entry.role == POLL:
        tasks.polled(exchange, entry.method, message, seen.at, summaries=memory.summaries)
        if entry.method == "tasks/result":
            exchange.answer_id = seen.seq
        return
    exchange.answer_id = seen.seq
    left = memory.parts.get(exchange.id)
    if left is not None:
        _settle_part(memory, exchange, seen, left - 1)
        return
    completion.describe(exchange, message, summaries=memory.summaries)
    if exchange.status is _CANCELLED:
        exchange.end(Status.LATE, seen.at)
    elif task:
        memory.give_up(memory.tasks.add(entry.direction, task, exchange), seen.at)
        exchange.reopen(Status.TASK)
    elif asks_for is not None:
        digest = digest or (digest_of(params) if params is not None else "")
        memory.give_up(memory.legs.add(exchange, digest, asks_for), seen.at)
        exchange.reopen(Status.INPUT)
    else:
        exchange.end(completion.status_of(message), seen.at)


def _settle_part(memory: Memory, exchange: Exchange, seen: Seen, left: int) -> None:
    """One element of a batch is answered; the worst of them is the status of all."""
    exchange.res_bytes += len(seen.message.raw)
    status = completion.status_of(seen.message)
    if _SEVERITY[status] > _SEVERITY.get(exchange.status, 0):
        exchange.status = status
        completion.describe_error(exchange, seen.message.error, summaries=memory.summaries)
    if left:
        memory.parts[exchange.id] = left
        return
    del memory.parts[exchange.id]
    exchange.end(Status.OK if exchange.status is Status.WAITING else exchange.status, seen.at)


def _to_unreadable(memory: Memory, seen: Seen) -> Exchange | None:
    """An answer without an id: to the only request of its HTTP exchange, or to the last odd message."""
    asked = seen.direction.other
    if seen.stream:
        on_stream = memory.lookup.on_stream(seen.stream, asked)
        if on_stream:
            settle(memory, on_stream[-1], seen)
            return on_stream[-1].exchange
    exchange = memory.lookup.unreadable.pop((seen.stream or seen.channel, asked), None)
    if exchange is None:
        return None
    for entry in list(memory.lookup.entries.values()):
        if entry.exchange is exchange and exchange.id not in memory.parts:
            settle(memory, entry, seen)
            return exchange
    exchange.answer_id = seen.seq
    completion.describe(exchange, seen.message, summaries=memory.summaries)
    if exchange.kind is not ExchangeKind.MALFORMED:
        exchange.end(completion.status_of(seen.message), seen.at)
    return exchange


def to_nobody(memory: Memory, seen: Seen) -> Exchange:
    """An exchange for an answer that nobody waits for; under the request it answers a second time, if one."""
    message = seen.message
    exchange = memory.open(seen, ExchangeKind.ANSWER, completion.status_of(message))
    exchange.answer_id = seen.seq
    exchange.rpc_id = spelled(message.id) if message.has_id else ""
    exchange.ended_at = seen.at
    completion.describe(exchange, message, summaries=memory.summaries)
    answered = memory.lookup.done_by_id(seen.channel, seen.direction.other, message.id)
    if answered is None:
        exchange.add_flag(Flag.ORPHAN)
    else:
        exchange.parent_id = answered.exchange.id
        exchange.add_flag(Flag.DUPLICATE)
    return exchange
