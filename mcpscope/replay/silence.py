"""When to give a live server up: it may be slow, but it may not say nothing at all for ever."""

from __future__ import annotations

MAX_MISSED = 3
SILENT = "the upstream says nothing any more"


class Silence:
    """How many requests in a row went unanswered while not a word came."""

    def __init__(self) -> None:
        self._missed = 0

    def __repr__(self) -> str:
        return f"<Silence missed={self._missed}>"

    def heard(self) -> None:
        """Something came."""
        self._missed = 0

    def missed(self) -> bool:
        """A request waited too long; returns whether to wait for no further one."""
        self._missed += 1
        return self._missed >= MAX_MISSED
