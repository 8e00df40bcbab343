"""The virtual viewer of one body: paints the visible lines of a Document or of raw bytes; searches them."""

from __future__ import annotations

import re

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.document import Document, RawText
from mcpscope.tui.present.spans import Line, clip, width_of
from mcpscope.tui.widgets.painted import Pane

WRAP_LIMIT_LINES = 20_000


class Viewer(Pane):
    """Shows a ``Document``, a ``RawText`` or plain spans; the cursor is a row of it."""

    class Opened(Message):
        """Enter on a line: the screen opens what stands there."""

    class WidthChanged(Message):
        """There is room for longer lines, or less."""

    def __init__(self, *, id: str | None = None, revealed: bool = False) -> None:
        super().__init__(id=id)
        self._width = 0
        self.revealed = revealed
        """Whether secrets are shown, too."""
        self.content: Document | RawText | list[Line] = []
        self.offsets = False
        self.wrap = False
        self.pattern: re.Pattern[bytes] | None = None
        self._wrapped: list[tuple[int, int]] | None = None

    def __repr__(self) -> str:
        return f"<Viewer {type(self.content).__name__} {len(self.content)} rows, cursor {self.cursor}>"

    def show(self, content: Document | RawText | list[Line], *, keep: bool = False) -> None:
        """Show ``content`` from its first line, or from the same line with ``keep``."""
        self.content = content
        if not keep:
            self.cursor = 0
            self.scroll_to(0, 0, animate=False, immediate=True, force=True)
        self._measure()

    def _measure(self) -> None:
        self._wrapped = None
        if self.wrap and len(self.content) <= WRAP_LIMIT_LINES and self.size.width > 10:
            room = self.size.width - self._margin()
            self._wrapped = [
                (row, part)
                for row in range(len(self.content))
                for part in range(max(1, -(-width_of(self._spans(row)) // room)))
            ]
        self.virtual_size = Size(self.size.width, self.line_count())
        self.cursor = max(0, min(self.cursor, self.line_count() - 1))
        self.refresh()

    def line_count(self) -> int:
        return len(self._wrapped) if self._wrapped is not None else len(self.content)

    @property
    def row(self) -> int:
        """The row of the content under the cursor."""
        return self._wrapped[self.cursor][0] if self._wrapped else self.cursor

    def _margin(self) -> int:
        return 11 if self.offsets else 1

    def _spans(self, row: int) -> Line:
        content = self.content
        if isinstance(content, Document):
            return content.spans(row, self.glyphs, masked=not self.revealed)
        if isinstance(content, RawText):
            text = content.rows[row]
            return [(text if self.revealed else content.masked.get(row, text), "")]
        return content[row] if self.revealed else masking.line(content[row])

    def reveal(self, *, on: bool) -> None:
        """Show secrets, or mask them again."""
        self.revealed = on
        self._measure()

    def has_secrets(self) -> bool:
        """Whether anything is masked in all of the content, which may take long to look through."""
        content = self.content
        if isinstance(content, Document):
            return masking.any_masked(content.index.source)
        if isinstance(content, RawText):
            return bool(content.masked)
        return any(masking.line(line) != line for line in content)

    def masks_here(self) -> bool:
        """Whether something is masked of what is seen now."""
        if self.revealed or not len(self.content):
            return False
        first = self.scroll_offset.y
        lines = range(first, min(first + self.size.height, self.line_count()))
        rows = {self._wrapped[line][0] if self._wrapped is not None else line for line in lines}
        return any(masking.MASK in text for row in rows for text, _ in self._spans(row))

    def _offset(self, row: int) -> str:
        content = self.content
        if isinstance(content, RawText):
            return figures.count(content.offsets[row])
        if isinstance(content, Document):
            line = content.line(row)
            key = content.index.key_start[line]
            return figures.count(key if key >= 0 else content.index.start[line])
        return ""

    def paint(self, line: int, width: int) -> Strip:
        row, part = self._wrapped[line] if self._wrapped is not None else (line, 0)
        margin = self._margin()
        spans = self._marked(self._spans(row))
        room = width - margin
        here = line == self.cursor and self.has_focus
        offset = part * room if self._wrapped is not None else 0
        head: Line = [(" " * margin, "")]
        if self.offsets:
            head = [(f"{self._offset(row):>9}  " if part == 0 else " " * margin, "muted")]
        if not offset and self._wrapped is None and width_of(spans) > room:
            spans = _with_end(spans, room, self.glyphs.more)
        strip = self.brush.strip(spans, room, over="cursor" if here else "", offset=offset)
        return Strip.join([self.brush.strip(head, margin), strip])

    def _marked(self, spans: Line) -> Line:
        """The spans with the hits of the search in their own role."""
        if self.pattern is None:
            return spans
        found: Line = []
        for text, role in spans:
            at = 0
            try:
                hits = list(re.finditer(self.pattern.pattern.decode("utf-8", "replace"), text, re.IGNORECASE))
            except re.error:
                return spans
            for hit in hits:
                if hit.end() == hit.start():
                    continue
                found += [(text[at : hit.start()], role), (hit.group(), "match")]
                at = hit.end()
            found.append((text[at:], role))
        return [span for span in found if span[0]]

    def search(self, text: str) -> bool:
        """Look for ``text`` from the cursor on; False where it is nowhere."""
        self.pattern = re.compile(re.escape(text).encode(), re.IGNORECASE) if text else None
        self.refresh()
        return self.next_hit(here=True) if text else True

    def next_hit(self, *, back: bool = False, here: bool = False) -> bool:
        """Go to the next hit of the search, or the one before; False where there is none."""
        if self.pattern is None or not len(self.content):
            return False
        content = self.content
        if isinstance(content, Document):
            start = self.row - 1 if here and self.row else self.row
            line = content.find(self.pattern, start, back=back)
            if line is None:
                return False
            if content.index and content.line(content.row(line)) != line:
                content.reveal(line)
                self._measure()
            self.go_row(content.row(line))
            return True
        rows = [row for row in range(len(content)) if self._row_hit(row)]
        if not rows:
            return False
        behind = (
            [row for row in rows if row > self.row] if not back else [row for row in rows if row < self.row]
        )
        self.go_row((behind[-1] if back else behind[0]) if behind else rows[-1 if back else 0])
        return True

    def _row_hit(self, row: int) -> bool:
        assert self.pattern is not None
        content = self.content  # as it was recorded, masked or not
        if isinstance(content, RawText):
            return bool(self.pattern.search(content.rows[row].encode()))
        spans = content.spans(row, self.glyphs) if isinstance(content, Document) else content[row]
        return bool(self.pattern.search("".join(text for text, _ in spans).encode()))

    def go_row(self, row: int) -> None:
        """Put the cursor on ``row`` of the content."""
        if self._wrapped is not None:
            row = next((at for at, (found, _) in enumerate(self._wrapped) if found == row), 0)
        self.go(row)

    def toggle_wrap(self) -> str:
        """Wrap long lines or cut them; returns why not, where there are too many lines to wrap."""
        if not self.wrap and len(self.content) > WRAP_LIMIT_LINES:
            return f"{figures.count(len(self.content))} lines are too many to wrap"
        row = self.row
        self.wrap = not self.wrap
        self._measure()
        self.go_row(row)
        return ""

    def toggle_offsets(self) -> None:
        """Show the byte offset of each line, or not."""
        self.offsets = not self.offsets
        self._measure()

    def fold(self, *, closed: bool | None = None) -> bool:
        """Fold or unfold at the cursor; False where the content has no folds."""
        content = self.content
        if not isinstance(content, Document) or not len(content):
            return False
        line = content.line(self.row)
        if closed is None:
            content.toggle(self.row)
        else:
            content.fold(self.row, closed=closed)
        self._measure()
        self.go_row(content.row(line))
        return True

    def position_text(self) -> str:
        """``row 6 of 41``."""
        if not len(self.content):
            return ""
        return f"row {figures.count(self.row + 1)} of {figures.count(len(self.content))}"

    def on_resize(self, event: events.Resize) -> None:
        event.prevent_default()
        self._measure()
        if event.size.width != self._width:
            self._width = event.size.width
            self.post_message(self.WidthChanged())

    def on_click(self, event: events.Click) -> None:
        line = event.y + self.scroll_offset.y
        if line < self.line_count():
            self.go(line)
            if event.chain == 2:
                self.post_message(self.Opened())


def _with_end(spans: Line, room: int, more: str) -> Line:
    """The spans cut to ``room`` with the sign of more, roles kept."""
    line: Line = []
    for text, role in spans:
        if room <= 0:
            break
        shown = clip(text, room, more=more)
        line.append((shown, role))
        room -= width_of([(shown, role)])
    return line
