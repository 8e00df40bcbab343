"""What the record says of breakpoints while nobody is there to decide, and once somebody is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from mcpscope.engine.rule import Action

if TYPE_CHECKING:
    from mcpscope.engine.steering import Steering

KIND: Final = "breakpoints"
"""The kind of the note."""
MAX_NAMED: Final = 3
_DETACHED: Final = {
    "pass": "{what} does not hold while nobody is attached",
    "error": "what {what} stops is answered with an error while nobody is attached",
}


class Noted(Protocol):
    """What has a record to write into."""

    def note(self, text: str, kind: str) -> None:
        """Put a line into it."""


def note_presence(steering: Steering, sessions: Iterable[Noted]) -> None:
    """Tell the records of ``sessions``, if there are breakpoints at all."""
    if text := presence(steering):
        for session in tuple(sessions):
            session.note(text, KIND)


def presence(steering: Steering) -> str:
    """Whether breakpoints and the intercept filter hold now, in a sentence.

    Empty where there are none, and where they hold whoever is there.
    """
    what = _named(steering)
    if not what or steering.detached.value not in _DETACHED:
        return ""
    if steering.attached:
        return f"{what} holds: somebody is attached"
    return _DETACHED[steering.detached.value].format(what=what)


def _named(steering: Steering) -> str:
    rules = [entry.rule for entry in steering.rules if entry.rule.enabled]
    stops = [rule for rule in rules if rule.action is Action.BREAK]
    texts = [rule.condition.text if rule.condition is not None else "" for rule in stops]
    named = ", ".join(text or "*" for text in texts[:MAX_NAMED])
    more = f" and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
    return f"{named}{more}"
