"""Notifications: folded into the exchange they speak of, else an exchange of their own."""

from __future__ import annotations

from typing import Any, Final

from mcpscope.engine import summary, tasks
from mcpscope.engine.asking import POLL, attribute
from mcpscope.engine.exchange import Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.memory import Memory, Seen
from mcpscope.engine.pending import Entry
from mcpscope.protocol.message import Direction, RpcId
from mcpscope.protocol.methods import Method, target
from mcpscope.protocol.revisions import SUBSCRIPTION_ID

# Looked up once: Python 3.11 takes 50 ns for a member of an enum, on a path of a few microseconds.
_PROGRESS: Final = Method.PROGRESS
_CANCELLED: Final = Method.CANCELLED
_TASK_STATUS: Final = Method.TASK_STATUS
_TASKS: Final = Method.TASKS
_ACKNOWLEDGED: Final = Method.ACKNOWLEDGED
_TOOLS_CALL: Final = Method.TOOLS_CALL
_TO_CLIENT: Final = Direction.TO_CLIENT


def take_notification(memory: Memory, seen: Seen) -> Exchange:
    """The exchange that this notification belongs to."""
    owner, belongs = fold(memory, seen)
    if owner is None:
        owner = _alone(memory, seen)
        if belongs:
            owner.add_flag(Flag.ORPHAN)
    return owner


def fold(memory: Memory, seen: Seen) -> tuple[Exchange | None, bool]:
    """The open exchange that this notification is part of, and whether it should be part of one."""
    method = seen.message.method
    if method == _PROGRESS:
        return _progress(memory, seen), True
    if method == _CANCELLED:
        return _cancelled(memory, seen), True
    if method in (_TASK_STATUS, _TASKS):
        return _task_status(memory, seen), True
    if method == _ACKNOWLEDGED:
        return _subscription(memory, seen), True
    return None, False


def _alone(memory: Memory, seen: Seen) -> Exchange:
    message = seen.message
    exchange = memory.open(seen, ExchangeKind.NOTIFICATION, Status.OK, message.method)
    exchange.ended_at = seen.at
    exchange.request_id = seen.seq
    exchange.req_bytes = len(message.raw)
    exchange.name = target(message.method, message.params)
    if message.method == _TOOLS_CALL:
        exchange.tool = exchange.name
    if memory.summaries:
        exchange.asked = summary.asked(message.method, message.params)
    meta = message.meta
    if SUBSCRIPTION_ID in meta:
        listen = _subscription(memory, seen)
        if listen is None:
            exchange.add_flag(Flag.ORPHAN)
        else:
            exchange.parent_id = listen.id
    elif seen.direction is _TO_CLIENT:
        attribute(memory, seen, exchange, meta)
    return exchange


def _progress(memory: Memory, seen: Seen) -> Exchange | None:
    params = seen.message.params
    token = _id(params.get("progressToken"))
    entry, exact = memory.lookup.by_token(seen.channel, seen.direction.other, token, seen.stream)
    if entry is None:
        return None
    exchange = entry.exchange
    if not exact:
        exchange.add_flag(Flag.ID_TYPE)
    if memory.summaries and exchange.is_open:
        exchange.told = summary.progress(params)
    done = params.get("progress")
    if type(done) is int or type(done) is float:
        if entry.progress is not None and done <= entry.progress:
            exchange.add_flag(Flag.PROGRESS_BACK)
        entry.progress = done
    if not exchange.is_open and exchange.status is not Status.CANCELLED:
        exchange.add_flag(Flag.LATE_PROGRESS)
    return exchange


def _cancelled(memory: Memory, seen: Seen) -> Exchange | None:
    params, lookup = seen.message.params, memory.lookup
    id = _id(params.get("requestId"))
    entry, exact = lookup.by_id(seen.channel, seen.direction, id, seen.stream)
    if entry is None:
        entry, exact = lookup.by_id(seen.channel, seen.direction.other, id, seen.stream)
        if entry is not None and entry.method != Method.LISTEN:
            entry = None
    if entry is None:
        answered = lookup.done_by_id(seen.channel, seen.direction, id)
        if answered is None:
            return None
        answered.exchange.add_flag(Flag.CANCEL)
        return answered.exchange
    if not exact:
        entry.exchange.add_flag(Flag.ID_TYPE)
    _cancel(memory, entry, seen)
    return entry.exchange


def _cancel(memory: Memory, entry: Entry, seen: Seen) -> None:
    """The entry stays, for a late answer may come."""
    exchange = entry.exchange
    if entry.role == POLL:
        return
    exchange.add_flag(Flag.CANCEL)
    if exchange.is_open and exchange.id not in memory.parts:
        exchange.end(Status.CANCELLED, seen.at)
        reason = seen.message.params.get("reason")
        if memory.summaries and type(reason) is str:
            exchange.told = summary.cut(reason)


def _task_status(memory: Memory, seen: Seen) -> Exchange | None:
    params = seen.message.params
    exchange = memory.tasks.find(seen.direction.other, params.get("taskId"))
    if exchange is not None:
        tasks.reported(exchange, params, seen.at, summaries=memory.summaries)
    return exchange


def _subscription(memory: Memory, seen: Seen) -> Exchange | None:
    """The ``subscriptions/listen`` whose id, of the same type, this notification carries."""
    id = _id(seen.message.meta.get(SUBSCRIPTION_ID))
    entry, _ = memory.lookup.by_id(seen.channel, seen.direction.other, id, seen.stream)
    if entry is None:
        entry = memory.lookup.done_by_id(seen.channel, seen.direction.other, id)
    elif seen.message.method == _ACKNOWLEDGED:
        entry.acked = True
    return entry.exchange if entry is not None and entry.method == Method.LISTEN else None


def _id(value: Any) -> RpcId:
    return value if type(value) in (str, int, float, bool) else None
