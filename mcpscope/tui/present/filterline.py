"""The lines of the filter bar: the filter, its errors with carets, what fits at the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from mcpscope.engine.filter.completion import Completion
from mcpscope.engine.filter.errors import FilterError
from mcpscope.tui.present.spans import Line, clip, spread, width_of


def idle_line(width: int, text: str, counts: str, saved: str) -> Line:
    """``/ (no filter)`` with the counts, and the names of saved filters where there is room."""
    left: Line = [(" / ", "accent"), (text or "(no filter)", "strong" if text else "muted")]
    right: Line = [(counts, "muted")]
    if saved and width_of(left) + width_of(right) + len(saved) + 14 < width and width >= 100:
        right.append((f"     saved: {saved}", "muted"))
    return spread(left, [*right, (" ", "")], width)


def error_lines(error: FilterError) -> list[Line]:
    """The caret under what is wrong, the reason, the suggestion."""
    rendered = error.render().split("\n")[1:]
    lines: list[Line] = [[(f" {rendered[0]}", "error")]] if rendered else []
    rest = "   ".join(part for part in rendered[1:] if part)
    lines.append([(f" {rest}", "error")])
    return lines


def completion_line(offers: Sequence[Completion], chosen: int, width: int) -> Line:
    """As many offers as fit, from the chosen one on, each with its detail."""
    line: Line = [(" Tab  ", "muted")]
    first = max(0, chosen)
    for number, offer in enumerate(offers[first:], first):
        text, detail = clip(offer.label, 30), clip(offer.detail, 34)
        entry: Line = [
            (text, "match" if number == chosen else "accent"),
            (f" {detail}   " if detail else "   ", "muted"),
        ]
        if width_of(line) + width_of(entry) > width:
            break
        line += entry
    return line
