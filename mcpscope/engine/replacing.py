"""What happens in place of a message that does not pass: its sender is answered, or the answer is another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine import approvals, faults, injecting, replies, stopping
from mcpscope.engine.chance import Dice
from mcpscope.engine.commands import Close, Command, Forward
from mcpscope.engine.holds import HoldKind
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import FAULTS, Action, Phase, Rule
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]


def decided(engine: Engine, passage: Passage, rule: Rule, entry: str, at: int, out: Out) -> None:
    """Do what a deciding rule wants; ``entry`` is the key in ``inputRequests`` that it was about, if any."""
    if rule.action is Action.ASK and approvals.covered(engine, passage, rule):
        engine.consider(passage, at, out)
        return
    if rule.action is Action.ASK:
        stopping.stop(engine, passage, HoldKind.ASK, rule, rule.message, at, out)
        return
    word, data = reply_to(engine, passage, rule)
    if rule.action is Action.DISCONNECT:
        out.append(engine.record(passage, word, at))
        out.append(Close(Direction.TO_CLIENT, passage.stream))
        return
    replace(engine, passage, word, data, at, out, {"entry": entry} if entry else None)


def reply_to(engine: Engine, passage: Passage, rule: Rule) -> tuple[Word, bytes | None]:
    """What a deny, drop or answer rule makes of ``passage``, and what is said in its place."""
    if rule.once:
        engine.steering.rules.enable(rule.name, on=False)
    passage.actor, passage.rule = "rule", rule.name
    if rule.is_fault:
        passage.fault = "error" if rule.action is Action.DROP else rule.action.value
    if rule.action in FAULTS:
        return _trouble(engine, passage, rule)
    if rule.action in (Action.DENY, Action.LIMIT):
        return Word.DENIED, replies.denied(passage, rule.name, rule.message)
    if rule.action is Action.DROP and rule.is_fault and passage.received.has_id:
        text = rule.message or "Internal error"
        return Word.DROPPED, replies.troubled(passage, rule.code or faults.INTERNAL_ERROR, text)
    if rule.action is Action.DROP:
        return Word.DROPPED, replies.dropped(passage, rule.code, rule.message, rule.name)
    body = replies.body_of(rule.answer, engine.last_good(passage))
    if body is None:
        text = "there is no good answer to repeat yet"
        return Word.DROPPED, replies.dropped(passage, 0, text, rule.name)
    if not passage.received.has_id:
        return Word.DROPPED, None
    return Word.ANSWERED, replies.answer(passage, body)


def _trouble(engine: Engine, passage: Passage, rule: Rule) -> tuple[Word, bytes | None]:
    """What a fault makes of ``passage``."""
    match rule.action:
        case Action.TIMEOUT | Action.DISCONNECT:
            return Word.DROPPED, None
        case Action.TRUNCATE:
            return Word.EDITED, faults.truncated(passage.message)
        case Action.CORRUPT:
            entry = engine.steering.rules.get(rule.name)
            dice = entry.dice if entry is not None else Dice(0)
            return Word.EDITED, faults.corrupted(passage.message, dice)
    if not passage.received.has_id:
        return Word.DROPPED, None
    if rule.action is Action.EMPTY:
        return Word.ANSWERED, replies.answer(passage, faults.empty(passage))
    text = rule.message or "Rate limit exceeded"
    return Word.DROPPED, replies.troubled(passage, rule.code or faults.RATE_LIMITED, text)


def replace(
    engine: Engine,
    passage: Passage,
    word: Word,
    data: bytes | None,
    at: int,
    out: Out,
    detail: dict[str, object] | None = None,
) -> None:
    """Keep ``passage`` from passing: ``data`` answers its sender, or takes the place of an answer.

    Without ``data`` (a notification) it is swallowed.
    """
    if data is None or passage.injected:
        out.append(engine.record(passage, word, at, detail))
        if data is not None:
            injecting.told(engine, passage, data, out)
    elif passage.phase is Phase.ANSWER:
        out.append(engine.record(passage, word, at, detail, sent=data))
        out.append(Forward(passage.direction, parse(data), passage.at, passage.stream, True, False))
    else:
        out.append(engine.record(passage, word, at, detail))
        engine.send(data, passage.direction.other, at, passage.stream, out, answers=passage.at)
