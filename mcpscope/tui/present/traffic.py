"""The lines around the list of Traffic: counts, what is new, what is paused, the row under the cursor."""

from __future__ import annotations

from dataclasses import dataclass

from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.rows import Shown, label
from mcpscope.tui.present.spans import Line, Span, spread

MANY_A_SECOND = 200


@dataclass(frozen=True, slots=True)
class Counters:
    """What the status line counts in the sessions that are shown."""

    total: int = 0
    errors: int = 0
    held: int = 0
    malformed: int = 0
    p95_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Display:
    """How the list stands. ``rate`` is arrivals a second; ``searching`` while a filter still runs."""

    shown: int
    filtered: bool
    follow: bool
    unseen: int
    paused: bool
    sort: str = "time"
    rate: int = 0
    searching: bool = False
    frames: bool = False


def counts(display: Display, counters: Counters) -> str:
    """``1,284 exchanges`` or ``3 of 1,284``."""
    if display.frames:
        return figures.plural(display.shown, "frame")
    if display.filtered:
        return f"{figures.count(display.shown)} of {figures.count(max(counters.total, display.shown))}"
    return figures.plural(display.shown, "exchange")


def status_parts(display: Display, counters: Counters, glyphs: Glyphs) -> list[Span]:
    """The status line: the most important first."""
    parts: list[Span] = []
    if display.paused:
        parts.append(("display PAUSED (traffic flows)", "info"))
    if display.searching:
        parts.append(("searching… Esc cancels", "info"))
    if display.unseen and (display.paused or not display.follow):
        word = f"{figures.count(display.unseen)} new" + (", matching" if display.filtered else "")
        how = glyphs.keyed("{pause} resumes" if display.paused else "{move.bottom} follow")
        parts.append((f"{glyphs.new} {word}  ({how})", "accent"))
    if display.rate > MANY_A_SECOND:
        parts.append((f"… {figures.count(display.rate)}/s, showing the latest", "muted"))
    parts += _counted(counters)
    if display.sort != "time":
        parts.append((f"sorted by {display.sort}, not following", "info"))
    elif not display.follow and not display.unseen and not display.paused:
        parts.append((glyphs.keyed("not following ({move.bottom} follow)"), "muted"))
    return parts


def empty_lines(display: Display, note: str) -> list[Line]:
    """What stands in a list without rows; ``note`` tells where a proxy listens."""
    if display.searching:
        return []
    if display.filtered:
        return [[], [("   No exchange matches this filter.", "strong")], [("   / changes it.", "muted")]]
    lines: list[Line] = [[], [("   Nothing has passed yet.", "strong")]]
    if note:
        lines += [[(f"   {note.removeprefix('mcpscope: ')}", "accent")]]
    return [*lines, [("   What a client says shows here by itself.", "muted")]]


def _counted(counters: Counters) -> list[Span]:
    parts: list[Span] = []
    if counters.errors:
        parts.append((figures.plural(counters.errors, "error"), "error"))
    if counters.held:
        parts.append((f"{counters.held} held", "hold"))
    if counters.malformed:
        parts.append((f"{figures.count(counters.malformed)} malformed", "malformed"))
    if counters.p95_ns is not None:
        parts.append((f"p95 {figures.duration(counters.p95_ns)}", "muted"))
    return parts


def preview(row: Shown | None, fit: Line, width: int) -> Line:
    """The row under the cursor in one line, and whether its arguments fit the schema."""
    if row is None:
        return []
    return spread(
        [(f" {masking.text(row.summary) or label(row)}", "")],
        [(" ", ""), *fit, (" ", "")] if fit else [],
        width,
    )
