"""The rows of the frames view: one message or note a row, in wire order, nothing folded."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable

from mcpscope.store.listed import MessageRow, NoteRow
from mcpscope.store.pages import Pages
from mcpscope.tui.present.framerow import frame_line
from mcpscope.tui.present.rows import Look
from mcpscope.tui.present.spans import Line

PAGE = 120
KEPT = 3000


class FrameRows:
    """``Rows`` over ids of messages and notes."""

    def __init__(self, pages: Pages, ids: array[int], look: Callable[[], Look]) -> None:
        self._pages = pages
        self._look = look
        self.ids = ids
        self._kept: dict[int, MessageRow | NoteRow] = {}

    def __repr__(self) -> str:
        return f"<FrameRows {len(self.ids)} ids>"

    def __len__(self) -> int:
        return len(self.ids)

    def key(self, position: int) -> int:
        return self.ids[position]

    def position(self, key: int) -> int:
        return min(bisect_left(self.ids, key), max(0, len(self.ids) - 1))

    def frame(self, key: int) -> MessageRow | NoteRow | None:
        """The message or note with this id."""
        if key not in self._kept:
            if len(self._kept) > KEPT:
                self._kept.clear()
            start = max(0, self.position(key) - PAGE // 2)
            self._kept.update(self._pages.frames(list(self.ids[start : start + PAGE])))
        return self._kept.get(key)

    def line(self, position: int, width: int, *, here: bool) -> Line:
        found = self.frame(self.ids[position])
        return frame_line(found, width, self._look(), here=here) if found else []

    def take(self, ids: array[int]) -> None:
        """New ids at the end."""
        self.ids.extend(ids)
