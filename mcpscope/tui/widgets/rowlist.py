"""The virtual list: paints what is visible of any number of rows; its cursor is bound to a row's key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textual import events
from textual.message import Message
from textual.strip import Strip

from mcpscope.tui.present.spans import Line
from mcpscope.tui.widgets.painted import Pane


class Rows(Protocol):
    """What a list shows. Positions may shift, keys stay: a key is the id of one thing for ever."""

    def __len__(self) -> int: ...

    def key(self, position: int) -> int:
        """The key of the row at ``position``."""
        ...

    def position(self, key: int) -> int:
        """Where the row with ``key`` is, or where the row nearest to it is."""
        ...

    def line(self, position: int, width: int, *, here: bool) -> Line:
        """The row at ``position`` as ``width`` cells of spans."""
        ...


class NoRows:
    """An empty list."""

    def __len__(self) -> int:
        return 0

    def key(self, position: int) -> int:
        raise IndexError(position)

    def position(self, key: int) -> int:
        return 0

    def line(self, position: int, width: int, *, here: bool) -> Line:
        raise IndexError(position)


class RowList(Pane):
    """A list over ``Rows``. It follows the end until the cursor leaves it, and follows again from there.

    ``empty`` is painted where there are no rows.
    """

    class Moved(Message):
        """The cursor stands on another row (or the same row's content is to be shown anew)."""

        def __init__(self, rows: RowList, key: int | None) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> RowList:
            return self.rows

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RowList.Moved) and message.rows is self.rows

    class Opened(Message):
        """A double click: open the row under the cursor, as Enter does."""

    def __init__(self, *, follows: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Rows = NoRows()
        self.follows = follows
        self.follow = follows
        self.selected: int | None = None
        self.empty: Sequence[Line] = ()

    def __repr__(self) -> str:
        return (
            f"<RowList {len(self.rows)} rows, cursor {self.cursor} on {self.selected}, follow {self.follow}>"
        )

    def line_count(self) -> int:
        return len(self.rows)

    def show(self, rows: Rows) -> None:
        """Show other rows; the cursor goes to the row it was on, or the one nearest to it."""
        self.rows = rows
        self.changed()

    def changed(self) -> None:
        """The rows changed: take their number anew, keep the cursor on its row and the row on its line."""
        count = len(self.rows)
        if self.virtual_size.height != count or self.virtual_size.width != self.size.width:
            self.virtual_size = self.virtual_size.with_height(count).with_width(self.size.width)
        before = self.selected
        if count == 0:
            self.cursor, self.selected = 0, None
        elif self.follow or self.selected is None:
            self._stand_on(count - 1 if self.follow else min(self.cursor, count - 1))
        else:
            offset = self.cursor - self.scroll_offset.y
            at = max(0, min(self.rows.position(self.selected), count - 1))
            if at != self.cursor:
                self.cursor = at
                self.scroll_to(y=max(0, at - offset), animate=False, immediate=True, force=True)
            self.selected = self.rows.key(at)
        if self.follow and count:
            self.reach(count - 1)
        self.refresh()
        if self.selected != before:
            self.post_message(self.Moved(self, self.selected))

    def _stand_on(self, position: int) -> None:
        self.cursor = position
        self.selected = self.rows.key(position)

    def select(self, key: int) -> None:
        """Put the cursor on the row with ``key``."""
        self.follow = False
        self.go(self.rows.position(key))

    def go(self, line: int) -> None:
        if not len(self.rows):
            return
        last = len(self.rows) - 1
        if self.follows and line < self.cursor:
            self.follow = False
        super().go(line)
        if self.follows and line > last and self.cursor == last:
            self.follow = True

    def move(self, how: str) -> None:
        super().move(how)
        if how == "bottom" and self.follows:
            self.follow = True
            self.moved()

    def moved(self) -> None:
        self.selected = self.rows.key(self.cursor) if len(self.rows) else None
        self.post_message(self.Moved(self, self.selected))

    def render_line(self, y: int) -> Strip:
        if not len(self.rows) and y < len(self.empty):
            return self.brush.strip(self.empty[y], self.size.width)
        return super().render_line(y)

    def paint(self, line: int, width: int) -> Strip:
        here = line == self.cursor
        spans = self.rows.line(line, width, here=here)
        return self.brush.strip(spans, width, over="cursor" if here and self.has_focus else "")

    def on_resize(self, event: events.Resize) -> None:
        event.prevent_default()
        self.virtual_size = self.virtual_size.with_width(event.size.width)
        if len(self.rows):
            self.reach(self.cursor)

    def on_click(self, event: events.Click) -> None:
        line = event.y + self.scroll_offset.y
        if line < len(self.rows):
            self.follow = False
            self.go(line)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.go(self.cursor - 3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.go(min(self.cursor + 3, len(self.rows) - 1))
