"""Policies tried on messages that nobody forwards: what would become of each, and which rule says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcpscope.engine import doubt
from mcpscope.engine.commands import Command, Forward, Record
from mcpscope.engine.decisions import Approve, Deny
from mcpscope.engine.engine import Engine
from mcpscope.engine.events import Decided, Received, Tick
from mcpscope.engine.holds import HoldKind
from mcpscope.engine.limits import Book, MemoryBook
from mcpscope.engine.live import Live
from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.engine.passage import Passage, tool_of
from mcpscope.engine.policy.load import ORIGIN, Policy, in_force
from mcpscope.engine.rule import Action, Phase
from mcpscope.engine.steering import Steering, certain
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Direction, Message

_LEAVES = (Word.FORWARDED.value, Word.EDITED.value)


@dataclass(frozen=True, slots=True)
class Judged:
    """What would become of one message: an outcome's word, the rule it is owed to, and what else is said."""

    word: str
    rule: str = ""
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of the list held against a message: ``yes``, ``no``, or ``not told`` where types do not fit.

    ``elsewhere`` is said of rules that cannot concern such a message.
    """

    rule: str
    action: str
    looks_for: str
    found: str


class Trial:
    """One session under ``policies``, as a proxy would judge it with nobody attached.

    Limits are counted in ``book``, which several trials may share; without one from nothing on.
    """

    def __init__(self, policies: Sequence[Policy], *, client: str = "", book: Book | None = None) -> None:
        self._steering = Steering()
        self._steering.book = book or MemoryBook()
        self._steering.strict = certain
        self._steering.view.obey([glob for policy in policies for glob in policy.hide])
        self._steering.rules.replace_origin(ORIGIN, in_force(policies))
        self._engine = Engine(self._steering)
        self._moot: dict[tuple[Direction, int, str], bool] = {}
        identity = self._engine.memory.identity
        identity.facts = replace(identity.facts, client_name=client)

    def __repr__(self) -> str:
        return f"<Trial {self._steering!r}>"

    def judge(
        self,
        message: Message,
        direction: Direction,
        at: int,
        stream: int = 0,
        caller: str = "",
        *,
        passed: bool = False,
    ) -> Judged | None:
        """What would become of ``message``, the next one of the session; None where it would not have come.

        What a rule asks about is approved where it ``passed`` in truth: what follows is judged as then.
        """
        if message.is_answer and self._is_moot(message, direction, stream):
            return None
        engine = self._engine
        commands = engine.handle(Received(direction, message, at, stream, caller))
        asked = ""
        while (hold := next(iter(engine.holds), None)) is not None:
            if hold.kind is not HoldKind.ASK:
                commands = commands + engine.handle(Tick(hold.deadline))
                continue
            asked = hold.rule
            decision = Approve(hold.digest) if passed else Deny()
            commands = commands + engine.handle(Decided(hold.id, decision, "", at))
        judged = _told(commands, at)
        if message.has_id and not message.is_answer and judged.word not in _LEAVES:
            self._moot[direction, stream, spelled(message.id)] = True
        return replace(judged, word=Action.ASK.value, rule=asked) if asked else judged

    def _is_moot(self, message: Message, direction: Direction, stream: int) -> bool:
        """Whether it answers what would not have been asked."""
        return self._moot.pop((direction.other, stream, spelled(message.id)), False)

    def readings(self, message: Message) -> list[Message]:
        """What else ``message`` may be taken for, under these rules and beside what was listed."""
        return [reading.message for reading in doubt.readings_of(self._engine, message)]

    def steps(self, message: Message, direction: Direction, at: int, caller: str = "") -> list[Step]:
        """Every rule in order, held against ``message`` as it came."""
        phase = Phase.ANSWER if message.is_answer else Phase.REQUEST
        passage = Passage(direction, message, message, at, 0, phase, caller=caller)
        place = (phase, direction, message.method, tool_of(message))
        rules = self._steering.rules
        could = {entry.rule.name for entry in rules.candidates(place)}
        subject = Live(passage, self._engine.facts(), at)
        found: list[Step] = []
        for entry in rules:
            rule = entry.rule
            looks_for = rule.condition.text if rule.condition is not None else ""
            if rule.name not in could:
                verdict = "elsewhere"
            else:
                said = True if rule.condition is None else rule.condition.test(subject)
                verdict = "not told" if said is None else "yes" if said else "no"
            found.append(Step(rule.name, rule.action.value, looks_for, verdict))
        return found


def _told(commands: list[Command], at: int) -> Judged:
    outcomes = [one.outcome for one in commands if isinstance(one, Record) and one.outcome.of == at]
    if not outcomes:
        passed = any(isinstance(one, Forward) for one in commands)
        return Judged(Word.FORWARDED.value if passed else Word.REFUSED.value)
    last: Outcome = outcomes[-1]
    tags, warnings = (last.detail.get(key) or () for key in ("tags", "warnings"))
    return Judged(last.word.value, last.rule, tuple(map(str, tags)), tuple(map(str, warnings)))
