"""Widgets whose lines are spans: the one place where text becomes cells on the screen, made safe there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from mcpscope.text import safe
from mcpscope.tui.present.glyphs import ASCII, UTF8, Glyphs
from mcpscope.tui.present.roles import PALETTES, ROLES
from mcpscope.tui.present.spans import Line

_NO_SIGNS: dict[int, str] = {}
_ASCII_SIGNS = str.maketrans("…·→←─│▸▾●○—", "~.><-|>v*o-")
"""What stands for a sign where the terminal shall get ASCII, whoever wrote it; all one cell wide."""


@cache
def role_styles(theme: str) -> dict[str, Style]:
    """What each role adds to a widget's own style in the theme of this name."""
    palette = next((one for one in PALETTES if one.name == theme), PALETTES[0])
    return {
        role: Style(color=Color.parse(palette.colours[role]).rich_color)
        + Style.parse(palette.styles.get(role, "none"))
        for role in ROLES
    }


class Brush:
    """The styles of one widget's roles, taken from the theme once and again when the theme changes.

    Textual's component classes would do the same at a tenth of a second for each start and each new size.
    """

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}

    def forget(self) -> None:
        self._styles.clear()

    def style(self, role: str) -> Style:
        """The style of ``role`` on this widget's background; an unknown role is plain text."""
        found = self._styles.get(role)
        if found is None:
            added = role_styles(self._widget.app.theme).get(role)
            plain = self._widget.rich_style
            found = self._styles[role] = plain if added is None else plain + added
        return found

    def strip(self, spans: Line, width: int, *, over: str = "", offset: int = 0) -> Strip:
        """``spans`` as ``width`` cells from cell ``offset`` on; ``over`` is a role laid over them all."""
        plain = self.style("")
        signs = _NO_SIGNS if glyphs_of(self._widget).more == UTF8.more else _ASCII_SIGNS
        above = self.style(over) if over else None
        segments = []
        for text, role in spans:
            style = self.style(role) if above is None else _under(self.style(role), above)
            segments.append(Segment(safe(text).translate(signs), style))
        strip = Strip(segments)
        if offset:
            strip = strip.crop(offset, offset + width)
        return strip.adjust_cell_length(width, plain if above is None else above)


def _under(style: Style, above: Style) -> Style:
    """The cursor's style, keeping what a verdict says by weight."""
    return above + Style(bold=style.bold or above.bold)


class Bar(Widget):
    """Lines that do not scroll: header, status, keys, dialogs. Subclasses give the spans of each line."""

    can_focus = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.brush = Brush(self)
        self._lines: Sequence[Line] = ()

    @property
    def glyphs(self) -> Glyphs:
        return glyphs_of(self)

    def show(self, lines: Sequence[Line]) -> None:
        """Paint ``lines`` from now on; nothing happens where they are what is painted already."""
        if list(lines) != list(self._lines):
            self._lines = lines
            self.refresh()

    @property
    def text(self) -> str:
        """What is painted, for tests and for the plain-text screenshot."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.brush.forget()

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else []
        return self.brush.strip(line, self.size.width)


class MadeBar(Bar):
    """One line that is made for its width whenever it is painted; ``refresh`` makes it anew."""

    def __init__(self, make: Callable[[int], Line], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make = make

    def render_line(self, y: int) -> Strip:
        return self.brush.strip(self._make(self.size.width), self.size.width)


class Pane(ScrollView, can_focus=True):
    """Virtual lines with a cursor. Subclasses say how many lines there are and paint one of them.

    The cursor is a line number; ``moved`` is called after each change of it.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.brush = Brush(self)
        self.cursor = 0

    @property
    def glyphs(self) -> Glyphs:
        return glyphs_of(self)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.brush.forget()

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def paint(self, line: int, width: int) -> Strip:
        """Line number ``line`` as ``width`` cells."""
        raise NotImplementedError

    def moved(self) -> None:
        """The cursor stands on another line."""

    def resized(self) -> None:
        """Take the number of lines anew and keep the cursor inside."""
        self.virtual_size = self.virtual_size.with_height(self.line_count()).with_width(self.content_width())
        self.cursor = max(0, min(self.cursor, self.line_count() - 1))
        self.refresh()

    def content_width(self) -> int:
        """How many cells the widest line may take; the pane scrolls sideways beyond its own width."""
        return self.size.width

    def render_line(self, y: int) -> Strip:
        line = y + self.scroll_offset.y
        if line >= self.line_count():
            return Strip.blank(self.size.width, self.brush.style(""))
        return self.paint(line, self.size.width)

    def move(self, how: str) -> None:
        """Move the cursor: ``up down top bottom page-up page-down half-up half-down``."""
        page = max(1, self.size.height - 1)
        steps = {
            "up": -1,
            "down": 1,
            "page-up": -page,
            "page-down": page,
            "half-up": -max(1, page // 2),
            "half-down": max(1, page // 2),
        }
        if how == "top":
            self.go(0)
        elif how == "bottom":
            self.go(self.line_count() - 1)
        else:
            self.go(self.cursor + steps[how])

    def go(self, line: int) -> None:
        """Put the cursor on ``line`` (as near as there is one) and bring it into view."""
        line = max(0, min(line, self.line_count() - 1))
        if line == self.cursor:
            self.reach(line)
            return
        old, self.cursor = self.cursor, line
        self.refresh_line(old)
        self.refresh_line(line)
        self.reach(line)
        self.moved()

    def reach(self, line: int) -> None:
        """Scroll just far enough that ``line`` is visible."""
        top, height = self.scroll_offset.y, self.size.height
        if height <= 0:
            return
        if line < top:
            self.scroll_to(y=line, animate=False, immediate=True, force=True)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False, immediate=True, force=True)


def glyphs_of(widget: Widget) -> Glyphs:
    """The signs the app was told to use, and what its keys are called."""
    found = ASCII if getattr(widget.app, "plain_ascii", False) else UTF8
    keymap = getattr(widget.app, "keymap", None)
    return found if keymap is None else keymap.named(found)
