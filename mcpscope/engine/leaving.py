"""What resolves a hold without anybody deciding: its deadline, a cancellation, a peer that left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine import replies, resolving
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.commands import Command, Tell
from mcpscope.engine.events import Left
from mcpscope.engine.holds import KEEP_ALIVE_NS, Hold, HoldKind, HoldState
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.resolving import abandon
from mcpscope.engine.rule import Fallback, Phase
from mcpscope.protocol.ids import other_spelling
from mcpscope.protocol.message import Direction, RpcId

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

GAVE_UP_NS = 600 * SECOND_NS
"""How long a hold that nobody waits for stays, in case a person wants it run all the same."""

Out = list[Command]


def expired(engine: Engine, hold: Hold, at: int, out: Out) -> None:
    """A deadline, the end of a delay, or the time for a sign of life."""
    if hold.deadline > at:
        _progress(engine, hold, at, out)
        return
    passage = hold.passage
    if hold.kind is HoldKind.DELAY:
        resolving.release(engine, hold, "rule", at, out)
    elif hold.state is HoldState.GAVE_UP:
        abandon(engine, hold, "deadline", at, out)
    elif hold.fallback is Fallback.CONTINUE:
        resolving.release(engine, hold, "deadline", at, out)
    elif hold.fallback is Fallback.DENY:
        text = "nobody approved it in time"
        data = replies.denied(passage, hold.rule, text)
        resolving.refuse(engine, hold, Word.DENIED, data, "deadline", at, out)
    else:
        word = Word.DROPPED if hold.fallback is Fallback.ERROR else Word.ABANDONED
        resolving.refuse(engine, hold, word, replies.timed_out(passage), "deadline", at, out)


def cancelled(engine: Engine, cancel: Passage, out: Out) -> bool:
    """A cancellation meets what is held; True if it was absorbed: the other side never saw the request."""
    target = cancel.message.params.get("requestId")
    actor = "client" if cancel.goes_to_server else "server"
    for hold in engine.holds:
        for waiting in hold.behind:
            if _asks(waiting, cancel.direction, target):
                hold.behind.remove(waiting)
                waiting.actor = actor
                out.append(engine.record(waiting, Word.ABANDONED, cancel.at))
                return _absorbed(engine, cancel, out)
        held = hold.passage
        if _asks(held, cancel.direction, target):
            _give_up(engine, hold, actor, cancel.at, out)
            return _absorbed(engine, cancel, out)
    return False


def answers_cancelled(engine: Engine, cancel: Passage, out: Out) -> None:
    """Nobody waits for the answers that are held, if the cancellation was of their requests."""
    target = cancel.message.params.get("requestId")
    for hold in engine.holds:
        held = hold.passage
        awaited = held.phase is Phase.ANSWER and held.direction is cancel.direction.other
        if awaited and _same(held.received.id, target):
            _give_up(engine, hold, "client" if cancel.goes_to_server else "server", cancel.at, out)


def left(engine: Engine, hold: Hold, event: Left, out: Out) -> None:
    """The peer that sends in ``event.direction``, or its stream, is gone."""
    held = hold.passage
    if event.direction is held.direction:
        if held.is_request and event.stream is not None:
            _give_up(engine, hold, "client" if held.goes_to_server else "server", event.at, out)
        elif held.is_request:
            abandon(engine, hold, "client" if held.goes_to_server else "server", event.at, out)
        return
    receiver = "server" if held.goes_to_server else "client"
    if held.is_request and event.stream is None:
        resolving.refuse(engine, hold, Word.REFUSED, replies.upstream_gone(held), receiver, event.at, out)
    elif not held.is_request:
        abandon(engine, hold, receiver, event.at, out)


def _give_up(engine: Engine, hold: Hold, actor: str, at: int, out: Out) -> None:
    """Its sender (or whoever waited for this answer) no longer waits."""
    if hold.state is HoldState.GAVE_UP:
        return
    if actor == "client" and hold.kind is not HoldKind.DELAY:
        client = next(iter(engine.facts().client_names), "")
        engine.steering.clocks.learn(client, at - hold.held_at)
    if not engine.steering.attached or hold.kind not in (HoldKind.BREAK, HoldKind.STEP):
        abandon(engine, hold, actor, at, out)
        return
    hold.state = HoldState.GAVE_UP
    hold.keep_alive_at = None
    engine.holds.touch()
    hold.fallback = Fallback.DISCARD
    hold.deadline = min(hold.deadline, at + GAVE_UP_NS)
    hold.passage.actor = actor
    out.append(engine.record(hold.passage, Word.GAVE_UP, at, {"hold": hold.id}))
    out.append(Tell("changed", hold.to_json()))
    behind, hold.behind = hold.behind, []
    for passage in behind:
        engine.enter(passage, at, out)


def thawed(engine: Engine, at: int, out: Out) -> None:
    """Holds stop their sessions no longer: what waited only for that goes on, in its order."""
    waiting = [passage for hold in engine.holds for passage in hold.behind]
    for hold in engine.holds:
        hold.behind, hold.behind_bytes = [], 0
    for passage in sorted(waiting, key=lambda passage: passage.at):
        engine.enter(passage, at, out)


def _absorbed(engine: Engine, cancel: Passage, out: Out) -> bool:
    cancel.actor = "mcpscope"
    out.append(engine.record(cancel, Word.ABSORBED, cancel.at))
    return True


def _asks(passage: Passage, direction: Direction, target: RpcId) -> bool:
    return passage.is_request and passage.direction is direction and _same(passage.received.id, target)


def _same(id: RpcId, target: RpcId) -> bool:
    """Whether a cancellation means this request; peers confuse numbers and strings (mcp-wire.md 10.3)."""
    if target is None or isinstance(target, bool) or isinstance(id, bool):
        return False
    return id == target or (isinstance(target, str | int | float) and other_spelling(target) == id)


def _progress(engine: Engine, hold: Hold, at: int, out: Out) -> None:
    """Progress of our own: ever so little, so that the server's own progress still rises above it."""
    hold.keep_alives += 1
    hold.keep_alive_at = at + KEEP_ALIVE_NS
    engine.holds.touch()
    data = replies.held_progress(hold.passage.progress_token, hold.keep_alives)
    engine.send(data, hold.passage.direction.other, at, hold.passage.stream, out)
