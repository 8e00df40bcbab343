"""A message at the gate's door: the usual one, which nothing concerns, leaves again at once."""

from __future__ import annotations

from typing import Final

from mcpscope.engine import embedded, injecting, leaving, limiting, viewing
from mcpscope.engine.certainty import has_one_reading
from mcpscope.engine.commands import Command, Forward
from mcpscope.engine.events import Received
from mcpscope.engine.judge import asks
from mcpscope.engine.passage import CANCELLED, Passage, tool_of
from mcpscope.engine.rule import Phase
from mcpscope.engine.steering import certain
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

# Looked up once: a member of an enum costs 50 ns, on a path of a few microseconds.
_RESULT: Final = Kind.RESULT
_ERROR: Final = Kind.ERROR
_REQUEST: Final = Phase.REQUEST
_ANSWER: Final = Phase.ANSWER
_TOOLS_LIST: Final = Method.TOOLS_LIST.value


def received(engine: Engine, event: Received) -> list[Command]:
    """One message arrived; the usual one, which nothing concerns, leaves again within microseconds."""
    direction, message, at, stream, caller = event
    exchange = engine.memory.observe(message, at, direction, stream)
    kind = message.kind
    if kind is _RESULT or kind is _ERROR:
        phase, request = _ANSWER, None
        if exchange is not None:
            caller = caller or engine.asked.caller(exchange.id)
            request = engine.asked.take(exchange.id)
        method, tool = exchange.method if exchange else "", exchange.tool if exchange else ""
        if request is not None:
            method, tool = request.method, tool_of(request)
        place = (phase, direction.other, method, tool)
    else:
        phase, request, method = _REQUEST, None, message.method
        place = (phase, direction, method, tool_of(message) if method == "tools/call" else "")
    holds = engine.holds
    # A message of an exchange or stream that is held may have to wait, and a cancellation may end a hold.
    calm = engine.calm and (
        not holds.exchanges
        or (
            not engine.steering.freeze
            and exchange is not None
            and exchange.id not in holds.exchanges
            and stream not in holds.streams
            and method != CANCELLED
        )
    )
    settled: list[Command] = []
    if phase is _ANSWER and engine.reservations.open and exchange is not None:
        limiting.answered(engine, exchange, message, at, settled)
    calm = calm and not (engine.view.touched and viewing.concerns(method))
    calm = calm and not engine.steering.rules.candidates(place) and not (kind is _RESULT and asks(message))
    calm = calm and (bool(method) or phase is _REQUEST)  # what answers nothing is looked at
    if calm and _is_clear(engine, direction, phase, method, message):
        engine.remember(exchange, message, request, caller)
        forward = Forward(direction, message, at, stream)
        return [forward, *settled] if settled else [forward]
    out: list[Command] = []
    passage = Passage(direction, message, message, at, stream, phase, exchange, request, caller)
    _examine(engine, passage, at, out)
    return out + settled if settled else out


def _is_clear(engine: Engine, direction: Direction, phase: Phase, method: str, message: Message) -> bool:
    """Whether nobody can read ``message`` as another, where it is to be read with certainty."""
    steering = engine.steering
    strict = steering.strict
    if strict is None:
        return True
    if phase is _ANSWER and method == _TOOLS_LIST:
        return False  # its tools may look like ruled ones
    if not steering.reads(direction, method):
        return True
    return strict is certain and has_one_reading(message, steering.rules.ruled)


def _examine(engine: Engine, passage: Passage, at: int, out: list[Command]) -> None:
    if engine.fills:
        embedded.put_in(engine, passage)
    message = passage.message
    if engine.injected and message.is_answer and injecting.is_ours(engine, passage):
        injecting.answered(engine, passage, at, out)
    elif engine.batches.open and message.is_answer:
        _owed(engine, passage, at, out)
    elif message.method != CANCELLED:
        engine.enter(passage, at, out)
    elif not leaving.cancelled(engine, passage, out):
        engine.enter(passage, at, out)
        leaving.answers_cancelled(engine, passage, out)


def _owed(engine: Engine, passage: Passage, at: int, out: list[Command]) -> None:
    """An answer alone to what was sent as a batch: the refusals of the others follow it."""
    owed = engine.batches.claim(passage.message, passage.direction)
    engine.enter(passage, at, out)
    for refusal in owed:
        engine.send(refusal, passage.direction, at, passage.stream, out)


def passage(
    engine: Engine, message: Message, direction: Direction, at: int, stream: int, caller: str = ""
) -> Passage:
    """``message`` at the gate's door, with the exchange it belongs to."""
    exchange = engine.memory.observe(message, at, direction, stream)
    if not message.is_answer:
        return Passage(direction, message, message, at, stream, Phase.REQUEST, exchange, caller=caller)
    request = None
    if exchange is not None:
        caller = caller or engine.asked.caller(exchange.id)
        request = engine.asked.take(exchange.id)
        limiting.answered(engine, exchange, message, at, [])
    return Passage(direction, message, message, at, stream, Phase.ANSWER, exchange, request, caller)
