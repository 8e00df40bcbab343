"""What resolves a hold: a person's decision, its deadline, a cancellation, somebody who left."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from mcpscope.engine import replies, resolving
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.commands import Command, Tell
from mcpscope.engine.decisions import Answer, Deny, Drop, Edit, Extend, KeepAlive, Release, Revert
from mcpscope.engine.events import Decided
from mcpscope.engine.guard import edited, rewritten
from mcpscope.engine.holds import Hold, HoldKind, HoldState
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.patch import PatchError, pointer
from mcpscope.engine.rules import Action, Fallback
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Kind

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

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
            resolving.refuse(engine, hold, Word.DROPPED, data, actor, at, out)
        case Deny(text):
            data = replies.denied(hold.passage, "", text)
            resolving.refuse(engine, hold, Word.DENIED, data, actor, at, out)
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


def _release(engine: Engine, hold: Hold, wish: Release, actor: str, at: int, out: Out) -> None:
    _allowed(engine, hold, confirmed=wish.confirmed)
    if wish.digest and not hold.digest.startswith(wish.digest):
        raise _refusal("digest", f"hold {hold.id} holds other bytes than those you saw", "look again")
    _stop_later(engine, hold, wish.stop_at)
    resolving.release(engine, hold, actor, at, out)


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
    resolving.release(engine, hold, actor, at, out)


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
    resolving.refuse(engine, hold, Word.ANSWERED, replies.answer(passage, body), actor, at, out)


def _later(hold: Hold, wish: Extend | KeepAlive, at: int) -> None:
    if isinstance(wish, Extend):
        if hold.kind is HoldKind.ASK and wish.fallback not in ("", Fallback.DENY):
            raise _refusal("ask", "what a policy asks about is denied when nobody answers", "approve it now")
        hold.deadline = at + int(wish.seconds * SECOND_NS)
        hold.fallback = Fallback(wish.fallback) if wish.fallback else hold.fallback
        return
    if not wish.on:
        hold.keep_alive_at = None
        return
    if hold.passage.progress_token is None or hold.state is HoldState.GAVE_UP:
        raise _refusal("no_keep_alive", "its sender asked for no progress, so none may be sent", "")
    hold.keep_alive_at = at


def _refusal(code: str, text: str, hint: str) -> ScopeError:
    return ScopeError(text, code=code, exit=Exit.REFUSED, hint=hint)
