"""One group of the statistics as a line, and the totals of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcpscope.store.stats import Stat
from mcpscope.tui.present import figures
from mcpscope.tui.present.chrome import rule
from mcpscope.tui.present.glyphs import ASCII, Glyphs
from mcpscope.tui.present.spans import Line, Span, cut, pad
from mcpscope.tui.present.sparks import spark

TABS = (
    ("tool", "Tool"),
    ("method", "Method"),
    ("client", "Client"),
    ("server", "Server"),
    ("session", "Session"),
    ("hour", "Hour"),
    ("day", "Day"),
)
"""What exchanges are counted by, and the title of each tab."""
_MEDIUM, _WIDE = 100, 160


@dataclass(frozen=True, slots=True)
class Row:
    """One group. ``size`` is what a tool's definition costs in every list; None where that is not known."""

    stat: Stat
    size: int | None = None

    @property
    def name(self) -> str:
        return self.stat.key

    @property
    def never(self) -> bool:
        """A tool that is offered and was never called."""
        return not self.stat.calls


def tabs_line(by: str) -> Line:
    """The tabs, the chosen one in brackets."""
    line: Line = [(" ", "")]
    for name, title in TABS:
        line.append((f"[{title}]" if name == by else f" {title} ", "accent" if name == by else "muted"))
        line.append((" ", ""))
    return line


def _widths(width: int) -> tuple[int, int]:
    """Cells of the name and of the sparkline."""
    spark_width = 10 if width < _MEDIUM else 20 if width < _WIDE else 60
    return max(12, width - spark_width - (46 if width < _MEDIUM else 65)), spark_width


def stats_heading(width: int, by: str) -> Line:
    """The titles above the groups."""
    name, _ = _widths(width)
    titles = [pad(by.upper(), name), f"{'CALLS':>7}", f"{'ERR':>5}", f"{'P50':>6}", f"{'P95':>6}"]
    if width >= _MEDIUM:
        titles += [f"{'P99':>6}", f"{'ASKED':>6}"]
    titles += [f"{'ANSWERS':>7}"]
    if width >= _MEDIUM:
        titles += [f"{'DEF':>5}"]
    return cut([("   " + " ".join(titles) + "  WHEN", "muted")], width)


def stats_line(row: Row, width: int, span: tuple[int, int], glyphs: Glyphs, *, here: bool) -> Line:
    """The line of one group; ``span`` (unix ns) is what the sparkline covers."""
    stat, (name, spark_width) = row.stat, _widths(width)
    p50, p95, p99 = (figures.duration(stat.percentile(part)) for part in (0.5, 0.95, 0.99))
    role = "muted" if row.never else ""
    cells: list[Span] = [
        (f"{figures.count(stat.calls):>7} ", role),
        (f"{figures.count(stat.errors):>5} ", "error" if stat.errors else "muted"),
        (f"{p50:>6} {p95:>6} ", role),
    ]
    if width >= _MEDIUM:
        cells.append((f"{p99:>6} {figures.size(stat.asked_bytes if stat.calls else None):>6} ", role))
    cells.append((f"{figures.size(stat.answer_bytes if stat.calls else None):>7} ", role))
    if width >= _MEDIUM:
        cells.append((f"{figures.size(row.size):>5} ", role))
    bars = "never called" if row.never else spark(stat.times, *span, spark_width, ascii=glyphs is ASCII)
    return cut(
        [
            (f" {glyphs.cursor} " if here else "   ", "accent"),
            (pad(row.name or "-", name, more=glyphs.more) + " ", role or "strong"),
            *cells,
            (" " + bars, "muted" if row.never else "info"),
        ],
        width,
        more=glyphs.more,
    )


def totals(rows: Sequence[Row], by: str, width: int, span: tuple[int, int], glyphs: Glyphs) -> list[Line]:
    """All groups together: calls over time, errors, and what nobody has used."""
    calls, errors = sum(row.stat.calls for row in rows), sum(row.stat.errors for row in rows)
    times = [at for row in rows for at in row.stat.times]
    what = "calls" if by == "tool" else "requests"
    lines: list[Line] = [
        rule(width, glyphs),
        [
            (f"  {figures.count(calls)} {what}  ", "strong"),
            (figures.plural(errors, "error"), "error" if errors else "muted"),
            ("   ", ""),
            (
                spark(times, *span, min(60, max(10, width - 40)), ascii=glyphs is ASCII) if times else "",
                "info",
            ),
        ],
    ]
    never = [row for row in rows if row.never]
    known = [row for row in rows if row.size is not None]
    if known:
        cost, unused = sum(row.size or 0 for row in known), sum(row.size or 0 for row in never)
        text = f"  definitions {figures.size(cost)} in every list"
        if never:
            many = figures.plural(len(known), "tool")
            text += f"; {len(never)} of {many} never called: {figures.size(unused)} of it"
        lines.append([(text, "muted")])
    return [cut(line, width, more=glyphs.more) for line in lines]
