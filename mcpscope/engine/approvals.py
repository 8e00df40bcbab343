"""What people approved: which call, by whom, and what needs no other approval in this session."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from mcpscope.engine.decisions import Approve
from mcpscope.engine.holds import Hold, HoldKind
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Action, Rule

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

MAX_GRANTS = 1000


class Approvals:
    """Of one session: the digests of what is allowed again, and who said so. The oldest goes first."""

    def __init__(self) -> None:
        self._granted: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Approvals {len(self._granted)}>"

    def grant(self, rule: Rule, passage: Passage, actor: str) -> None:
        """The same arguments, by the same caller, need not be asked about by this rule again."""
        self._granted[_key(rule, passage)] = actor
        if len(self._granted) > MAX_GRANTS:
            del self._granted[next(iter(self._granted))]

    def by(self, rule: Rule, passage: Passage) -> str:
        """Who allowed it again; empty where nobody did."""
        return self._granted.get(_key(rule, passage), "") if self._granted else ""


def approve(engine: Engine, hold: Hold, wish: Approve, actor: str, at: int) -> None:
    """Remember that ``actor`` approved what ``hold`` holds; it is not let go here."""
    passage = hold.passage
    passage.said["approved"] = hold.digest
    if wish.why:
        passage.said["why"] = wish.why
    if wish.again and hold.ruled is not None and not passage.parts:
        passage.said["again"] = True
        engine.approvals.grant(hold.ruled, passage, actor)
    name = passage.exchange.name if passage.exchange else ""
    engine.steering.remember_approved(passage.method, name, (passage.message.raw, actor, at))


def covered(engine: Engine, passage: Passage, rule: Rule) -> bool:
    """Whether the same call was approved for the whole session; it counts as approved then."""
    if passage.parts or not (actor := engine.approvals.by(rule, passage)):
        return False
    passage.let_go.add(rule.name)
    passage.actor, passage.rule = actor, rule.name
    passage.said["approved_before"] = True
    return True


def stands(engine: Engine, hold: Hold) -> bool:
    """Whether the rule that held it is still the one that was answered: another one judges for itself."""
    entry = engine.steering.rules.get(hold.rule)
    if hold.kind is not HoldKind.ASK or hold.ruled is None or entry is None:
        return True
    return _same(entry.rule, hold.ruled)


def _same(one: Rule, other: Rule) -> bool:
    plain = [replace(rule, condition=None, enabled=True) for rule in (one, other)]
    return plain[0] == plain[1] and _text(one) == _text(other) and one.action is Action.ASK


def _text(rule: Rule) -> str:
    return rule.condition.text if rule.condition is not None else ""


def _key(rule: Rule, passage: Passage) -> str:
    """What makes two calls the same: who calls, which method, and all parameters but ``_meta``."""
    message = passage.message
    params = {key: value for key, value in message.params.items() if key != "_meta"}
    said = [rule.name, _text(rule), passage.caller, passage.direction.value, message.method, params]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
