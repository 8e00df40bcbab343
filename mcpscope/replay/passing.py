"""Which requests go to the server behind a stand-in although the recording could answer them."""

from __future__ import annotations

from mcpscope.engine.filter.language import parse
from mcpscope.engine.live import Facts, Live
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Phase
from mcpscope.protocol.message import Direction, Message


class Passing:
    """A filter over requests; an empty one takes none."""

    def __init__(self, text: str) -> None:
        """Raises FilterError where the filter makes no sense."""
        self._text = text
        self._predicate = parse(text).predicate() if text else None

    def __repr__(self) -> str:
        return f"Passing({self._text!r})"

    def takes(self, request: Message) -> bool:
        if self._predicate is None:
            return False
        passage = Passage(Direction.TO_SERVER, request, request, 0, 0, Phase.REQUEST, request=request)
        return self._predicate(Live(passage, Facts(), 0))
