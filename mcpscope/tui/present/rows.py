"""One exchange as one line of the list: which columns a width has, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Protocol

from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, cut, pad
from mcpscope.tui.present.verdict import Verdict, verdict

SLOW_NS = 1_000_000_000
MAX_FLAGS = 3
_MUTED = ("id", "time", "flags", "flagged", "summary", "found")
LISTENS = "subscriptions/listen"
FIRST_FLAGS = ("edited", "warned", "mock", "drift", "cancel")
_NUMBERED = re.compile(r"rule:b\d+")


class Shown(Protocol):
    """What a row needs of an exchange; the store's value has it."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def dir(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def code(self) -> int | None: ...
    @property
    def opened_at(self) -> int: ...
    @property
    def ended_at(self) -> int | None: ...
    @property
    def dur_ns(self) -> int | None: ...
    @property
    def req_bytes(self) -> int | None: ...
    @property
    def res_bytes(self) -> int | None: ...
    @property
    def flags(self) -> Sequence[str]: ...
    @property
    def parent_id(self) -> int | None: ...
    @property
    def summary(self) -> str: ...
    @property
    def answer_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it shows, its title and width; width 0 takes what is left."""

    name: str
    title: str
    width: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What all rows of one paint share. ``span`` is the window of the waterfall, ``marks`` are findings."""

    glyphs: Glyphs
    zone: tzinfo | None
    now_ns: int
    span: tuple[int, int] = (0, 0)
    marks: Mapping[int, str] = field(default_factory=dict)


def columns(width: int, *, waterfall: bool = False, findings: bool = False) -> tuple[Column, ...]:
    """The columns a list of ``width`` cells has (ux.md 2.3); STATUS is never dropped.

    ``findings`` adds what is found in each exchange where there is room; else it is a flag.
    """
    wide = width >= 100
    time_width = 12 if wide or waterfall else 10 if width >= 66 else 8
    label = max(14, min(26, width - 58)) if not waterfall else max(18, width - 79)
    found = [Column("id", "#", 5, right=True)] if width >= 72 else []
    found += [
        Column("time", "TIME", time_width),
        Column("dir", "", 1),
        Column("label", "TOOL / METHOD", label),
        Column("status", "STATUS", 13 if wide or waterfall else 12),
        Column("dur", "DUR", 6, right=True),
    ]
    if wide or waterfall:
        found += [Column("req", "REQ", 6, right=True), Column("res", "RES", 6, right=True)]
    else:
        found.append(Column("size", "SIZE", 5, right=True))
    if findings and (wide or waterfall):
        found.append(Column("found", "FIND", 4, right=True))
    if waterfall:
        found.append(Column("fall", "", 0))
    elif wide:
        found += [Column("flags", "FLAGS", 11 if width < 140 else 16), Column("summary", "SUMMARY", 0)]
    else:
        found.append(Column("flagged" if findings else "flags", "FLAGS", 0))
    return tuple(found)


def heading(layout: Sequence[Column], width: int, look: Look | None = None) -> Line:
    """The line of titles above a list; the waterfall's title is its window."""
    spans: Line = [("  ", "")]
    used = 2
    for column in layout:
        room = column.width or max(0, width - used)
        title = column.title
        if column.name == "fall" and look is not None and look.span[1] > look.span[0]:
            start = figures.time_of_day(look.span[0], look.zone, digits=0)
            end = figures.time_of_day(look.span[1], look.zone, digits=0)
            title = start + " " * max(1, room - len(start) - len(end)) + end if room >= 17 else end
        spans.append((pad(title, room, right=column.right), "muted"))
        gap = _gap(column)
        spans.append((" " * gap, ""))
        used += room + gap
    return cut(spans, width)


def _gap(column: Column) -> int:
    return 2 if column.name in ("id", "res") else 1


def label(row: Shown) -> str:
    """What a row is called: the tool of a call, what another request names, else its method."""
    if row.kind == "stderr":
        return "stderr"
    if row.kind == "malformed":
        return row.method or "(not JSON)"
    if row.kind == "note":
        return row.name or row.method or "note"
    if row.method == "tools/call" and row.tool:
        return row.tool
    if not row.method:
        return "(answer to nothing)" if row.kind == "answer" else "(no method)"
    return row.method


def row_verdict(row: Shown, glyphs: Glyphs) -> Verdict:
    """The verdict of a row, with where it is held and the number of its error."""
    at = "res" if row.answer_id else "req"
    if row.kind == "answer" and row.status == "ok":
        return Verdict(f"{glyphs.note}unasked", "warning")
    return verdict(row.status, glyphs, code=row.code, at=at, sent=row.kind == "notification")


def shown_duration(row: Shown, now_ns: int) -> int | None:
    """The duration, counting up while nothing has come back; None for what has none."""
    if row.kind not in ("request", "answer"):
        return None
    if row.dur_ns is not None:
        return row.dur_ns
    if row.status in ("waiting", "held", "input", "task") and row.ended_at is None:
        return max(0, now_ns - row.opened_at)
    return None


def shown_flags(row: Shown, now_ns: int) -> list[str]:
    """The flags, with ``slow`` as soon as a waiting row has earned it."""
    found = sorted(row.flags, key=_urgency)
    if "bp" in found:  # a breakpoint that a key made has a number for a name
        found = [flag for flag in found if not _NUMBERED.fullmatch(flag)]
    lasted = shown_duration(row, now_ns)
    if row.method == LISTENS:  # it is open as long as somebody listens, and late with nothing
        return [flag for flag in found if flag != "slow"]
    if "slow" not in found and row.status == "waiting" and lasted is not None and lasted >= SLOW_NS:
        found.append("slow")
    return found


def _urgency(flag: str) -> int:
    """What a person did to a message comes first where not all flags fit."""
    return FIRST_FLAGS.index(flag) if flag in FIRST_FLAGS else len(FIRST_FLAGS)


def flag_text(flags: Sequence[str], room: int = 1000) -> str:
    """The flags that fit ``room`` whole, at most three, then ``+n``; a lone one that does not fit is cut."""
    for count in range(min(MAX_FLAGS, len(flags)), 0, -1):
        more = [f"+{len(flags) - count}"] if count < len(flags) else []
        text = " ".join([*flags[:count], *more])
        if len(text) <= room:
            return text
    if len(flags) < 2:
        return flags[0] if flags else ""
    tail = f" +{len(flags) - 1}"
    return pad(flags[0], max(1, room - len(tail))).rstrip() + tail


def row_line(row: Shown, layout: Sequence[Column], width: int, look: Look, *, here: bool) -> Line:
    """The line of ``row``; ``here`` is the row under the cursor."""
    spans: Line = [(f" {look.glyphs.cursor}" if here else "  ", "accent")]
    used = 2
    flagged = any(column.name in ("flags", "flagged") for column in layout)
    for column in layout:
        room = column.width or max(0, width - used)
        text, role = _cell(row, column.name, room, look)
        if column.name == "status" and not flagged and row.status == "ok" and "edited" in row.flags:
            text += " (edited)"
        spans.append((pad(text, room, right=column.right, more=look.glyphs.more), role))
        gap = _gap(column)
        spans.append((" " * gap, ""))
        used += room + gap
    return cut(spans, width, more=look.glyphs.more)


def _cell(row: Shown, name: str, room: int, look: Look) -> tuple[str, str]:
    if name == "fall":
        return waterfall(row, room, look)
    if name == "status":
        found = row_verdict(row, look.glyphs)
        return found.text, found.role
    return _plain_cell(row, name, room, look), "muted" if name in _MUTED else ""


def _plain_cell(row: Shown, name: str, room: int, look: Look) -> str:
    match name:
        case "id":
            return str(row.id)
        case "time":
            return figures.time_of_day(row.opened_at, look.zone, digits=max(0, room - 9))
        case "dir":
            return look.glyphs.neither if row.kind == "malformed" else direction(row.dir, look.glyphs)
        case "label":
            return ("  " if row.parent_id and row.dir == "s2c" else "") + label(row)
        case "dur":
            return figures.duration(shown_duration(row, look.now_ns))
        case "req" | "res" | "size":
            return figures.size(_bytes(row, name) or None)
        case "found":
            return look.marks.get(row.id, "")
        case "flags" | "flagged":
            found = look.marks.get(row.id) if name == "flagged" else None
            return flag_text([*shown_flags(row, look.now_ns), *([f"find:{found}"] if found else [])], room)
        case _:
            return masking.text(row.summary)


def _bytes(row: Shown, name: str) -> int:
    asked, answered = row.req_bytes or 0, row.res_bytes or 0
    return {"req": asked, "res": answered}.get(name, asked + answered)


def direction(word: str, glyphs: Glyphs) -> str:
    """The arrow of ``c2s`` or ``s2c``, the dot of what belongs to neither."""
    return {"c2s": glyphs.to_server, "s2c": glyphs.to_client}.get(word, glyphs.neither)


def waterfall(row: Shown, room: int, look: Look) -> tuple[str, str]:
    """Where in the window the row ran: a bar of eighths, open-ended while it still runs."""
    start, end = look.span
    if room < 4 or end <= start:
        return "", ""
    per_cell = (end - start) / room
    first = int((row.opened_at - start) / per_cell)
    if not 0 <= first < room:
        return "", ""
    if row.kind in ("stderr", "note", "malformed", "notification"):
        return " " * first + look.glyphs.dot, "muted"
    lasted = shown_duration(row, look.now_ns) or 0
    if row.status in ("waiting", "held", "input", "task"):
        sign = look.glyphs.held[0] if row.status == "held" else look.glyphs.pending
        cells = min(room - first, max(1, round(lasted / per_cell)))
        return " " * first + sign * cells, row_verdict(row, look.glyphs).role
    eighths = max(1, round(lasted / per_cell * 8))
    cells, rest = divmod(eighths, 8)
    blocks = look.glyphs.blocks
    bar = blocks[7] * cells + (blocks[rest - 1] if rest else "")
    return " " * first + bar[: room - first], row_verdict(row, look.glyphs).role
