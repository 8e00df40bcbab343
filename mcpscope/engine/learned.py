"""A policy learned from recorded sessions, and held against them until they pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from mcpscope.engine.backtest import Trial
from mcpscope.engine.outcomes import Word
from mcpscope.engine.policy.learning import Learner
from mcpscope.engine.policy.load import load
from mcpscope.protocol.message import Direction, Message

MAX_ROUNDS = 4


class Heard(NamedTuple):
    """One message of a session that was forwarded; see engine.events.Received."""

    message: Message
    direction: Direction
    at: int
    stream: int = 0
    caller: str = ""


class Learned(NamedTuple):
    """The policy as a file, how many rules it has, and how many messages do not pass it all the same.

    ``unreadable`` are those among them that pass no policy: they cannot be read with certainty.
    """

    text: str
    rules: int
    left: int
    unreadable: int = 0


Sessions: TypeAlias = Callable[[], Iterable[Iterable[Heard]]]


def learned(sessions: Sessions, about: str) -> Learned:
    """Learn from ``sessions``, which are gone through several times; ``about`` describes them.

    A message that a lenient reader may take for another passes only if that one is allowed, too: where it
    is not, it is learned as well. What cannot be read with certainty passes no policy.
    """
    learner = Learner()
    for session in sessions():
        for one in session:
            learner.take(one.message, one.direction)
    for _ in range(MAX_ROUNDS):
        text = learner.policy(about)
        refused = unreadable = 0
        for session in sessions():
            trial = Trial([load(text)])
            for one in session:
                judged = trial.judge(one.message, one.direction, one.at, one.stream, one.caller, passed=True)
                if judged is None or judged.word == Word.FORWARDED.value:
                    continue
                refused += 1
                unreadable += judged.word == Word.REFUSED.value
                for reading in trial.readings(one.message):
                    learner.take(reading, one.direction)
        if refused == unreadable or text == learner.policy(about):
            break
    return Learned(text, learner.rules, refused, unreadable)
