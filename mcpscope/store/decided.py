"""What became of a message of the gate: its outcome, its fate, and how that shows on its exchange."""

from __future__ import annotations

import json

from mcpscope.engine.exchange import Exchange, Status
from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.protocol.methods import Method
from mcpscope.store.recorded import Recorded
from mcpscope.store.records import Dir, Record
from mcpscope.store.rows import Batch

_STATUS = {
    Word.HELD: Status.HELD,
    Word.FORWARDED: Status.WAITING,
    Word.EDITED: Status.WAITING,
    Word.ANSWERED: Status.MOCK,
    Word.DENIED: Status.DENIED,
    Word.REFUSED: Status.DENIED,
    Word.DROPPED: Status.DROPPED,
    Word.ABANDONED: Status.CANCELLED,
}
_LEFT = (Word.FORWARDED, Word.EDITED)
_FLAG = {Word.HELD: "bp", Word.EDITED: "edited", Word.ANSWERED: "mock", Word.GAVE_UP: "cancel"}


def take_outcome(session: Recorded, record: Record, batch: Batch) -> None:
    """Write down the OUTCOME in ``record``; one that names no message of the gate is passed over."""
    try:
        outcome = Outcome.from_record(record.payload)
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # only a damaged journal says such a thing
    id = session.awaiting.get(outcome.of)
    if id is None:
        return
    if outcome.word in (Word.FORWARDED, Word.EDITED):
        batch.rows.fates.append((None, id))
        session.last_of[record.dir, record.stream] = id
    status, flags = shown_as(outcome)
    changed = session.exchanges.decided(session.owners.get(id, id), session.time(outcome.at), status, *flags)
    if changed is not None:
        if record.dir == Dir.TO_SERVER and outcome.word is Word.EDITED:
            _called(changed, outcome.sent)
        batch.touch(session.id, changed)
    if outcome.word.final:
        del session.awaiting[outcome.of]
        session.owners.pop(id, None)
    detail = json.dumps(outcome.detail) if outcome.detail else None
    batch.rows.outcomes.append(
        (
            id,
            outcome.word.value,
            outcome.actor,
            outcome.rule or None,
            outcome.at,
            outcome.waited_ns or None,
            outcome.sent,
            detail,
        )
    )


def _called(exchange: Exchange, sent: bytes | None) -> None:
    """A call that left under another name is one of the tool that the server knows by it, as for rules."""
    if exchange.method != Method.TOOLS_CALL or sent is None:
        return
    try:
        name = json.loads(sent)["params"]["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(name, str):
        exchange.tool = exchange.name = name


def shown_as(outcome: Outcome) -> tuple[Status | None, list[str]]:
    """The status that ``outcome`` gives its exchange (None: it stays) and the flags it adds.

    ``warned``: it went on though something was wrong with it, a misfit of its schema for example.
    """
    flags = [_FLAG[outcome.word]] if outcome.word in _FLAG else []
    if outcome.detail.get("kind") == "delay":
        flags = ["delayed"]
    if outcome.detail.get("fault"):
        flags.append("fault")
    if outcome.word in _LEFT and outcome.detail.get("warnings"):
        flags.append("warned")
    if outcome.rule:
        flags.append(f"rule:{_word(outcome.rule)}")
    tags = outcome.detail.get("tags")
    flags += [_word(tag) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return _STATUS.get(outcome.word), flags


def _word(text: str) -> str:
    """A name as a flag: flags are words."""
    return "-".join(text.split())
