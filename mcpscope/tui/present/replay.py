"""A replay as lines: how far it is, a verdict a row, and what differs in the row under the cursor."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcpscope.replay.verdicts import Verdict
from mcpscope.store.replays import RunRow, VerdictRow
from mcpscope.tui.present.glyphs import UTF8, Glyphs
from mcpscope.tui.present.spans import Line, clip, cut, pad, width_of

ROLE = {
    "same": "muted",
    "changed": "warning",
    "error": "error",
    "fixed": "success",
    "slower": "info",
    "new": "warning",
    "missing": "warning",
    "skipped": "muted",
}
_STATE = {"running": "success", "finished": "muted", "stopped": "warning", "killed": "error"}
_ASCII = {"same": "=", "changed": "!", "error": "x", "fixed": "v", "slower": "s", "skipped": "-"}
BAR_CELLS = 24
FOOT_LINES = 4
FOOT_CELLS = 64
REVIEWED = frozenset({"changed", "error", "fixed"})
"""Verdicts that a review decides about."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a run is: the rows that it will have (0: unknown), and the time now (unix ns)."""

    total: int
    now_ns: int


def run_line(run: RunRow, rows: Sequence[VerdictRow], extent: Extent, width: int, glyphs: Glyphs) -> Line:
    """Which run it is, how far it is, and its verdicts with their counts."""
    counts = Counter(row.verdict for row in rows)
    total = extent.total
    line: Line = [
        (f"  run {run.id}  ", "strong"),
        (run.state.upper() + "  ", _STATE.get(run.state, "")),
    ]
    if run.state == "running" and total:
        done = min(len(rows), total)
        full = done * BAR_CELLS // total
        line.append(("█" * full + "░" * (BAR_CELLS - full) if glyphs is UTF8 else "#" * full, "accent"))
        elapsed = max(0, extent.now_ns - run.started_at) / 1e9
        left = f"~{_clock(elapsed * (total - done) / done)} left  " if done else ""
        line.append((f"  {done}/{total}  {_clock(elapsed)}  {left}", ""))
    for verdict in Verdict:
        if counts[verdict.value]:
            said = f"{verdict.value} {counts[verdict.value]}  "
            if width_of(line) + len(said) > width:
                return cut([*line, (glyphs.more, "muted")], width)
            line.append((said, ROLE[verdict.value]))
    line.append((f"{run.recording} {glyphs.to_server} {run.target}", "muted"))
    return cut(line, width)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def verdict_heading(width: int) -> Line:
    """The titles above the rows."""
    return cut(
        [("     #  " + pad("TOOL / METHOD", 24) + " VERDICT        WAS      NOW  WHY", "muted")], width
    )


def verdict_line(row: VerdictRow, width: int, glyphs: Glyphs, *, here: bool, decided: str) -> Line:
    """One exchange; ``decided`` is what the review said of it so far."""
    glyph = Verdict(row.verdict).glyph if glyphs is UTF8 else _ASCII.get(row.verdict, "+")
    return cut(
        [
            (f" {glyphs.cursor}" if here else "  ", "accent"),
            (f"{row.number:>5}  ", "muted"),
            (pad(row.label, 24) + " ", ""),
            (f"{glyph} {row.verdict:9}", ROLE.get(row.verdict, "")),
            (f"{_time(row.was_ns):>8} {_time(row.now_ns):>8}  ", "muted"),
            (f"{decided}  " if decided else "", "accent"),
            (row.why, ""),
        ],
        width,
    )


def difference_lines(row: VerdictRow | None, width: int, height: int) -> list[Line]:
    """What differs in a row: the path, what it was and what it is now."""
    if row is None:
        return []
    lines: list[Line] = []
    for item in row.detail.get("differences", ()):
        lines.append([(f"  {item['path']}", "key"), (f"  {item['why']}", "muted")])
        for sign, value, role in (("-", item["was"], "diff-del"), ("+", item["now"], "diff-add")):
            if value is not None:
                lines.append([(f"  {sign} {json.dumps(value, ensure_ascii=False)}", role)])
    for was, now in row.detail.get("echoes", {}).items():
        lines.append([("  minted  ", "muted"), (f"{was} → {now}", "")])
    if not lines:
        lines = [[("  nothing differs", "muted")]] if row.verdict == "same" else [[(f"  {row.why}", "muted")]]
    if len(lines) > height:
        left = len(lines) - height + 1
        lines = [*lines[: height - 1], [(f"  … {left} more lines: mcpscope review, mcpscope diff", "muted")]]
    return [cut(line, width) for line in lines]


def mask_for(row: VerdictRow) -> str:
    """The mask that hides a row's first difference in this recording; empty where there is none."""
    found: list[Any] = row.detail.get("differences", [])
    return f"{row.label}:{found[0]['path']}" if found else ""


def preview_texts(
    tools: Sequence[tuple[str, int]], destructive: Sequence[tuple[str, int]], unannotated: Sequence[str]
) -> tuple[str, str]:
    """The head and the foot of the preview: what would run, what would not, and what nobody vouches for."""
    calls = sum(count for _, count in tools)
    head = f"Replay {calls} calls to {len(tools)} tools?"
    skipped = ", ".join(f"{name} ×{count}" for name, count in destructive)
    parts = [f"skips {skipped}"] if skipped else []
    if unannotated:
        parts.append(f"unannotated, will run: {', '.join(unannotated)}")
    lines = textwrap.wrap("; ".join([*parts, "Esc leaves"]), FOOT_CELLS)
    if len(lines) > FOOT_LINES:
        lines[FOOT_LINES - 1 :] = [clip(" ".join(lines[FOOT_LINES - 1 :]), FOOT_CELLS)]
    return head, "\n".join(lines)


def _time(ns: int | None) -> str:
    if ns is None:
        return "-"
    return f"{ns / 1e9:.2f}s" if ns >= 1_000_000_000 else f"{ns / 1e6:.0f}ms"
