"""The usual tool call on a pipe and its usual answer: at once what ``asking`` and ``answering`` do in steps.

Nine of ten messages are these, and each step costs as much as what it does. Whatever is not plain is left to
the steps: then None is returned and nothing has changed.
"""

from __future__ import annotations

from typing import Final

from mcpscope.engine import completion, summary
from mcpscope.engine.asking import CALL
from mcpscope.engine.exchange import BIG_BYTES, SLOW_NS, Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.memory import Memory
from mcpscope.engine.pending import Entry
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method

# Looked up once: Python 3.11 takes 50 ns for a member of an enum, on a path of a few microseconds.
_ASKS: Final = Kind.REQUEST
_TELLS: Final = Kind.RESULT
_REQUEST: Final = ExchangeKind.REQUEST
_WAITING: Final = Status.WAITING
_TO_SERVER: Final = Direction.TO_SERVER
_TOOLS_CALL: Final = Method.TOOLS_CALL.value
_PIPE: Final = 0

_PLAIN_CALL: Final = frozenset({"name", "arguments"})
_GOES_ON: Final = frozenset({"resultType", "task"})
"""Members of a result that may say that it is not the last."""


def take(memory: Memory, message: Message, seq: int, at: int, direction: Direction) -> Exchange | None:
    """The exchange that a message without problems belongs to, if it is one of the usual."""
    kind = message.kind
    if kind is _ASKS:
        return ask(memory, message, seq, at) if direction is _TO_SERVER else None
    return answer(memory, message, seq, at) if kind is _TELLS and direction is not _TO_SERVER else None


def ask(memory: Memory, message: Message, seq: int, at: int) -> Exchange | None:
    """The exchange that this call to the server opens."""
    params, id, size = message.body.get("params"), message.id, len(message.raw)
    if message.method != _TOOLS_CALL or type(params) is not dict or params.keys() != _PLAIN_CALL:
        return None
    name, arguments = params["name"], params["arguments"]
    if type(name) is not str or type(arguments) is not dict or type(id) is not int or size >= BIG_BYTES:
        return None
    lookup = memory.lookup
    if lookup.pipe.has(id):
        return None
    exchange = Exchange(seq, _REQUEST, _TO_SERVER, _TOOLS_CALL, at, _WAITING, 0, name, name, str(id))
    exchange.request_id, exchange.req_bytes = seq, size
    if arguments and memory.summaries:
        exchange.asked = summary.arguments(arguments)
    memory.recent.append(exchange)
    memory.count = number = memory.count + 1
    lookup.add_to_pipe(Entry(number, exchange, _PIPE, _TO_SERVER, id, _TOOLS_CALL))
    if lookup.is_reused_on_pipe(id):
        exchange.add_flag(Flag.ID_REUSED)
    return exchange


def answer(memory: Memory, message: Message, seq: int, at: int) -> Exchange | None:
    """The exchange that this result from the server ends."""
    result, id, size = message.body.get("result"), message.id, len(message.raw)
    if type(result) is not dict or type(id) is not int or size >= BIG_BYTES:
        return None
    entry, exact = memory.lookup.pipe.find(id)
    if entry is None or not exact or entry.older is not None or entry.has_token or entry.role != CALL:
        return None
    exchange = entry.exchange
    if exchange.status is not _WAITING or exchange.id in memory.parts or not _GOES_ON.isdisjoint(result):
        return None
    memory.lookup.remove_from_pipe(entry)
    exchange.answer_id = seq
    exchange.res_bytes += size
    completion.describe_result(exchange, result, summaries=memory.summaries)
    exchange.status, exchange.ended_at = completion.status_of_result(result), at
    if at - exchange.opened_at >= SLOW_NS:
        exchange.add_flag(Flag.SLOW)
    return exchange
