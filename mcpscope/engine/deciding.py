"""What resolves a hold: a person's decision, its deadline, a cancellation, somebody who left."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from mcpscope.engine import replies
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.commands import Command, Record, Tell
from mcpscope.engine.decisions import Answer, Deny, Drop, Edit, Extend, KeepAlive, Release, Revert
from mcpscope.engine.events import Decided, Left
from mcpscope.engine.guard import edited, rewritten
from mcpscope.engine.holds import KEEP_ALIVE_NS, Hold, HoldKind, HoldState
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.patch import PatchError, pointer
from mcpscope.engine.rules import Action, Fallback, Phase
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.ids import other_spelling
from mcpscope.protocol.message import Direction, Kind, RpcId

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

GAVE_UP_NS = 600 * SECOND_NS
"""How long a hold that nobody waits for stays, in case a person wants it run all the same."""

Out = list[Command]


def decide(engine: Engine, event: Decided, out: Out) -> None:
    """Carry out a person's decision; raises ScopeError where it cannot be (nothing has changed then)."""
    hold = engine.holds.get(event.hold)
    if hold is None:
        raise gone(engine, event.hold)
    at, actor = event.at, event.actor
    match event.decision:
        case Release() as wish:
            _release(engine, hold, wish, actor, at, out)
        case Edit() as wish:
            _edit(engine, hold, wish, actor, at, out)
        case Revert():
            hold.passage.message = hold.passage.received
            _changed(hold, HoldState.HELD, "", out)
        case Answer() as wish:
            _answer(engine, hold, wish, actor, at, out)
        case Drop(code, text):
            data = replies.dropped(hold.passage, code, text, "")
            _refuse(engine, hold, Word.DROPPED, data, actor, at, out)
        case Deny(text):
            data = replies.denied(hold.passage, "", text)
            _refuse(engine, hold, Word.DENIED, data, actor, at, out)
        case Extend() | KeepAlive() as wish:
            _later(hold, wish, at)
            engine.holds.touch()
            out.append(Tell("changed", hold.to_json()))
        case _:
            assert_never(event.decision)


def gone(engine: Engine, id: int) -> ScopeError:
    """Why there is no such hold: somebody else decided, or there never was one."""
    past = engine.steering.decision_on(id)
    if past is None:
        return _refusal("no_hold", f"there is no hold {id}", "see: mcpscope holds list")
    return _refusal("hold_resolved", f"hold {id} was already {past[0]} by {past[1]}", "")


def release(engine: Engine, hold: Hold, actor: str, at: int, out: Out) -> None:
    """Let it go; the rules judge what leaves once more."""
    passage = hold.passage
    passage.let_go.add(hold.rule)
    _resolve(engine, hold, actor, at)
    engine.consider(passage, at, out)
    _told(engine, hold, at, out)


def expired(engine: Engine, hold: Hold, at: int, out: Out) -> None:
    """A deadline, the end of a delay, or the time for a sign of life."""
    if hold.deadline > at:
        _progress(engine, hold, at, out)
        return
    passage = hold.passage
    if hold.kind is HoldKind.DELAY:
        release(engine, hold, "rule", at, out)
    elif hold.state is HoldState.GAVE_UP:
        abandon(engine, hold, "deadline", at, out)
    elif hold.fallback is Fallback.CONTINUE:
        release(engine, hold, "deadline", at, out)
    elif hold.fallback is Fallback.DENY:
        text = "nobody approved it in time"
        data = replies.denied(passage, hold.rule, text)
        _refuse(engine, hold, Word.DENIED, data, "deadline", at, out)
    else:
        word = Word.DROPPED if hold.fallback is Fallback.ERROR else Word.ABANDONED
        _refuse(engine, hold, word, replies.timed_out(passage), "deadline", at, out)


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
        awaited = held.phase is Phase.ANSWER and held.direction is cancel.direction.other
        if awaited and _same(held.received.id, target):
            _give_up(engine, hold, actor, cancel.at, out)
    return False


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
        _refuse(engine, hold, Word.REFUSED, replies.upstream_gone(held), receiver, event.at, out)
    elif not held.is_request:
        abandon(engine, hold, receiver, event.at, out)


def abandon(engine: Engine, hold: Hold, actor: str, at: int, out: Out) -> None:
    """It will never be sent, and nobody waits for an answer."""
    _resolve(engine, hold, actor, at)
    out.append(engine.record(hold.passage, Word.ABANDONED, at))
    engine.forget(hold.passage.exchange if hold.passage.is_request else None)
    _told(engine, hold, at, out)


def _release(engine: Engine, hold: Hold, wish: Release, actor: str, at: int, out: Out) -> None:
    _allowed(engine, hold, confirmed=wish.confirmed)
    if wish.digest and not hold.digest.startswith(wish.digest):
        raise _refusal("digest", f"hold {hold.id} holds other bytes than those you saw", "look again")
    _stop_later(engine, hold, wish.stop_at)
    release(engine, hold, actor, at, out)


def _allowed(engine: Engine, hold: Hold, *, confirmed: bool) -> None:
    if hold.state is HoldState.GAVE_UP and not confirmed:
        text = f"nobody waits for hold {hold.id} any more"
        raise _refusal("gave_up", text, "confirm to send it all the same, or drop it")
    if engine.is_gone(hold.passage.direction.other):
        raise _refusal("receiver_gone", f"there is nobody left to send hold {hold.id} to", "drop it")


def _stop_later(engine: Engine, hold: Hold, stop_at: str) -> None:
    exchange = hold.passage.exchange
    if stop_at == "answer" and hold.passage.is_request and exchange is not None:
        engine.step_answers.add(exchange.id)
    elif stop_at == "any":
        engine.step_any = True
        hold.passage.let_go.add("step")


def _edit(engine: Engine, hold: Hold, wish: Edit, actor: str, at: int, out: Out) -> None:
    passage = hold.passage
    if wish.release:
        _allowed(engine, hold, confirmed=wish.confirmed)
    message = passage.message
    try:
        if wish.patch:
            message = edited(message, wish.patch, unlock=wish.unlock_state)
        if wish.text is not None:
            message = rewritten(message, pointer(wish.part), wish.text, unlock=wish.unlock_state)
    except PatchError as error:
        raise _refusal("bad_edit", str(error), "nothing was sent; correct it and try again") from None
    warnings = engine.check(passage, message)
    if warnings and not wish.anyway:
        raise _refusal("schema", "; ".join(warnings), "correct it, or send it anyway")
    passage.message = passage.received if message.raw == passage.received.raw else message
    passage.warnings = list(warnings)
    hold.warnings = tuple(warnings)
    _approvals_void(engine, passage)
    if not wish.release:
        _changed(hold, HoldState.EDITED, actor, out)
        return
    _stop_later(engine, hold, wish.stop_at)
    release(engine, hold, actor, at, out)


def _approvals_void(engine: Engine, passage: Passage) -> None:
    """An approval was for other bytes: rules that ask will ask again."""
    for name in tuple(passage.let_go):
        entry = engine.steering.rules.get(name)
        if entry is not None and entry.rule.action is Action.ASK:
            passage.let_go.discard(name)


def _changed(hold: Hold, state: HoldState, editor: str, out: Out) -> None:
    hold.editor = editor
    if hold.state is not HoldState.GAVE_UP:
        hold.state = state
    out.append(Tell("changed", hold.to_json()))


def _answer(engine: Engine, hold: Hold, wish: Answer, actor: str, at: int, out: Out) -> None:
    passage = hold.passage
    if not passage.received.has_id or passage.received.kind is Kind.MALFORMED:
        raise _refusal("no_answer", "a notification has no answer", "continue or drop it")
    try:
        body = replies.body_of(wish, engine.last_good(passage))
    except PatchError as error:
        text = 'an answer is {"result": ...} or {"error": ...}'
        raise _refusal("bad_answer", str(error), text) from None
    if body is None:
        raise _refusal("no_last_good", f"{passage.tool or passage.method} gave no good answer yet", "")
    _refuse(engine, hold, Word.ANSWERED, replies.answer(passage, body), actor, at, out)


def _refuse(
    engine: Engine, hold: Hold, word: Word, data: bytes | None, actor: str, at: int, out: Out
) -> None:
    """It does not pass; ``data`` goes in its place, unless nobody waits for that."""
    passage = hold.passage
    _resolve(engine, hold, actor, at)
    if hold.state is HoldState.GAVE_UP or engine.is_gone(passage.direction):
        data = data if passage.phase is Phase.ANSWER and not engine.is_gone(passage.direction.other) else None
    if passage.is_request:
        engine.forget(passage.exchange)
    engine.replace(passage, word, data, at, out)
    _told(engine, hold, at, out)


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


def _later(hold: Hold, wish: Extend | KeepAlive, at: int) -> None:
    if isinstance(wish, Extend):
        hold.deadline = at + int(wish.seconds * SECOND_NS)
        hold.fallback = Fallback(wish.fallback) if wish.fallback else hold.fallback
        return
    if not wish.on:
        hold.keep_alive_at = None
        return
    if hold.passage.progress_token is None or hold.state is HoldState.GAVE_UP:
        raise _refusal("no_keep_alive", "its sender asked for no progress, so none may be sent", "")
    hold.keep_alive_at = at


def _progress(engine: Engine, hold: Hold, at: int, out: Out) -> None:
    """Progress of our own: ever so little, so that the server's own progress still rises above it."""
    hold.keep_alives += 1
    hold.keep_alive_at = at + KEEP_ALIVE_NS
    engine.holds.touch()
    data = replies.held_progress(hold.passage.progress_token, hold.keep_alives)
    engine.send(data, hold.passage.direction.other, at, hold.passage.stream, out)


def _resolve(engine: Engine, hold: Hold, actor: str, at: int) -> None:
    engine.holds.remove(hold)
    hold.passage.held_ns += at - hold.held_at
    hold.passage.actor = actor
    hold.passage.rule = hold.rule


def _told(engine: Engine, hold: Hold, at: int, out: Out) -> None:
    """Tell everybody what became of it, then let in what waited behind it."""
    passage = hold.passage
    mine = (c.outcome for c in reversed(out) if isinstance(c, Record) and c.outcome.of == passage.at)
    word = next((outcome.word for outcome in mine), Word.HELD)
    engine.steering.remember_decision(hold.id, word.value, passage.actor)
    told = {"id": hold.id, "session": engine.session, "at": passage.at, "outcome": word.value}
    out.append(Tell("released", {**told, "by": passage.actor, "waited_ns": passage.held_ns}))
    for waiting in hold.behind:
        if engine.over:
            waiting.actor = passage.actor
            out.append(engine.record(waiting, Word.ABANDONED, at))
        else:
            engine.enter(waiting, at, out)


def _refusal(code: str, text: str, hint: str) -> ScopeError:
    return ScopeError(text, code=code, exit=Exit.REFUSED, hint=hint)
