"""What resolves a hold: a person's decision, its deadline, a cancellation, somebody who left."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from mcpscope.engine import approvals, replies, resolving
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.commands import Command, Tell
from mcpscope.engine.decisions import Answer, Approve, Deny, Drop, Edit, Extend, KeepAlive, Release, Revert
from mcpscope.engine.events import Decided
from mcpscope.engine.guard import edited, rewritten
from mcpscope.engine.holds import Hold, HoldKind, HoldState
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.patch import PatchError, pointer
from mcpscope.engine.rule import Action, Fallback
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Kind

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]
SHORTEST_DIGEST = 8
"""So many characters of a digest have to be named at least."""


def decide(engine: Engine, event: Decided, out: Out) -> None:
    """Carry out a person's decision; raises ScopeError where it cannot be (nothing has changed then)."""
    hold = engine.holds.get(event.hold)
    if hold is None:
        raise gone(engine, event.hold)
    at, actor = event.at, event.actor
    match event.decision:
        case Release() as wish:
            _release(engine, hold, wish, actor, at, out)
        case Approve() as wish:
            _approve(engine, hold, wish, actor, at, out)
        case Edit() as wish:
            _edit(engine, hold, wish, actor, at, out)
        case Revert():
            hold.passage.message = hold.passage.received
            _changed(hold, HoldState.HELD, "", out)
        case Answer() as wish:
            _answer(engine, hold, wish, actor, at, out)
        case Drop() | Deny() as wish:
            _refuse(engine, hold, wish, actor, at, out)
        case Extend() | KeepAlive() as wish:
            _later(hold, wish, at)
            engine.holds.touch()
            out.append(Tell("changed", hold.to_json()))
        case _:
            assert_never(event.decision)


def _refuse(engine: Engine, hold: Hold, wish: Drop | Deny, actor: str, at: int, out: Out) -> None:
    if wish.text:
        hold.passage.said["why"] = wish.text
    if isinstance(wish, Drop):
        data = replies.dropped(hold.passage, wish.code, wish.text, "")
        resolving.refuse(engine, hold, Word.DROPPED, data, actor, at, out)
    else:
        data = replies.denied(hold.passage, "", wish.text)
        resolving.refuse(engine, hold, Word.DENIED, data, actor, at, out)


def gone(engine: Engine, id: int) -> ScopeError:
    """Why there is no such hold: somebody else decided, or there never was one."""
    past = engine.steering.decision_on(id)
    if past is None:
        return _refusal("no_hold", f"there is no hold {id}", "see: mcpscope holds list")
    return _refusal("hold_resolved", f"hold {id} was already {past[0]} by {past[1]}", "")


def _release(engine: Engine, hold: Hold, wish: Release, actor: str, at: int, out: Out) -> None:
    _not_asked(hold)
    _allowed(engine, hold, confirmed=wish.confirmed)
    if wish.digest and not hold.digest.startswith(wish.digest):
        raise _refusal("digest", f"hold {hold.id} holds other bytes than those you saw", "look again")
    _stop_later(engine, hold, wish.stop_at)
    resolving.release(engine, hold, actor, at, out)


def _approve(engine: Engine, hold: Hold, wish: Approve, actor: str, at: int, out: Out) -> None:
    _allowed(engine, hold, confirmed=False)
    if len(wish.digest) < SHORTEST_DIGEST:
        text = f"an approval names the bytes by {SHORTEST_DIGEST} characters of their digest or more"
        raise _refusal("digest", text, f"mcpscope holds show {hold.id}")
    if not hold.digest.startswith(wish.digest.lower()):
        raise _refusal("digest", f"hold {hold.id} holds other bytes than those you saw", "look again")
    approvals.approve(engine, hold, wish, actor, at)
    resolving.release(engine, hold, actor, at, out)


def _not_asked(hold: Hold, hint: str = "") -> None:
    """What a policy asks about passes by an approval of its bytes and in no other way."""
    if hold.kind is HoldKind.ASK:
        hint = hint or f"look at it and name its digest: mcpscope holds approve {hold.id} DIGEST"
        raise _refusal("ask", f"{hold.rule} asks for an approval of hold {hold.id}", hint)


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
        _not_asked(hold, hint="keep it as a draft (--keep), then approve what it has become")
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
