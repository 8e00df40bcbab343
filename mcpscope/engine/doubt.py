"""Messages that a lenient reader may take for others: judged in those readings, too, and marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mcpscope.engine.commands import Command, Note
from mcpscope.engine.judge import matches, questions
from mcpscope.engine.live import Live
from mcpscope.engine.passage import Passage
from mcpscope.engine.readings import Reading, named, readings
from mcpscope.engine.rule import REFUSALS, Action, Phase, Rule
from mcpscope.engine.viewing import named as shown
from mcpscope.engine.visibility import Surface
from mcpscope.protocol.lookalikes import FOLDED_METHODS, folded
from mcpscope.protocol.message import Message

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]
_KINDS = (Surface.TOOLS.noun, Surface.PROMPTS.noun)
LOOKALIKE = "lookalike"
"""The tag of such a message (``lookalike:NAME``), and the kind of the note about it."""


def refusing(engine: Engine, passage: Passage, at: int, out: Out) -> Rule | None:
    """The rule that refuses one of the other readings of ``passage``; None where none does."""
    _mark(engine, passage, out)
    if not (engine.steering.rules.refuses or engine.steering.rules.counts):
        return None
    for other, looks in _others(engine, passage):
        rule = _decides(engine, other, at, looks=looks)
        if rule is not None:
            passage.warnings.append(f"a lenient reader takes it for {_told(other)}")
            return rule
    return None


def _others(engine: Engine, passage: Passage) -> Iterator[tuple[Passage, bool]]:
    """``passage`` in its other readings, and the questions in it in theirs; True for what only looks so."""
    yield from _respelled(engine, passage)
    late = engine.loose.other(passage)
    if late is not None:
        yield late, False
    for reading in _readings(engine, passage):
        exchange = passage.exchange if passage.phase is Phase.ANSWER else None
        other = replace(passage, message=reading.message, exchange=exchange)
        yield other, reading.looks
        yield from ((leg, reading.looks) for _, leg in questions(other))
        yield from _respelled(engine, other)
        if late is not None:
            yield replace(late, message=reading.message), reading.looks


def _respelled(engine: Engine, passage: Passage) -> Iterator[tuple[Passage, bool]]:
    """The questions in an answer, of methods that their own may be taken for."""
    for _, leg in questions(passage):
        method = leg.method
        known = FOLDED_METHODS.get(folded(method), method)
        for other in {known, *engine.steering.rules.ruled.alike(method)} - {method}:
            body = {**leg.message.body, "method": other}
            yield replace(leg, message=replace(leg.message, body=body, method=other)), other != known


def hiding(engine: Engine, passage: Passage) -> tuple[Surface, str, str] | None:
    """What of the hidden one of the other readings of ``passage`` names: surface, name, and what hides it."""
    hidden = engine.view.hidden
    for reading in _readings(engine, passage):
        for surface, name in shown(reading.message):
            if why := hidden(surface, name):
                return surface, name, why
    return None


def listed(engine: Engine, passage: Passage, out: Out) -> None:
    """Say which of the tools that a server lists look like a ruled one."""
    result = passage.message.result
    tools = result.get("tools") if isinstance(result, dict) else None
    for tool in tools if isinstance(tools, list) else ():
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str):
            for ruled in engine.steering.rules.ruled.alike(name):
                _remember(engine, ruled, name, out)


def _readings(engine: Engine, passage: Passage) -> Iterator[Reading]:
    return readings_of(engine, passage.message)


def readings_of(engine: Engine, message: Message) -> Iterator[Reading]:
    """The other readings of ``message`` that the rules judge."""
    catalog = engine.memory.catalog

    def is_listed(name: str) -> bool:
        return any(catalog.find(kind, name) is not None for kind in _KINDS)

    return readings(message, engine.steering.rules.ruled, is_listed)


def _decides(engine: Engine, other: Passage, at: int, *, looks: bool) -> Rule | None:
    """The first rule that decides on this reading, if it refuses; nothing of the walk is remembered.

    What only looks like another name is not held against the rules that allow it by its own.
    """
    rules = engine.steering.rules
    direction = other.direction.other if other.phase is Phase.ANSWER else other.direction
    subject = Live(other, engine.facts(), at)
    settled: set[str] = set()
    place = (other.phase, direction, other.method, other.tool)
    for entry, found in rules.sifted(place, subject, other.let_go):
        rule = entry.rule
        if rule.chapter in settled:
            continue
        if rule.action is Action.LIMIT and not rule.shadow and matches(rule, found, subject, other):
            if rule.name not in other.counted:
                return rule  # its limit does not count this reading
            continue
        if rule.shadow or not rule.action.decides or rule.is_fault:
            continue
        if (looks and rule.stands_last) or not matches(rule, found, subject, other):
            continue
        if rule.action is Action.ALLOW or rule.name in other.let_go:
            settled.add(rule.chapter)
            continue
        if rule.action not in REFUSALS:
            return None
        if entry.hit(at):
            return rule
    return None


def _mark(engine: Engine, passage: Passage, out: Out) -> None:
    """Say which ruled name the one that is asked for looks like."""
    if passage.phase is Phase.ANSWER:
        return
    for name in named(passage.message):
        for ruled in engine.steering.rules.ruled.alike(name):
            mark = f"{LOOKALIKE}:{ruled}"
            if mark not in passage.tags:
                passage.tags.append(mark)
                _remember(engine, ruled, name, out)


def _remember(engine: Engine, ruled: str, name: str, out: Out) -> None:
    if engine.steering.rules.remember_alike(ruled, name):
        points = " ".join(f"U+{ord(char):04X}" for char in name if not char.isascii())
        spelled = f"{name} ({points})" if points else name
        out.append(Note(LOOKALIKE, f"{spelled} may be taken for {ruled}, which a rule names"))


def _told(other: Passage) -> str:
    return f"{other.method} {' '.join(named(other.message))}".strip()
