"""What became of a message: the closed list of outcomes, and their form in the journal.

``held`` and ``gave-up`` are stations on the way; every other word is final, and every message gets exactly
one final outcome. A message that was forwarded as it came without stopping is a flag of its own journal
record (``UNCHANGED_FLAG``); all others have an OUTCOME record, written before a byte of the consequence
leaves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

UNCHANGED_FLAG = 1
"""Flag bit of a MESSAGE record: judged, and forwarded as it came; no OUTCOME record follows."""


class Word(StrEnum):
    """What became of a message."""

    HELD = "held"  # station: stopped, somebody may decide
    GAVE_UP = "gave-up"  # station: held, and the one who sent it no longer waits
    FORWARDED = "forwarded"  # released with the bytes it came with
    EDITED = "edited"  # left with other bytes, which are in the record
    ANSWERED = "answered"  # answered by us, the other side never saw it (shown as mock)
    DENIED = "denied"  # a rule or person refused it; its sender got the form of mcp-wire.md 10.4
    DROPPED = "dropped"  # refused with an error of the person's choice, or swallowed
    ABANDONED = "abandoned"  # never sent: its sender gave up, its deadline passed or the session ended
    ABSORBED = "absorbed"  # a cancellation of a request that the other side never saw
    REFUSED = "refused"  # could not be carried: unreadable, too large, not recorded, upstream gone

    @property
    def final(self) -> bool:
        return self not in (Word.HELD, Word.GAVE_UP)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome. ``of`` is the ``at`` of the message (unique in its session), times are unix ns.

    ``actor`` is who decided: ``rule``, ``client``, ``server``, ``deadline``, ``session end``, ``mcpscope``
    or the name a person's tool gave itself (``ui pts/3``). ``sent`` are the bytes that left in its place,
    if others.
    """

    of: int
    word: Word
    at: int
    actor: str
    rule: str = ""
    waited_ns: int = 0
    sent: bytes | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def to_record(self) -> bytes:
        """The payload of an OUTCOME record: a JSON object, then NUL and ``sent`` where there is one."""
        said: dict[str, Any] = {"of": self.of, "outcome": self.word.value, "at": self.at, "actor": self.actor}
        if self.rule:
            said["rule"] = self.rule
        if self.waited_ns:
            said["waited_ns"] = self.waited_ns
        if self.detail:
            said["detail"] = self.detail
        head = json.dumps(said, separators=(",", ":")).encode()
        return head if self.sent is None else b"%b\0%b" % (head, self.sent)

    @classmethod
    def from_record(cls, payload: bytes) -> Outcome:
        """Read ``to_record`` back; raises ValueError or KeyError on anything else."""
        head, mark, sent = payload.partition(b"\0")
        said = json.loads(head)
        return cls(
            of=said["of"],
            word=Word(said["outcome"]),
            at=said["at"],
            actor=said["actor"],
            rule=said.get("rule", ""),
            waited_ns=said.get("waited_ns", 0),
            sent=sent if mark else None,
            detail=said.get("detail", {}),
        )
