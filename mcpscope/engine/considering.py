"""What becomes of one message: read with certainty, judged in every reading, and let go or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcpscope.engine import batches, doubt, embedded, limiting, replacing, replies, stopping, viewing
from mcpscope.engine.certainty import has_one_reading
from mcpscope.engine.commands import Command, Note
from mcpscope.engine.events import Oversized, Received
from mcpscope.engine.holds import HoldKind
from mcpscope.engine.judge import Verdict, asks, judge
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Action, Phase
from mcpscope.engine.steering import certain
from mcpscope.protocol.message import Kind
from mcpscope.protocol.methods import Method
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.strict import flatten

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]
HEAD_BYTES = 64 << 10


def consider(engine: Engine, passage: Passage, at: int, out: Out) -> None:
    """Judge ``passage`` and do what was decided."""
    if passage.parts:
        batches.consider(engine, passage, at, out)
        return
    steering = engine.steering
    strict = steering.strict is not None and steering.reads(passage.direction, passage.method)
    engine.loose.heard(passage)
    clear = not asks(passage.message) and engine.loose.other(passage) is None
    if strict and steering.strict is certain and clear:
        strict = not has_one_reading(passage.message, steering.rules.ruled)
    judged = passage.message
    if strict and _unreadable(engine, passage, at, out):
        return
    noted: Out = []
    if engine.view.touched and viewing.refused(engine, passage, at, noted):
        out.extend(noted)
        return
    if strict and _alike_hidden(engine, passage, at, out):
        return
    verdict = judge(passage, steering, engine.facts(), at)
    if passage.message is not judged:
        strict = steering.strict is not None and steering.reads(passage.direction, passage.method)
    if strict and verdict.decides is None:
        verdict.decides = doubt.refusing(engine, passage, at, out)
    if passage.method == Method.TOOLS_LIST and passage.phase is Phase.ANSWER and steering.strict is not None:
        doubt.listed(engine, passage, out)
    _carry_out(engine, passage, verdict, at, out)
    out.extend(noted)
    for text in verdict.notes:
        out.append(Note("log", text))


def _carry_out(engine: Engine, passage: Passage, verdict: Verdict, at: int, out: Out) -> None:
    rule = verdict.decides or viewing.undecided(engine, passage)
    if rule is not None and verdict.entry and rule.action is Action.ANSWER:
        embedded.answer(engine, passage, verdict.entry, rule, at, out)
    elif rule is not None:
        replacing.decided(engine, passage, rule, verdict.entry, at, out)
    elif verdict.holds is not None:
        stopping.stop(engine, passage, HoldKind.BREAK, verdict.holds, verdict.entry, at, out)
    elif (engine.step_any or engine.step_answers) and (why := stopping.steps(engine, passage)):
        stopping.hold(engine, passage, HoldKind.STEP, None, why, at, out)
    elif verdict.delays is not None:
        stopping.stop(engine, passage, HoldKind.DELAY, verdict.delays, "", at, out)
    elif limiting.reserve(engine, passage, verdict.limits, at, out):
        passage.allowed_by(verdict.allows)
        engine.let_go(passage, at, out)


def _unreadable(engine: Engine, passage: Passage, at: int, out: Out) -> bool:
    """Refuse what cannot be read with certainty.

    A raw line break between tokens becomes a space first; some readers would see another line there.
    """
    raw = passage.message.raw
    if b"\r" in raw or b"\n" in raw:
        passage.message = parse(flatten(raw))
        passage.actor = passage.actor or "mcpscope"
    strict = engine.steering.strict
    found = strict(passage.message, passage.direction) if strict is not None else ()
    if not found:
        return False
    if passage.message.kind is Kind.MALFORMED and not passage.goes_to_server:
        passage = _told_by_its_bytes(engine, passage)
    passage.actor = "mcpscope"
    data = replies.unreadable(passage, found)
    replacing.replace(engine, passage, Word.REFUSED, data, at, out, {"problems": list(found)})
    return True


def _told_by_its_bytes(engine: Engine, passage: Passage) -> Passage:
    """Something unreadable that a server said, as the answer it seems to be: who asked shall not wait."""
    seems = replies.head_of(passage.message.raw[:HEAD_BYTES])
    if not seems.is_answer or seems.id is None:
        return passage
    found = engine.passage(seems, passage.direction, passage.at, passage.stream)
    return found if found.exchange is not None else passage


def _alike_hidden(engine: Engine, passage: Passage, at: int, out: Out) -> bool:
    """Refuse what a lenient reader takes for a call of something hidden."""
    if not (engine.view.hides and passage.goes_to_server and passage.phase is Phase.REQUEST):
        return False
    found = doubt.hiding(engine, passage)
    return found is not None and viewing.refuse(engine, passage, *found, at, out)


def oversized(engine: Engine, event: Oversized, out: Out) -> None:
    """A message that is too long for the gate; its two ends are what is left of it."""
    message = replies.head_of(event.head)
    passage = engine.passage(message, event.direction, event.at, event.stream)
    passage.actor = "mcpscope"
    data = replies.too_large(passage, engine.steering.max_message)
    replacing.replace(engine, passage, Word.REFUSED, data, event.at, out, {"problems": ["too-large"]})


def _broken(passage: Passage) -> bytes | None:
    """What is said in place of a message that could not be judged; of a batch, to each who asked in it."""
    items = passage.received.items
    if not items:
        return replies.broken(passage)
    parts = [replace(passage, received=item, message=item) for item in items]
    said = [data for part in parts if (data := replies.broken(part)) is not None]
    return b"[" + b",".join(said) + b"]" if said else None


def failed(engine: Engine, event: Received, out: Out) -> None:
    """The engine failed at this message: refuse it where a rule guards, else let it pass."""
    message = event.message
    phase = Phase.ANSWER if message.is_answer else Phase.REQUEST
    passage = Passage(event.direction, message, message, event.at, event.stream, phase)
    if engine.steering.guards:
        passage.actor = "mcpscope"
        data = _broken(passage)
        replacing.replace(engine, passage, Word.REFUSED, data, event.at, out, {"problems": ["gate"]})
    else:
        engine.let_go(passage, event.at, out)
