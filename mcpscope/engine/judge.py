"""One message against the list of rules: who decides, who holds it, what is changed on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mcpscope.engine.guard import edited
from mcpscope.engine.limits import Limit
from mcpscope.engine.live import Facts, Live
from mcpscope.engine.passage import CANCELLED, Passage
from mcpscope.engine.patch import PatchError
from mcpscope.engine.rule import Action, Entry, Phase, Rule
from mcpscope.engine.seen import values_seen
from mcpscope.engine.steering import Steering
from mcpscope.protocol.message import Direction, Kind, Message

MAX_EDIT_ROUNDS = 32
SHOWN_BYTES = 400

UNTOUCHED_METHODS = frozenset({"ping", CANCELLED, "initialize", "server/discover"})
"""Breakpoints and the intercept filter hold these only when they spell the method out."""

POLICY = "policy"
_AIDS = ("breakpoint", "intercept")
UNTOLD = (Action.DENY, Action.ASK, Action.LIMIT)
"""Which rules act where the types did not allow a comparison: those that keep something from passing."""
_HOLDING = (Action.BREAK, Action.DELAY, Action.ASK)
_BAD = ("rpc-error", "tool-error")


@dataclass(slots=True)
class Verdict:
    """What the rules want: at most one decides; a hold and a delay may stand beside it.

    ``decides`` is never an ``allow``, which only ends the judging. ``notes`` are log-points and failed edits.
    ``allows`` is the rule of the policy that ended the judging.
    ``limits`` are those that it has to fit in, each with the message (or question) that counts for it.
    ``entry`` is the key of the ``inputRequests`` entry that the rule was about, if it was one.
    """

    decides: Rule | None = None
    holds: Rule | None = None
    delays: Rule | None = None
    entry: str = ""
    allows: Rule | None = None
    notes: list[str] = field(default_factory=list)
    limits: list[tuple[Passage, Rule, Limit]] = field(default_factory=list)


def judge(passage: Passage, steering: Steering, facts: Facts, at: int) -> Verdict:
    """Walk the list, again from its start after every edit, so that what leaves is what was judged."""
    verdict = Verdict()
    for _ in range(MAX_EDIT_ROUNDS):
        again = _walk(passage, steering, facts, at, verdict)
        if not again:
            break
    if verdict.decides is None and passage.phase is Phase.ANSWER:
        _judge_entries(passage, steering, facts, at, verdict)
    return verdict


def _walk(passage: Passage, steering: Steering, facts: Facts, at: int, verdict: Verdict) -> bool:
    """One walk; True if an edit was made and it has to begin anew."""
    direction = passage.direction
    if passage.phase is Phase.ANSWER:
        direction = direction.other
    place = (passage.phase, direction, passage.method, passage.tool)
    if not steering.rules.candidates(place):
        return False
    subject = Live(passage, facts, at)
    verdict.holds = verdict.delays = verdict.allows = None
    verdict.limits = []
    passage.shadowed.clear()
    settled: set[str] = set()
    for entry, found in _unsettled(steering.rules.sifted(place, subject, passage.let_go), settled):
        rule = entry.rule
        passes = bool(passage.let_go) and _approved(rule, found, subject, passage)
        if not passes and not _acts(entry, found, subject, passage, at):
            continue
        if rule.origin == POLICY and not passes:
            passage.saw |= values_seen(rule, passage, steering, facts, at)
        if passes or rule.action is Action.ALLOW:
            _passes(rule, passage, verdict)
            settled.add(rule.chapter)
        elif rule.action is Action.EDIT:
            if _edit(passage, rule, verdict, steering):
                return True
        elif rule.action.decides:
            verdict.decides, verdict.allows = rule, None
            break
        else:
            _aside(entry, passage, verdict, steering)
    return False


def _unsettled(
    sifted: Iterable[tuple[Entry, bool | None]], settled: set[str]
) -> Iterator[tuple[Entry, bool | None]]:
    """Those whose chapter no rule has ended yet."""
    for entry, found in sifted:
        if entry.rule.chapter not in settled:
            yield entry, found


def _passes(rule: Rule, passage: Passage, verdict: Verdict) -> None:
    """A rule that lets the message pass ends the judging of its chapter."""
    verdict.allows = verdict.allows or (rule if rule.origin == POLICY else None)
    _count(rule, passage, verdict)


def _approved(rule: Rule, found: bool | None, subject: Live, passage: Passage) -> bool:
    """Whether a person has answered what this rule asks: that decides, as ``allow`` does."""
    asks = rule.action is Action.ASK and rule.name in passage.let_go and not rule.shadow
    return asks and matches(rule, found, subject, passage)


def _acts(entry: Entry, found: bool | None, subject: Live, passage: Passage, at: int) -> bool:
    """Whether the rule matches, its first hits have passed, and it has not had its say on this message."""
    rule = entry.rule
    if rule.name in passage.applied or not matches(rule, found, subject, passage):
        return False
    if rule.action is Action.BREAK and _flows(rule, passage):
        return False
    if rule.name not in passage.counted:
        passage.counted.add(rule.name)
        if not entry.hit(at):
            passage.applied.add(rule.name)
            return False
    if rule.name in passage.let_go and rule.action in _HOLDING:
        return False
    if rule.shadow and rule.limits:
        passage.shadowed.append(rule)
        return False
    if rule.shadow:
        passage.tags.append(f"would-{rule.action.value}:{rule.name}")
        passage.applied.add(rule.name)
        return False
    return True


def matches(rule: Rule, found: bool | None, subject: Live, passage: Passage) -> bool:
    """Whether the rule is about the message; ``found`` is what its condition said, None for not told."""
    if (rule.server or rule.caller) and not _is_about(rule, subject, passage):
        return False
    if rule.errors_only and passage.phase is Phase.ANSWER and subject.status not in _BAD:
        return False
    # A comparison that the types did not allow refuses, and lets nothing else happen.
    return bool(found) or (found is None and rule.action in UNTOLD)


def _is_about(rule: Rule, subject: Live, passage: Passage) -> bool:
    """Whether the message is to or from the server and the caller that the rule is narrowed to."""
    if rule.server and rule.server not in subject.server_names:
        return False
    return not rule.caller or rule.caller == passage.caller


def _flows(rule: Rule, passage: Passage) -> bool:
    if rule.origin not in _AIDS or passage.method not in UNTOUCHED_METHODS:
        return False
    return rule.condition is None or not rule.condition.names_method(passage.method)


def _aside(entry: Entry, passage: Passage, verdict: Verdict, steering: Steering) -> None:
    """What does not decide: the first hold and the first delay count, tags and log lines add up."""
    rule = entry.rule
    if rule.action is Action.BREAK:
        verdict.holds = verdict.holds or rule
        return
    if rule.action is Action.DELAY:
        verdict.delays = verdict.delays or rule
        if verdict.delays is rule and entry.chance is not None and passage.jitter_ns < 0:
            passage.jitter_ns = entry.chance.jitter()
        return
    if rule.action is Action.LIMIT:
        _count(rule, passage, verdict)
        return
    passage.applied.add(rule.name)
    if rule.action is Action.TAG:
        passage.tags.append(rule.tag or rule.name)
    else:
        shown = steering.shown(passage.message.raw)[:SHOWN_BYTES].decode(errors="replace")
        verdict.notes.append(f"{rule.message or rule.name}: {shown}")
    if rule.once:
        steering.rules.enable(rule.name, on=False)


def _count(rule: Rule, passage: Passage, verdict: Verdict) -> None:
    verdict.limits += [(passage, rule, limit) for limit in rule.limits]


def _edit(passage: Passage, rule: Rule, verdict: Verdict, steering: Steering) -> bool:
    passage.applied.add(rule.name)
    try:
        message = edited(passage.message, rule.patch)
    except PatchError as error:
        verdict.notes.append(f"rule {rule.name} could not edit the message: {error}")
        return False
    passage.message = message
    passage.actor = passage.actor or "rule"
    passage.rule = passage.rule or rule.name
    if rule.once:
        steering.rules.enable(rule.name, on=False)
    return True


def asks(message: Message) -> bool:
    """Whether an answer puts questions. What was read tells: in bytes a name is spelled in many ways."""
    return message.kind is Kind.RESULT and type(message.result) is dict and "inputRequests" in message.result


def questions(passage: Passage) -> Iterator[tuple[str, Passage]]:
    """The entries of ``inputRequests`` in an answer, by their keys: each on its way like a request."""
    entries = passage.message.result["inputRequests"] if asks(passage.message) else None
    for key, body in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(body, dict) or not isinstance(body.get("method"), str):
            continue
        message = passage.message
        asked = Message(message.raw, Kind.REQUEST, body, body["method"], problems=message.problems)
        leg = Passage(
            Direction.TO_CLIENT,
            asked,
            asked,
            passage.at,
            passage.stream,
            Phase.REQUEST,
            passage.exchange,
            caller=passage.caller,
        )
        leg.let_go = passage.let_go
        yield key, leg


def _judge_entries(passage: Passage, steering: Steering, facts: Facts, at: int, verdict: Verdict) -> None:
    """A modern server's questions in an answer, each judged like a request."""
    for key, leg in questions(passage):
        inner = Verdict()
        leg.applied = {entry.rule.name for entry in steering.rules if entry.rule.action is Action.EDIT}
        _walk(leg, steering, facts, at, inner)
        passage.tags.extend(leg.tags)
        verdict.notes.extend(inner.notes)
        verdict.limits.extend(inner.limits)
        passage.shadowed.extend(leg.shadowed)
        if verdict.holds is None and inner.holds is not None:
            verdict.holds, verdict.entry = inner.holds, key
        if inner.decides is not None:
            verdict.decides, verdict.entry = inner.decides, key
            return
