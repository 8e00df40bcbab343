"""Messages that a lenient reader may take for others: judged in those readings, too, and marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mcpscope.engine.judge import matches
from mcpscope.engine.live import Live
from mcpscope.engine.passage import Passage
from mcpscope.engine.readings import named, readings
from mcpscope.engine.rules import REFUSALS, Phase, Rule
from mcpscope.engine.viewing import named as shown
from mcpscope.engine.visibility import Surface
from mcpscope.protocol.message import Message

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

LOOKALIKE = "lookalike"


def others(engine: Engine, passage: Passage) -> Iterator[Passage]:
    """``passage`` as lenient readers would see it; nothing where all see the same."""
    catalog = engine.memory.catalog

    def listed(name: str) -> bool:
        return catalog.find(Surface.TOOLS.noun, name) is not None

    for message in readings(passage.message, engine.steering.rules.ruled, listed):
        yield _read_as(passage, message)


def refusing(engine: Engine, passage: Passage, at: int) -> Rule | None:
    """The rule that refuses one of the other readings of ``passage``; None where none does."""
    _mark(engine, passage)
    if not engine.steering.rules.refuses:
        return None
    for other in others(engine, passage):
        rule = _decides(engine, other, at)
        if rule is not None and rule.name not in passage.let_go:
            passage.warnings.append(f"a lenient reader takes it for {_told(other)}")
            return rule
    return None


def hiding(engine: Engine, passage: Passage) -> tuple[Surface, str, str] | None:
    """What of the hidden one of the other readings of ``passage`` names: surface, name, and what hides it."""
    hidden: Callable[[Surface, str], str] = engine.steering.view.hidden
    for other in others(engine, passage):
        for surface, name in shown(other.message):
            if why := hidden(surface, name):
                return surface, name, why
    return None


def _decides(engine: Engine, other: Passage, at: int) -> Rule | None:
    """The first rule that decides on this reading, if it refuses; nothing of the walk is remembered."""
    rules = engine.steering.rules
    direction = other.direction.other if other.phase is Phase.ANSWER else other.direction
    subject = Live(other, engine.facts(), at)
    for entry in rules.candidates((other.phase, direction, other.method, other.tool)):
        rule = entry.rule
        if rule.shadow or not rule.action.decides or rule.is_fault or rule.name in other.let_go:
            continue
        if not matches(rule, subject, other):
            continue
        if rule.action not in REFUSALS:
            return None
        if entry.hit(at):
            return rule
    return None


def _read_as(passage: Passage, message: Message) -> Passage:
    if passage.phase is Phase.ANSWER:
        return replace(passage, message=message)
    return replace(passage, message=message, exchange=None)


def _mark(engine: Engine, passage: Passage) -> None:
    """Say which ruled name the one that is asked for looks like."""
    if passage.phase is Phase.ANSWER:
        return
    rules = engine.steering.rules
    for name in named(passage.message):
        for ruled in rules.ruled.alike(name):
            mark = f"{LOOKALIKE}:{ruled}"
            if mark not in passage.tags:
                passage.tags.append(mark)
                rules.remember_alike(ruled, name)


def _told(other: Passage) -> str:
    return f"{other.method} {' '.join(named(other.message))}".strip()
