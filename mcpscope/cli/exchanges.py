"""Exchanges as lines of text and as JSON, as ``log`` shows them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import click

from mcpscope.cli.recordings import iso
from mcpscope.cli.tables import clip, width
from mcpscope.engine.filter.predicate import elapsed
from mcpscope.store.subjects import Recorded
from mcpscope.text import safe
from mcpscope.tui.present import figures
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.verdict import verdict

MAX_FLAGS = 3
NAME_COLUMNS = 26
SESSION_COLUMNS = 12
COLOURS: dict[str, dict[str, Any]] = {
    "success": {"fg": "green"},
    "error": {"fg": "red"},
    "info": {"fg": "cyan"},
    "hold": {"reverse": True},
    "warning": {"fg": "yellow"},
    "malformed": {"fg": "magenta"},
    "muted": {"dim": True},
}


@dataclass(frozen=True, slots=True)
class Look:
    """How lines are drawn. ``columns`` is where they are cut, 0 is never; ``sessions`` names each one's."""

    glyphs: Glyphs
    columns: int = 0
    colour: bool = False
    sessions: bool = False


def exchange_line(one: Recorded, look: Look, now: int) -> str:
    """One line: number, time, direction, what, how it ended, how long, sizes, flags, summary."""
    glyphs = look.glyphs
    arrow = {"c2s": glyphs.to_server, "s2c": glyphs.to_client}.get(one.dir, glyphs.neither)
    if one.kind in ("stderr", "note", "malformed"):
        arrow = glyphs.neither
    what = one.tool or one.method or {"malformed": "(not JSON)"}.get(one.kind, one.kind)
    took = elapsed(one, now) if one.kind == "request" else None
    word = verdict(one.status, glyphs, code=one.code, sent=one.kind == "notification")
    status = word.text + " " * max(0, 13 - width(word.text))
    sizes = f"{figures.size(one.req_bytes):>6} {figures.size(one.res_bytes if one.answer_id else None):>6}"
    head = f"{one.seq:>6} {figures.time_of_day(one.opened_at, None)} "
    if look.sessions:
        head += _column(one.session_title, SESSION_COLUMNS) + " "
    head += f"{arrow} {_column(what, NAME_COLUMNS)} "
    tail = f" {figures.duration(took):>6} {sizes}"
    if flags := _flags(one):
        tail += f"  {safe(flags)}"
    if one.summary:
        tail += f"  {safe(one.summary)}"
    if look.columns:
        tail = clip(tail, max(0, look.columns - width(head) - width(status)))
    if look.colour:
        status = click.style(status, **COLOURS.get(word.role, {}))
    return head + status + tail


def exchange_json(one: Recorded) -> dict[str, Any]:
    """The same for machines; what does not exist is null."""
    return {
        "id": one.seq,
        "session": one.session_id,
        "at": iso(one.opened_at),
        "at_ns": one.opened_at,
        "ended": iso(one.ended_at),
        "dir": one.dir or None,
        "kind": one.kind,
        "method": one.method or None,
        "tool": one.tool or None,
        "name": one.name or None,
        "rpc_id": one.rpc_id or None,
        "status": one.status,
        "code": one.code,
        "dur_ms": None if one.dur_ns is None else one.dur_ns / 1e6,
        "req_bytes": one.req_bytes,
        "res_bytes": one.res_bytes,
        "flags": list(one.flags),
        "parent": one.parent_id,
        "legs": one.legs,
        "stream": one.stream,
        "summary": one.summary or None,
    }


def day_line(at: int) -> str:
    """What stands between lines of two days."""
    return f"{datetime.datetime.fromtimestamp(at / 1e9):%A, %Y-%m-%d}"


def _flags(one: Recorded) -> str:
    flags = [flag for flag in one.flags if flag]
    more = f" +{len(flags) - MAX_FLAGS}" if len(flags) > MAX_FLAGS else ""
    return " ".join(flags[:MAX_FLAGS]) + more


def _column(text: str, columns: int) -> str:
    shown = clip(safe(text), columns)
    return shown + " " * (columns - width(shown))
