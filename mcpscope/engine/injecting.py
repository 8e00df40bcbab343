"""Messages that a person sends through a live session: judged like any, answered to that person alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine.commands import Command, Tell
from mcpscope.engine.events import Injected
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

MAX_INJECTED = 1024


def injected(engine: Engine, event: Injected, out: list[Command]) -> None:
    """A person's message enters as if a peer had sent it."""
    passage = engine.passage(event.message, event.direction, event.at, event.stream)
    passage.actor, passage.injected = event.actor, True
    if passage.is_request and passage.exchange is not None:
        if len(engine.injected) >= MAX_INJECTED:
            engine.injected.pop(next(iter(engine.injected)))
        engine.injected[passage.exchange.id] = event.at
    engine.enter(passage, event.at, out)


def is_ours(engine: Engine, passage: Passage) -> bool:
    """Whether ``passage`` answers an injected request."""
    return passage.exchange is not None and passage.exchange.id in engine.injected


def answered(engine: Engine, passage: Passage, at: int, out: list[Command]) -> None:
    """The answer to an injected request: the peer never asked, so it does not hear it."""
    passage.actor = "mcpscope"
    out.append(engine.record(passage, Word.ABSORBED, at))
    told(engine, passage, passage.message.raw, out)


def told(engine: Engine, passage: Passage, answer: bytes, out: list[Command]) -> None:
    """Tell everybody attached what the answer is, and forget the question."""
    asked = engine.injected.pop(passage.exchange.id, passage.at) if passage.exchange else passage.at
    out.append(Tell("answered", {"at": asked, "answer": answer.decode(errors="replace")}))
