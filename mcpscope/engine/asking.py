"""Requests and batches: a new exchange, or the next step of one that waits for input or for its task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from mcpscope.engine import summary, tasks
from mcpscope.engine.exchange import BIG_BYTES, Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.legs import digest_of
from mcpscope.engine.memory import Memory, Seen
from mcpscope.engine.pending import Entry
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction, Message
from mcpscope.protocol.methods import LIST_WISHES, MAY_ASK_FOR_INPUT, Method, target
from mcpscope.protocol.revisions import PROTOCOL_VERSION, RELATED_TASK

# Looked up once: Python 3.11 takes 50 ns for a member of an enum, on a path of a few microseconds.
_REQUEST: Final = ExchangeKind.REQUEST
_WAITING: Final = Status.WAITING
_TO_CLIENT: Final = Direction.TO_CLIENT
_PING: Final = Method.PING.value
_TOOLS_CALL: Final = Method.TOOLS_CALL.value
_LISTEN: Final = Method.LISTEN.value
_NOTHING: Final[dict[str, Any]] = {}

POLL = "poll"
CALL = ""

_DIGEST_AT_ONCE_BYTES = 16384


def take_request(memory: Memory, seen: Seen) -> Exchange:
    """The exchange that this request opens or continues."""
    message = seen.message
    method, params = message.method, message.body.get("params")
    if type(params) is not dict:
        params = _NOTHING
    meta = params.get("_meta")
    if type(meta) is not dict:
        meta = _NOTHING
    if method in tasks.POLLS:
        polled = memory.tasks.find(seen.direction, params.get("taskId"))
        if polled is not None:
            _wait(memory, seen, polled, params, meta, POLL)
            return polled
    flag = ""
    if ("requestState" in params or "inputResponses" in params) and method in MAY_ASK_FOR_INPUT:
        continued, flag = memory.legs.claim(method, params)
        if continued is not None:
            return _retry(memory, seen, continued, params, flag)
    exchange = memory.open(seen, _REQUEST, _WAITING, method)
    if flag:
        exchange.add_flag(flag)
    _fill(memory, exchange, message, params)
    if seen.direction is _TO_CLIENT and method != _PING:
        attribute(memory, seen, exchange, meta)
    _wait(memory, seen, exchange, params, meta, CALL)
    return exchange


def take_batch(memory: Memory, seen: Seen, requests: list[Message]) -> Exchange:
    """One exchange for all requests of a batch; it ends with the last of their answers (2025-03-26)."""
    first = requests[0] if requests else seen.message.items[0]
    methods = {item.method for item in seen.message.items}
    kind = _REQUEST if requests else ExchangeKind.NOTIFICATION
    exchange = memory.open(seen, kind, _WAITING, first.method if len(methods) == 1 else "batch")
    exchange.req_bytes = len(seen.message.raw)
    exchange.request_id = seen.seq
    exchange.legs = len(seen.message.items)
    exchange.add_flag(Flag.BATCH)
    exchange.name = summary.cut(", ".join(filter(None, (target(i.method, i.params) for i in requests))))
    if all(item.method == _TOOLS_CALL for item in requests):
        exchange.tool = exchange.name
    memory.parts[exchange.id] = len(requests)
    for item in requests:
        _wait(memory, replace(seen, message=item), exchange, item.params, item.meta, CALL)
    if not requests:
        del memory.parts[exchange.id]
        exchange.end(Status.OK, seen.at)
    return exchange


def attribute(memory: Memory, seen: Seen, exchange: Exchange, meta: dict[str, Any]) -> None:
    """Find the request of the other side that made its receiver send this message."""
    related = meta.get(RELATED_TASK)
    if type(related) is dict:
        cause = memory.tasks.related(related.get("taskId"))
        if cause is not None:
            exchange.parent_id = cause.id
            return
    causes = memory.lookup.causes(seen.channel, seen.direction.other, seen.stream)
    first = next(causes, None)
    if first is None:
        return
    exchange.parent_id = first.id
    if any(other is not first for other in causes):
        exchange.add_flag(Flag.GUESSED)


def _fill(memory: Memory, exchange: Exchange, message: Message, params: dict[str, Any]) -> None:
    exchange.request_id = exchange.id
    exchange.req_bytes = size = len(message.raw)
    exchange.rpc_id = spelled(message.id)
    method = message.method
    name = target(method, params)
    if name:
        exchange.name = name
        if method == _TOOLS_CALL:
            exchange.tool = name
    if size >= BIG_BYTES:
        exchange.add_flag(Flag.BIG)
    if params and memory.summaries:
        exchange.asked = summary.asked(method, params)


def _retry(memory: Memory, seen: Seen, exchange: Exchange, params: dict[str, Any], flag: str) -> Exchange:
    exchange.legs += 1
    exchange.req_bytes += len(seen.message.raw)
    exchange.reopen(_WAITING)
    exchange.told = ""
    exchange.add_flag(Flag.RETRY)
    if flag:
        exchange.add_flag(flag)
    _wait(memory, seen, exchange, params, seen.message.meta, CALL)
    return exchange


def _wait(
    memory: Memory, seen: Seen, exchange: Exchange, params: dict[str, Any], meta: dict[str, Any], role: str
) -> None:
    """Remember that this request waits for its answer, and flag an id that should not have been used."""
    message, lookup, channel, direction = seen.message, memory.lookup, seen.channel, seen.direction
    method, id = message.method, message.id
    memory.count += 1
    entry = Entry(memory.count, exchange, channel, direction, id, method, seen.stream, role)
    if meta:
        _take_meta(entry, message, params, meta)
    if method == _LISTEN:
        wanted = params.get("notifications")
        if type(wanted) is dict:
            entry.wants = " ".join(word for word in LIST_WISHES if wanted.get(word) is True)
    if lookup.add(entry) is not None and id is not None:
        exchange.add_flag(Flag.ID_LIVE)
    elif id is not None and (channel == 0 or type(channel) is str):
        reused = lookup.is_reused(channel, direction, id)
        if reused and not entry.modern:
            exchange.add_flag(Flag.ID_REUSED)


def _take_meta(entry: Entry, message: Message, params: dict[str, Any], meta: dict[str, Any]) -> None:
    """Note under which token it hears of progress, and what a retry of it is recognised by."""
    if "progressToken" in meta and _is_token(meta["progressToken"]):
        entry.token, entry.has_token = meta["progressToken"], True
    entry.modern = PROTOCOL_VERSION in meta
    if entry.modern and message.method in MAY_ASK_FOR_INPUT:
        if len(message.raw) > _DIGEST_AT_ONCE_BYTES:
            entry.digest = digest_of(params)
        else:
            entry.params = params


def _is_token(value: Any) -> bool:
    return type(value) is int or type(value) is str or type(value) is float
