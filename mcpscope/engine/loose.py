"""Requests that were answered under another spelling of their id, which not every client takes for theirs."""

from __future__ import annotations

from dataclasses import replace

from mcpscope.engine.exchange import Exchange, Flag
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Phase
from mcpscope.protocol.ids import other_spelling
from mcpscope.protocol.message import Message, RpcId

MAX_LOOSE = 256
"""So many are remembered, the latest."""


class Loose:
    """By their ids; what answers nothing that is open may be the answer that such a client waits for."""

    def __init__(self) -> None:
        self._known: dict[RpcId, tuple[Exchange, Message | None]] = {}

    def __repr__(self) -> str:
        return f"<Loose {len(self._known)}>"

    def heard(self, passage: Passage) -> None:
        """Remember what ``passage`` answers, if its id is spelled otherwise there."""
        exchange = passage.exchange
        if passage.phase is Phase.ANSWER and exchange is not None and exchange.has_flag(Flag.ID_TYPE):
            key = _number(passage.message.id)
            self._known.pop(key, None)
            self._known[key] = (exchange, passage.request)
            if len(self._known) > MAX_LOOSE:
                del self._known[next(iter(self._known))]

    def other(self, passage: Passage) -> Passage | None:
        """``passage`` as an answer to what was answered so before; None where it is clear what it answers."""
        if passage.phase is not Phase.ANSWER or passage.method:
            return None
        found = self._known.get(_number(passage.message.id))
        return None if found is None else replace(passage, exchange=found[0], request=found[1])


def _number(id: RpcId) -> RpcId:
    """One of all spellings of an id."""
    found = other_spelling(id) if isinstance(id, str) else None
    return id if found is None else found
