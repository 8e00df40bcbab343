"""Which exchanges a list shows: sessions, filter and order, and the reads that follow from them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mcpscope.engine.filter.completion import Completion, complete
from mcpscope.engine.filter.language import Filter, parse
from mcpscope.store.pages import Pages

SORTS = {
    "time": "id",
    "duration": "dur_ns",
    "request size": "req_bytes",
    "answer size": "res_bytes",
    "status": "status",
    "tool": "tool",
    "method": "method",
}
FIRST_PAGE = 300


@dataclass(frozen=True, slots=True)
class Selection:
    """``sessions`` None means all of them; ``filter`` None means no filter."""

    sessions: tuple[int, ...] | None = ()
    filter: Filter | None = None
    sort: str = "time"
    reverse: bool = False

    @property
    def by_time(self) -> bool:
        return self.sort == "time" and not self.reverse

    @property
    def asked(self) -> Filter | None:
        """The filter, unless it lets everything through."""
        return None if self.filter is None or self.filter.is_empty else self.filter

    def first(self) -> Callable[[Pages], array[int]]:
        """A read of the newest rows only, for the first picture."""
        return lambda pages: pages.newest(self.sessions, self.asked, FIRST_PAGE)

    def all(self) -> Callable[[Pages], array[int]]:
        """A read of every row's id in the order of the list."""

        def read(pages: Pages) -> array[int]:
            found = pages.ids(self.sessions, self.asked, order=SORTS[self.sort])
            if self.reverse:
                found.reverse()
            return found

        return read

    def among(self, ids: Iterable[int]) -> Callable[[Pages], set[int]]:
        """A read of which of ``ids`` belong to the list now."""
        wanted = list(ids)
        return lambda pages: pages.passing(wanted, self.sessions, self.asked)


def understood(text: str, now_ns: int) -> Filter:
    """The filter that ``text`` says; raises FilterError."""
    return parse(text, now_ns)


def completions(
    text: str, cursor: int, sessions: tuple[int, ...] | None
) -> Callable[[Pages], list[Completion]]:
    """A read of what fits at the cursor, with real values and their counts."""

    def read(pages: Pages) -> list[Completion]:
        return complete(text, cursor, lambda place, prefix: pages.suggested(place, prefix, sessions))

    return read
