"""The lines around a text that is edited: whose it is and how long that waits, what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from mcpscope.tui.manuscript import WHOLE, Manuscript, Problem
from mcpscope.tui.present import figures, hints
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, cut, spread
from mcpscope.tui.steer import Held

SOON_SECONDS = 15


def title(script: Manuscript, held: Held, now_held: Held | None, now: int, width: int) -> Line:
    """What is written, its parts, and who waits; ``now_held`` is the hold as it is, None if it is gone."""
    phase = "response" if held.answers else "request"
    what = "ANSWERING" if script.answer else "EDITING"
    left: Line = [(f" {what} ", "accent"), (f"{held.name} {phase}", "strong")]
    for part in script.parts if len(script.parts) > 1 else ():
        name = "Whole message" if part == WHOLE else part.rpartition("/")[2].capitalize()
        left += [("  ", ""), (f"[{name}]", "tab") if part == script.part else (name, "muted")]
    return spread(left, [*_waiting(now_held, now), (" ", "")], width)


def _waiting(held: Held | None, now: int) -> Line:
    if held is None:
        return [("no longer held", "error")]
    if held.gave_up:
        return [("client GAVE UP", "error")]
    left = held.left(now)
    role = "" if left is None or left >= SOON_SECONDS else "warning"
    waits = [] if left is None else [(f"left {figures.clock(left)}  ", role)]
    return [*waits, ("client waiting", "muted")]


def verdict(
    script: Manuscript,
    text: str,
    problems: Sequence[Problem],
    at: int,
    width: int,
    glyphs: Glyphs,
    *,
    beside: bool,
) -> list[Line]:
    """Three lines: what is wrong first (``at`` of all), what can be done, what was changed.

    ``beside``: the schema stands beside the text and need not be told here.
    """
    if not problems:
        hint = [] if beside else hints.hint_line(script.schema, width - 2)
        lines: list[Line] = [[(f"  {glyphs.ok}{script.fits()}", "success")], [("  ", ""), *hint]]
    else:
        line, column, what = problems[at]
        if script.is_json(text):
            spans = (f"  {glyphs.error}line {line}  {what}", "warning")
            count = f"{at + 1} of {figures.plural(len(problems), 'problem')}"
            more = glyphs.keyed("You may send it anyway ({edit.anyway}): that is what a debugger is for.")
            lines = [[spans], [(f"  {count}. {more}", "muted")]]
        else:
            spans = (f"  {glyphs.error}line {line}, column {column}: {what}", "error")
            lines = [[spans], [("  it cannot be sent so", "muted")]]
    lines.append([(f"  {script.changed(text, glyphs.arrow)}", "muted")])
    return [cut(line, width) for line in lines]
