"""Which of all that servers offer is listed, and in which order: the kind, what matches, what is marked."""

from __future__ import annotations

from collections.abc import Sequence

from mcpscope.tui.offers import KINDS, Thing
from mcpscope.tui.present import figures
from mcpscope.tui.present.spans import Span
from mcpscope.tui.screens.thingrows import SORTS
from mcpscope.tui.screens.toggling import chosen

FIRST_SORT = "listed"


class Shelf:
    """``kind``, ``needle`` (part of a name, globs, hints), ``sort`` and ``reverse`` choose what is listed."""

    def __init__(self) -> None:
        self.kind = KINDS[0]
        self.needle, self.sort, self.reverse = "", FIRST_SORT, False
        self.marked: set[tuple[str, str, str]] = set()
        self._numbers: dict[tuple[str, str, str], int] = {}

    def __repr__(self) -> str:
        return f"<Shelf {self.kind} {self.needle!r} by {self.sort} marked={len(self.marked)}>"

    def number(self, thing: Thing) -> int:
        """A number for the thing, for as long as the screen lives."""
        return self._numbers.setdefault(thing.key, len(self._numbers))

    def of_kind(self, things: Sequence[Thing]) -> list[Thing]:
        """Those of the kind that is looked at."""
        return [thing for thing in things if thing.kind == self.kind]

    def pick(self, things: Sequence[Thing]) -> list[Thing]:
        """What is listed of ``things``, in order."""
        found = self.of_kind(things)
        if self.needle:
            named = {thing.key for thing in chosen(found, self.needle.split(), self.kind)}
            needle = self.needle.lower()
            found = [thing for thing in found if thing.key in named or needle in thing.name.lower()]
        found.sort(key=SORTS[self.sort])
        if self.reverse:
            found.reverse()
        return found

    def targets(self, things: Sequence[Thing], one: Thing | None) -> list[Thing]:
        """What a key acts on: the marked rows of this kind, else ``one``, which is under the cursor."""
        marked = [thing for thing in self.of_kind(things) if thing.key in self.marked] if self.marked else []
        return marked or ([one] if one is not None else [])

    def mark(self, thing: Thing) -> None:
        """Mark it, or no longer."""
        self.marked.symmetric_difference_update({thing.key})

    def turn(self, step: int) -> None:
        """To the kind before or behind."""
        self.kind = KINDS[(KINDS.index(self.kind) + step) % len(KINDS)]

    def words(self, things: Sequence[Thing]) -> list[Span]:
        """How many there are, how many a client sees, and how they are chosen: for the status line."""
        listed = [thing for thing in self.of_kind(things) if thing.offered.listed]
        seen = sum(not thing.hidden_by for thing in listed)
        live = any(thing.links for thing in listed)
        words = f"{len(listed)} from the server, {seen} visible to the client"
        parts: list[Span] = [(words if live else f"{figures.plural(len(listed), self.kind)} listed", "")]
        if self.marked:
            parts.append((f"{len(self.marked)} marked", "match"))
        if self.needle:
            parts.append((f"filter: {self.needle}", "accent"))
        if self.sort != FIRST_SORT:
            parts.append((f"by {self.sort}", "muted"))
        return parts
