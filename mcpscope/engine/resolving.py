"""The end of a hold: what was held is released, refused or abandoned, and what waited behind it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine import approvals, replacing
from mcpscope.engine.commands import Command, Record, Tell
from mcpscope.engine.holds import Hold, HoldState
from mcpscope.engine.outcomes import Word
from mcpscope.engine.rule import Phase

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]


def release(engine: Engine, hold: Hold, actor: str, at: int, out: Out) -> None:
    """Let it go; the rules judge what leaves once more."""
    passage = hold.passage
    if approvals.stands(engine, hold):
        passage.let_go.add(hold.rule)
    _resolve(engine, hold, actor, at)
    engine.consider(passage, at, out)
    _told(engine, hold, at, out)


def refuse(engine: Engine, hold: Hold, word: Word, data: bytes | None, actor: str, at: int, out: Out) -> None:
    """It does not pass; ``data`` goes in its place, unless nobody waits for that."""
    passage = hold.passage
    _resolve(engine, hold, actor, at)
    if hold.state is HoldState.GAVE_UP or engine.is_gone(passage.direction):
        data = data if passage.phase is Phase.ANSWER and not engine.is_gone(passage.direction.other) else None
    if passage.is_request:
        engine.forget(passage.exchange)
    replacing.replace(engine, passage, word, data, at, out)
    _told(engine, hold, at, out)


def abandon(engine: Engine, hold: Hold, actor: str, at: int, out: Out) -> None:
    """It will never be sent, and nobody waits for an answer."""
    _resolve(engine, hold, actor, at)
    out.append(engine.record(hold.passage, Word.ABANDONED, at))
    engine.forget(hold.passage.exchange if hold.passage.is_request else None)
    _told(engine, hold, at, out)


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
