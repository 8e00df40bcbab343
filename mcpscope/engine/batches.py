"""Batches (2025-03-26): one frame, several messages, each judged; refusals join the array of answers.

A hold on an element holds the frame, for its bytes leave together. Without a refusal or an edit the frame
keeps its bytes; else the elements that pass are joined anew, each with its own bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpscope.engine import replacing, replies, stopping, viewing
from mcpscope.engine.commands import Command, Forward, Note
from mcpscope.engine.events import Received
from mcpscope.engine.holds import HoldKind
from mcpscope.engine.judge import judge
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Action, Phase
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

MAX_OPEN = 256


@dataclass(frozen=True, slots=True)
class Owed:
    """Refusals that travel with the answer of the elements which passed; ``ids`` are theirs."""

    direction: Direction
    ids: frozenset[str]
    refusals: tuple[bytes, ...]


class Batches:
    """What is still owed to the senders of batches."""

    def __init__(self) -> None:
        self.open: list[Owed] = []

    def __repr__(self) -> str:
        return f"<Batches owed={len(self.open)}>"

    def owe(self, owed: Owed) -> None:
        if len(self.open) >= MAX_OPEN:
            del self.open[0]
        self.open.append(owed)

    def claim(self, message: Message, direction: Direction) -> tuple[bytes, ...]:
        """The refusals that belong beside this answer (or array of answers), once."""
        ids = {spelled(item.id) for item in message.items or (message,) if item.is_answer}
        for owed in self.open:
            if owed.direction is direction and not ids.isdisjoint(owed.ids):
                self.open.remove(owed)
                return owed.refusals
        return ()


def received(engine: Engine, event: Received, out: list[Command]) -> None:
    """A batch arrived: judge its elements and let the frame, or what is left of it, pass."""
    batch, at = event.message, event.at
    parts = tuple(
        engine.passage(item, event.direction, at + place, event.stream, event.caller)
        for place, item in enumerate(batch.items)
    )
    exchange = parts[0].exchange if parts else None
    whole = Passage(event.direction, batch, batch, at, event.stream, Phase.REQUEST, exchange, parts=parts)
    if engine.steering.strict is not None:
        refusals = [data for part in parts if (data := replies.unreadable(part, ("batch",))) is not None]
        whole.actor = "mcpscope"
        if all(part.phase is Phase.ANSWER for part in parts):
            whole.phase = Phase.ANSWER
        replacing.replace(engine, whole, Word.REFUSED, _array(refusals), at, out, {"problems": ["batch"]})
        return
    owed = engine.batches.claim(batch, event.direction)
    if owed:
        whole.message = _joined(batch.raw, owed)
        whole.actor = "rule"
    engine.enter(whole, at, out)


def consider(engine: Engine, whole: Passage, at: int, out: list[Command]) -> None:
    """Judge the elements; the frame is held, or leaves with those that pass."""
    kept: list[Passage] = []
    refusals: list[bytes] = []
    refused: list[str] = []
    for part in whole.parts:
        part.let_go |= whole.let_go
        if engine.view.touched and part.direction is Direction.TO_CLIENT:
            viewing.refused(engine, part, at, [])
        verdict = judge(part, engine.steering, engine.facts(), at)
        out.extend(Note("log", text) for text in verdict.notes)
        rule = verdict.decides
        asks = rule is not None and rule.action is Action.ASK
        stop = rule if asks else verdict.holds if rule is None else None
        if stop is not None:
            kind = HoldKind.ASK if asks else HoldKind.BREAK
            stopping.stop(engine, whole, kind, stop, part.method, at, out)
            return
        if rule is None:
            kept.append(part)
            continue
        word, data = replacing.reply_to(engine, part, rule)
        whole.actor, whole.rule = "rule", rule.name
        refused.append(f"{part.rpc_id} {word.value} by {rule.name}".strip())
        if data is not None and part.phase is Phase.ANSWER:
            part.message = parse(data)
            kept.append(part)
        elif data is not None:
            refusals.append(data)
    _leave(engine, whole, kept, refusals, refused, at, out)


def _leave(
    engine: Engine,
    whole: Passage,
    kept: list[Passage],
    refusals: list[bytes],
    refused: list[str],
    at: int,
    out: list[Command],
) -> None:
    if not refused and not any(part.changed for part in kept):
        engine.let_go(whole, at, out)
    elif kept:
        whole.message = parse(b"[" + b",".join(part.message.raw for part in kept) + b"]")
        whole.actor = whole.actor or "rule"
        out.append(engine.record(whole, Word.EDITED, at, {"refused": refused}, sent=whole.message.raw))
        out.append(Forward(whole.direction, whole.message, whole.at, whole.stream, True, False))
    for part in kept:
        engine.sent(part)
    asked = frozenset(spelled(part.received.id) for part in kept if part.received.kind is Kind.REQUEST)
    if kept and asked and refusals:
        engine.batches.owe(Owed(whole.direction.other, asked, tuple(refusals)))
    elif kept and refusals:
        engine.send(_array(refusals) or b"[]", whole.direction.other, at, whole.stream, out, answers=whole.at)
    elif not kept:
        replacing.replace(engine, whole, Word.DENIED, _array(refusals), at, out, {"refused": refused})


def _joined(raw: bytes, refusals: Iterable[bytes]) -> Message:
    return parse(raw.rstrip()[:-1] + b"," + b",".join(refusals) + b"]")


def _array(refusals: list[bytes]) -> bytes | None:
    return b"[" + b",".join(refusals) + b"]" if refusals else None
