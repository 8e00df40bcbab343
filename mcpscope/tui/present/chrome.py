"""The lines around every screen: header, status and keys (ux.md 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcpscope.tui.action import Action, key_name
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, Span, keep_whole, spread, width_of


@dataclass(frozen=True, slots=True)
class Heading:
    """What the header says. ``state`` is a word of ``STATES``; ``rec`` is REC or the reason why not."""

    title: str
    where: str = ""
    long_where: str = ""
    client: str = ""
    revision: str = ""
    pid: int = 0
    state: str = ""
    detail: str = ""
    rec: str = ""
    recording: bool = True
    read_only: bool = False
    held: tuple[Span, ...] = ()


GAP = 2
STATES = {
    "live": ("live", "LIVE", "success"),
    "waiting": ("idle", "WAITING FOR CLIENT", "info"),
    "ended": ("ended", "ENDED", "muted"),
    "exited": ("error", "UPSTREAM EXITED", "error"),
    "recorded": ("ended", "RECORDED", "muted"),
}


def header(width: int, head: Heading, glyphs: Glyphs) -> Line:
    """Row 1 of every screen; the state never goes, what describes goes first where room is short."""
    right = _state(head, glyphs)
    room = width - width_of(right) - 1 - GAP
    left = (
        _left(width, head, f"{glyphs.folded} {head.long_where}") if width >= 160 and head.long_where else []
    )
    if not left or sum(map(width_of, left)) > room:  # a long command leaves no room for anything else
        left = _left(width, head, head.where)
    if head.pid and width >= 160:
        left.append([(f"  pid {head.pid}", "muted")])
    line: Line = []
    for entry in left:
        if line and width_of(line) + width_of(entry) > room:
            break
        line.extend(entry)
    return spread(line, [*right, (" ", "")], width, more=glyphs.more)


def _left(width: int, head: Heading, where: str) -> list[Line]:
    """What describes, the most important first; ``where`` is the session, in few or many words."""
    left: list[Line] = [[(" mcpscope", "accent")], [(f"  {head.title}", "strong")]]
    if where:
        left.append([(f"  {where}", "")])
    if head.client:
        left.append([("  client " if width >= 100 else "  ", "muted"), (head.client, "")])
    if head.revision and width >= 100:
        left.append([("  protocol " if width >= 160 else "  ", "muted"), (head.revision, "")])
    return left


def _state(head: Heading, glyphs: Glyphs) -> Line:
    spans: Line = []
    if head.state:
        sign, word, role = STATES[head.state]
        text = f"{getattr(glyphs, sign).strip()} {word}" + (f" {head.detail}" if head.detail else "")
        spans.append((text.strip(), role))
    if head.rec:
        spans += [(" ", ""), (head.rec, "muted" if head.recording else "error")]
    if head.read_only:
        spans += [("  ", ""), ("READ-ONLY", "warning")]
    return [*spans, *head.held]


def keys(width: int, actions: Sequence[Action], glyphs: Glyphs) -> Line:
    """The key bar: whole entries, dropped from the right; the way to the help stays."""
    del glyphs
    entries = {a.id: [(key_name(a.keys[0]), "accent"), (f" {a.label}", "")] for a in actions}
    line = keep_whole([*entries.values()], width)
    found = entries.pop("help", None)
    if found is None or found[0] in line:
        return line
    return [*keep_whole([*entries.values()], width - GAP - width_of(found)), (" " * GAP, ""), *found]


def status(width: int, parts: Sequence[Span], right: str = "") -> Line:
    """The status line: its parts, whole ones dropped from the right, and one fixed note at the end."""
    tail: Line = [(f"{right} ", "muted")] if right else []
    line = keep_whole([[part] for part in parts if part[0]], width - width_of(tail), gap=3, margin=2)
    return spread(line, tail, width)


def rule(width: int, glyphs: Glyphs, spans: Line | None = None) -> Line:
    """A horizontal rule, with a title in it."""
    if not spans:
        return [(glyphs.rule * width, "muted")]
    line: Line = [(f"{glyphs.rule} ", "muted"), *spans, (" ", "")]
    return [*line, (glyphs.rule * max(0, width - width_of(line)), "muted")]


def too_small(width: int, height: int, least: tuple[int, int]) -> str:
    """The one line that a terminal below ``least`` shows."""
    text = f"mcpscope needs {least[0]}x{least[1]}, this is {width}x{height}"
    return text if len(text) <= width else f"need {least[0]}x{least[1]}"
