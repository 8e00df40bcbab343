"""What a tool says of itself in its annotations, in words; what it does not say is not guessed."""

from __future__ import annotations

from typing import Any, Final

READ, WRITE, DESTROYS, OPEN, UNKNOWN = "read", "write", "DESTROYS", "open", "?"
WORDS: Final = (READ, WRITE, DESTROYS, OPEN, UNKNOWN)


def hints(definition: dict[str, Any]) -> tuple[str, ...]:
    """``read``, ``write``, ``DESTROYS``, ``open``; ``?`` alone where nothing is declared."""
    said = definition.get("annotations")
    if not isinstance(said, dict):
        return (UNKNOWN,)
    words = []
    if said.get("readOnlyHint") is True:
        words.append(READ)
    elif "readOnlyHint" in said:
        words.append(WRITE)
    if said.get("destructiveHint") is True and said.get("readOnlyHint") is not True:
        words.append(DESTROYS)
    if said.get("openWorldHint") is True:
        words.append(OPEN)
    return tuple(words) or (UNKNOWN,)
