"""Limits on the way of a message: its share is reserved when it leaves, and given back when it fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from mcpscope.engine import replacing, replies
from mcpscope.engine.clock import SECOND_NS
from mcpscope.engine.commands import Command, Note
from mcpscope.engine.exchange import Exchange, Status
from mcpscope.engine.limits import BookFault, Limit, Refused, Reserved, Want
from mcpscope.engine.live import status_of
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Phase, Rule
from mcpscope.protocol.message import Message

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

Out = list[Command]
Counted: TypeAlias = tuple[Passage, Rule, Limit]
"""What a rule counts: the message (or the question in one), the rule, and its limit."""

MAX_OPEN = 20_000
SHADOW = "shadow"
_ON_ITS_WAY = (Status.WAITING, Status.INPUT, Status.TASK)
_FAILED = ("rpc-error", "tool-error")


@dataclass(slots=True)
class Open:
    """What was reserved for one exchange whose answer has not come."""

    stream: int
    wants: list[Want]
    reserved: Reserved = ()


class Reservations:
    """Those of one session, by exchange; the oldest are forgotten (and stay spent) beyond MAX_OPEN."""

    def __init__(self) -> None:
        self.open: dict[int, Open] = {}

    def __repr__(self) -> str:
        return f"<Reservations {len(self.open)}>"

    def of(self, exchange: Exchange, stream: int) -> Open:
        """What is reserved for ``exchange``, which goes on."""
        found = self.open.setdefault(exchange.id, Open(stream, []))
        if len(self.open) > MAX_OPEN:
            del self.open[next(iter(self.open))]
        found.stream = stream
        return found


def reserve(engine: Engine, passage: Passage, counted: Sequence[Counted], at: int, out: Out) -> bool:
    """Take the share of ``passage`` of all limits at once; False where it was denied instead."""
    _shadowed(engine, passage, at)
    if not counted:
        return True
    there = None
    if passage.phase is Phase.REQUEST and passage.is_request and passage.exchange is not None:
        there = engine.reservations.of(passage.exchange, passage.stream)
    wants: list[tuple[Want, Rule]] = []
    for leg, rule, limit in counted:
        amount = _amount(limit, leg)
        if amount is None:
            why = f"{_place(limit)} is not a number that counts, and a limit counts it"
            _deny(engine, passage, rule, why, {}, at, out)
            return False
        want = Want(_key(engine, leg, rule, limit), amount, limit)
        more = _more(want, there.wants) if there is not None else want
        wants += [(more, rule)] if more is not None else []
    found = _asked(engine, [want for want, _ in wants], at)
    if isinstance(found, BookFault):
        why = "limits cannot be counted now, so nothing passes that they count"
        _deny(engine, passage, counted[0][1], why, {"fault": str(found)}, at, out)
    elif isinstance(found, Refused):
        at_fault = next(rule for want, rule in wants if want is found.want)
        detail: dict[str, object] = {"limit": found.want.key, "used": str(found.used)}
        detail |= {"opens": found.opens} if found.opens else {}
        _deny(engine, passage, at_fault, _told(found, at_fault, at), detail, at, out)
    elif there is not None:
        there.wants += [want for want, _ in wants]
        there.reserved += found
    return isinstance(found, tuple)


def answered(engine: Engine, exchange: Exchange, message: Message, at: int, out: Out) -> None:
    """An answer came: if it is the last, what was reserved is spent, or given back where the call failed."""
    if exchange.status in _ON_ITS_WAY:
        return
    found = engine.reservations.open.pop(exchange.id, None)
    if found is not None:
        _settle(engine, found, at, out, failed=status_of(message) in _FAILED)


def undone(engine: Engine, stream: int, at: int, out: Out) -> None:
    """What was sent on ``stream`` did not reach its receiver."""
    for id, found in tuple(engine.reservations.open.items()):
        if found.stream == stream:
            del engine.reservations.open[id]
            _settle(engine, found, at, out, failed=True)


def _settle(engine: Engine, found: Open, at: int, out: Out, *, failed: bool) -> None:
    book = engine.steering.book
    if book is None or not found.reserved:
        return
    try:
        if failed:
            book.give_back(found.reserved, at)
        else:
            book.keep(found.reserved)
    except BookFault as fault:
        out.append(Note("limit", f"a failed call keeps its share of a limit: {fault}"))


def _asked(engine: Engine, wants: Sequence[Want], at: int) -> Reserved | Refused | BookFault:
    book = engine.steering.book
    if book is None:
        return BookFault("nothing counts limits here")
    try:
        return book.reserve(wants, at)
    except BookFault as fault:
        return fault


def _shadowed(engine: Engine, passage: Passage, at: int) -> None:
    """What limits in shadow would have said; they count apart."""
    for rule in passage.shadowed:
        for limit in rule.limits:
            amount = _amount(limit, passage)
            want = Want(_key(engine, passage, rule, limit, SHADOW), amount or Decimal(0), limit)
            if amount is None or not isinstance(_asked(engine, [want], at), tuple):
                passage.tags.append(f"would-deny:{rule.name}")
                break
    passage.shadowed.clear()


def _more(want: Want, before: Sequence[Want]) -> Want | None:
    """What ``want`` is more than was reserved already: the next round of a call is the same call."""
    taken = [one.amount for one in before if one.key == want.key]
    if taken and want.amount <= sum(taken):
        return None
    return replace(want, amount=want.amount - sum(taken, Decimal(0)))


def _amount(limit: Limit, leg: Passage) -> Decimal | None:
    """How much this message counts; None where that cannot be told. Nothing counts less than nothing."""
    if not limit.of:
        return max(Decimal(0), limit.step)
    value: Any = leg.message.params
    for step in limit.of:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    amount = Decimal(str(value))
    return max(Decimal(0), amount) if amount.is_finite() else None


def _key(engine: Engine, leg: Passage, rule: Rule, limit: Limit, kind: str = "") -> str:
    """Names the counter, its time and the share: the same for all proxies on the machine."""
    names = engine.facts().client_names
    shares = {"caller": leg.caller or (names[0] if names else ""), "tool": leg.tool or leg.method}
    how = "utc" if limit.aligned else "sliding"
    said = [limit.counter or rule.name, f"{how} {limit.per_ns // SECOND_NS}s"]
    said += [] if limit.counter else [".".join(limit.of)]
    return json.dumps([*([kind] if kind else []), *said, *(shares[one] for one in limit.by)])


def _deny(
    engine: Engine, passage: Passage, rule: Rule, why: str, detail: dict[str, object], at: int, out: Out
) -> None:
    passage.actor, passage.rule = "rule", rule.name
    if passage.is_request:
        engine.forget(passage.exchange)
    data = replies.denied(passage, rule.name, why)
    replacing.replace(engine, passage, Word.DENIED, data, at, out, detail)


def _told(refused: Refused, rule: Rule, at: int) -> str:
    limit = refused.want.limit
    what = f"the sum of {_place(limit)}" if limit.of else "calls"
    said = (
        f"{_plain(refused.used)} of {_plain(limit.most)} are used ({what})"
        if limit.most is not None
        else "used up"
    )
    opens = f"it opens again at {_clock(refused.opens)}, in {_span(refused.opens - at)}"
    never = f"{_plain(refused.want.amount)} more never fits"
    return "; ".join(filter(None, (rule.message, said, opens if refused.opens else never)))


def _place(limit: Limit) -> str:
    return ".".join(limit.of).replace("arguments.", "args.", 1)


def _plain(value: Decimal | None) -> str:
    return f"{value:f}" if value is not None else "any"


def _clock(at: int) -> str:
    seconds = -(-at // SECOND_NS)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(ns: int) -> str:
    seconds = max(1, -(-ns // SECOND_NS))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{-(-seconds // size)} {unit}"
    return f"{seconds} s"
