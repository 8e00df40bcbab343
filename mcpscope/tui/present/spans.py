"""Spans: pieces of one line with the role of their colour, and how they are cut to a width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from mcpscope.text import safe

Span = tuple[str, str]
"""Text and role; the role ``""`` is plain text. Roles are named in ``present.roles``."""
Line = list[Span]


def width_of(spans: Iterable[Span]) -> int:
    """Cells that ``spans`` take on a terminal, as they will be shown."""
    return sum(cell_len(safe(text)) for text, _ in spans)


def clip(text: str, width: int, *, more: str = "…") -> str:
    """``text`` made safe and cut to ``width`` cells; what was cut shows as ``more``."""
    text = safe(text[: width * 2 + 8]) if len(text) > width * 2 + 8 else safe(text)
    if cell_len(text) <= width:
        return text
    if width <= cell_len(more):
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - cell_len(more)).rstrip() + more


def wrap(text: str, width: int) -> list[str]:
    """``text`` made safe, in lines of at most ``width`` cells that break at spaces where there are any."""
    width, lines, line = max(8, width), [], ""
    for word in safe(text).split(" "):
        if line and cell_len(line) + 1 + cell_len(word) <= width:
            line += " " + word
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) or [""]
        lines += full
    return [*lines, line]


def pad(text: str, width: int, *, right: bool = False, more: str = "…") -> str:
    """``text`` clipped and filled to exactly ``width`` cells; ``right`` aligns it to the right."""
    text = clip(text, width, more=more)
    fill = " " * (width - cell_len(text))
    return fill + text if right else text + fill


def spread(left: Sequence[Span], right: Sequence[Span], width: int, *, more: str = "…") -> Line:
    """``left`` and ``right`` at the two ends of a line; ``left`` is cut where both do not fit."""
    room = width - width_of(right)
    if room <= 0:
        return cut(right, width, more=more)
    line = cut(left, room, more=more)
    return [*line, (" " * (room - width_of(line)), ""), *right]


def cut(spans: Iterable[Span], width: int, *, more: str = "…") -> Line:
    """``spans`` up to ``width`` cells."""
    line: Line = []
    room = width
    for text, role in spans:
        if room <= 0:
            break
        text = clip(text, room, more=more)
        line.append((text, role))
        room -= cell_len(text)
    return line


def keep_whole(entries: Sequence[Line], width: int, *, gap: int = 2, margin: int = 1) -> Line:
    """The entries that fit ``width``, dropped whole from the right, never cut (ux.md 2.3)."""
    line: Line = [(" " * margin, "")]
    used = margin
    for number, entry in enumerate(entries):
        space = gap if number else 0
        need = width_of(entry) + space
        if used + need > width:
            break
        if space:
            line.append((" " * space, ""))
        line.extend(entry)
        used += need
    return line
