"""The rows of Traffic: ids in order, a page of exchanges around what is painted, nothing more in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Set

from mcpscope.store.listed import ExchangeRow
from mcpscope.store.pages import Pages
from mcpscope.tui.present.rows import Look, columns, row_line
from mcpscope.tui.present.spans import Line, pad

PAGE = 120
KEPT = 3000


class ExchangeRows:
    """``Rows`` over ids of exchanges. ``by_time`` tells that ids stand in their own order."""

    def __init__(
        self, pages: Pages, ids: array[int], look: Callable[[], Look], *, by_time: bool = True
    ) -> None:
        self._pages = pages
        self._look = look
        self.ids = ids
        self.by_time = by_time
        self.waterfall = False
        self.marked: set[int] = set()
        self._kept: dict[int, ExchangeRow] = {}

    def __repr__(self) -> str:
        return f"<ExchangeRows {len(self.ids)} ids, {len(self._kept)} kept>"

    def __len__(self) -> int:
        return len(self.ids)

    def key(self, position: int) -> int:
        return self.ids[position]

    def position(self, key: int) -> int:
        if self.by_time:
            at = bisect_left(self.ids, key)
            if at < len(self.ids) and self.ids[at] == key:
                return at
            # The nearest in time: ids are given in the order of time.
            return (
                at - 1 if at and (at == len(self.ids) or key - self.ids[at - 1] <= self.ids[at] - key) else at
            )
        try:
            return self.ids.index(key)
        except ValueError:
            return 0

    def __contains__(self, key: int) -> bool:
        if not self.by_time:
            return key in self.ids
        at = bisect_left(self.ids, key)
        return at < len(self.ids) and self.ids[at] == key

    def row(self, key: int) -> ExchangeRow | None:
        """The exchange with this id; None where it is gone."""
        found = self._kept.get(key)
        if found is None:
            self._load(self.position(key) if key in self else -1, key)
            found = self._kept.get(key)
        return found

    def line(self, position: int, width: int, *, here: bool) -> Line:
        row = self.row(self.ids[position])
        if row is None:
            return [(pad("  (deleted)", width), "muted")]
        look = self._look()
        shape = columns(width, waterfall=self.waterfall, findings=bool(look.marks))
        line = row_line(row, shape, width, look, here=here)
        if row.id in self.marked:
            line[0] = (line[0][0][0].replace(" ", look.glyphs.mark) + line[0][0][1:], "match")
        return line

    def around(self, first: int, count: int) -> list[ExchangeRow]:
        """The exchanges at these positions, for the waterfall's window."""
        ids = self.ids[max(0, first) : first + count]
        return [row for key in ids if (row := self.row(key)) is not None]

    def forget(self, keys: Iterable[int]) -> None:
        """Read these exchanges again when they are painted next."""
        for key in keys:
            self._kept.pop(key, None)

    def merge(self, passing: Set[int], failing: Set[int]) -> int:
        """Take in what passes the filter now and leave out what does not; returns how many are new."""
        fresh = sorted(key for key in passing if key not in self)
        for key in fresh:
            if not self.ids or key > self.ids[-1] or not self.by_time:
                self.ids.append(key)
            else:
                self.ids.insert(bisect_left(self.ids, key), key)
        for key in failing:
            if key in self:
                del self.ids[self.position(key)]
        self.forget(passing)
        return len(fresh)

    def _load(self, position: int, key: int) -> None:
        if len(self._kept) > KEPT:
            self._kept.clear()
        wanted = [key]
        if position >= 0:
            start = max(0, position - PAGE // 2)
            wanted = [one for one in self.ids[start : start + PAGE] if one not in self._kept]
        self._kept.update(self._pages.rows(wanted))
