"""How a message comes to be held: a breakpoint, a policy's question, a step or a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine import replacing, replies
from mcpscope.engine.clock import Clock, Source
from mcpscope.engine.commands import Command, Note, Tell
from mcpscope.engine.holds import ASK_NS, HOLD_NS, Hold, HoldKind
from mcpscope.engine.judge import UNTOUCHED_METHODS
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Fallback, Phase, Rule
from mcpscope.engine.steering import Detached
from mcpscope.protocol.message import Direction

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]


def stop(engine: Engine, passage: Passage, kind: HoldKind, rule: Rule, why: str, at: int, out: Out) -> None:
    """Hold ``passage`` as ``rule`` wants, if that may be as things are."""
    steering = engine.steering
    if rule.once:
        steering.rules.enable(rule.name, on=False)
    if kind is HoldKind.BREAK:
        passage.let_go.add(rule.name)
        if not steering.attached and steering.detached is Detached.ERROR:
            passage.actor, passage.rule = "rule", rule.name
            data = replies.dropped(passage, 0, "a breakpoint stopped it and nobody is attached", rule.name)
            replacing.replace(engine, passage, Word.DROPPED, data, at, out, {"detached": True})
            return
    elif kind is HoldKind.DELAY:
        passage.let_go.add(rule.name)
        passage.fault = rule.action.value if rule.is_fault else passage.fault
    if engine.holds.full and kind is not HoldKind.ASK:
        out.append(Note("hold", f"too much is held already: {rule.name} let a message pass"))
        passage.let_go.add(rule.name)
        engine.consider(passage, at, out)
    elif engine.holds.full:
        passage.actor, passage.rule = "mcpscope", rule.name
        data = replies.denied(passage, rule.name, "too much waits for approval already")
        replacing.replace(engine, passage, Word.DENIED, data, at, out)
    else:
        hold(engine, passage, kind, rule, why, at, out)


def steps(engine: Engine, passage: Passage) -> str:
    """Why a step stops ``passage``, "" if none does."""
    if passage.method in UNTOUCHED_METHODS:
        return ""
    exchange = passage.exchange
    if passage.phase is Phase.ANSWER and exchange is not None and exchange.id in engine.step_answers:
        return "the answer of a stepped request"
    if engine.step_any and "step" not in passage.let_go:
        return "the next message"
    return ""


def hold(
    engine: Engine, passage: Passage, kind: HoldKind, rule: Rule | None, why: str, at: int, out: Out
) -> None:
    """Stop ``passage`` until somebody decides or its deadline comes."""
    client = next(iter(engine.facts().client_names), "")
    clock = engine.steering.clocks.of(client, rule)
    deadline, fallback = _deadline(kind, rule, clock, at, passage.jitter_ns)
    name = rule.name if rule else "step"
    if kind is not HoldKind.DELAY:
        _stepped(engine, passage)
    warnings = () if kind is HoldKind.DELAY else tuple(engine.check(passage, passage.message))
    held = Hold(
        id=engine.steering.new_hold(),
        session=engine.session,
        passage=passage,
        kind=kind,
        rule=name,
        held_at=at,
        deadline=deadline,
        fallback=fallback,
        clock=clock if _client_waits(passage) else Clock(None, Source.KNOWN),
        why=why,
        warnings=warnings,
        ruled=rule,
    )
    passage.actor, passage.rule, passage.warnings = "rule", name, list(warnings)
    engine.holds.put(held)
    out.append(engine.record(passage, Word.HELD, at, {"hold": held.id, "kind": kind.value}))
    out.append(Tell("held", held.to_json()))


def _stepped(engine: Engine, passage: Passage) -> None:
    """Whatever stopped it, a step that was to stop here has done its work."""
    passage.let_go.add("step")
    engine.step_any = False
    if passage.phase is Phase.ANSWER and passage.exchange is not None:
        engine.step_answers.discard(passage.exchange.id)


def _deadline(
    kind: HoldKind, rule: Rule | None, clock: Clock, at: int, jitter_ns: int
) -> tuple[int, Fallback]:
    if kind is HoldKind.DELAY:
        return at + (rule.delay_ns if rule else 0) + max(jitter_ns, 0), Fallback.CONTINUE
    wanted = rule.fallback if rule else None
    if kind is HoldKind.ASK:
        limit = rule.timeout_ns if rule and rule.timeout_ns is not None else ASK_NS
        return at + limit, wanted or Fallback.DENY
    limit = clock.limit_ns if clock.fires and clock.limit_ns is not None else HOLD_NS
    return at + limit, wanted or Fallback.DISCARD


def _client_waits(passage: Passage) -> bool:
    """Whether the client's clock runs: on its requests and their answers."""
    if passage.phase is Phase.ANSWER:
        return passage.direction is Direction.TO_CLIENT
    return passage.is_request and passage.direction is Direction.TO_SERVER
