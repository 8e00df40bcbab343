"""Tools, prompts and resources in lines: the row, the titles above it, and what is known of the one row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcpscope.engine.drift import Danger
from mcpscope.engine.hints import DESTROYS, UNKNOWN, WRITE, hints
from mcpscope.store.offered import Offered
from mcpscope.tui.clock import Clock
from mcpscope.tui.offers import Thing
from mcpscope.tui.present import figures
from mcpscope.tui.present.document import document
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.hints import hints as schema_hints
from mcpscope.tui.present.spans import Line, Span, cut, keep_whole, pad, width_of
from mcpscope.tui.present.tabs import diff_lines

FIXED = 59
LAST, FAULT, SERVER = 15, 18, 14
_ON = {"request": "rq", "answer": "rs", "both": "2"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of the name, and which columns there is room for."""

    name: int
    last: bool
    fault: bool
    server: bool


def columns(width: int, *, servers: int) -> Columns:
    """What fits ``width``; the server's column is there where there are several."""
    room = width - FIXED
    server = servers > 1 and room >= 12 + SERVER
    room -= SERVER * server
    last = room >= 24 + LAST
    room -= LAST * last
    fault = room >= 24 + FAULT
    return Columns(max(8, min(60, room - FAULT * fault)), last, fault, server)


def tools_heading(width: int, glyphs: Glyphs, *, servers: int) -> Line:
    """The titles of the columns."""
    shape = columns(width, servers=servers)
    text = f"    VIS BRK {glyphs.drift} F {pad('NAME', shape.name)} "
    text += f"{'HINTS':<10} CALLS  ERR     p50    p95   DEF"
    text += f"  {'SERVER':<{SERVER - 2}}" if shape.server else ""
    text += f"  {'LAST CALL':<{LAST - 2}}" if shape.last else ""
    return cut([(text + ("  FAULT" if shape.fault else ""), "muted")], width)


def thing_line(
    thing: Thing, width: int, glyphs: Glyphs, clock: Clock, *, here: bool, marked: bool, servers: int
) -> Line:
    """One row."""
    shape, offered = columns(width, servers=servers), thing.offered
    words = _words(offered)
    line: Line = [
        (f" {glyphs.cursor if here else ' '}", "accent"),
        (f"{glyphs.mark if marked else ' '} ", "accent" if marked else ""),
        *_visible(thing, glyphs),
        (pad(_breaks(thing, glyphs), 4), "warning"),
        (f"{glyphs.drift if thing.drift else ' '} ", "warning"),
        (f"{'F' if thing.faults else ' '} ", "error"),
        (pad(_name(thing), shape.name, more=glyphs.more) + " ", "" if not thing.hidden_by else "muted"),
        (pad(_hints(words) or offered.kind, 10, more=glyphs.more), _hint_role(words)),
        (f"{_count(offered):>6}", "muted" if not offered.calls else ""),
        (f"{offered.errors if offered.calls else '-':>5}", "error" if offered.errors else "muted"),
        (f"{figures.duration(offered.percentile(0.5)):>8}", ""),
        (f"{figures.duration(offered.percentile(0.95)):>7}", ""),
        (f"{figures.size(thing.size) if offered.listed else '-':>6}", ""),
    ]
    if shape.server:
        line.append((f"  {pad(thing.label, SERVER - 2)}", "muted"))
    if shape.last:
        when = figures.day(offered.last_call, clock.now_ns(), clock.zone) if offered.last_call else "-"
        line.append((f"  {pad(when, LAST - 2)}", "muted"))
    if shape.fault and thing.faults:
        line.append((f"  {pad(fault_words(thing.faults[0]), FAULT - 2)}", "error"))
    return cut(line, width)


def _visible(thing: Thing, glyphs: Glyphs) -> Line:
    if not thing.hidden_by:
        return [(f"{glyphs.live}   ", "" if thing.links else "muted")]
    return [(f"{glyphs.hollow}{'!' if thing.stale else ' '}  ", "warning" if thing.stale else "muted")]


def _name(thing: Thing) -> str:
    name = thing.name + (f" as {thing.face}" if thing.face else "")
    return name if thing.offered.listed else f"{name} ?"


def _breaks(thing: Thing, glyphs: Glyphs) -> str:
    for rule in thing.breaks:
        sign = glyphs.target if rule["enabled"] else glyphs.hollow
        return sign + _ON.get(str(rule["on"]), "rq")
    return ""


def _words(offered: Offered) -> tuple[str, ...]:
    """Its annotations; a space alone for a tool that was never listed."""
    if offered.kind != "tool":
        return ()
    return hints(offered.body) if offered.listed else (" ",)


def _hints(words: Sequence[str]) -> str:
    """What destroys writes, too."""
    return " ".join(word for word in words if word != WRITE or DESTROYS not in words)


def _hint_role(words: Sequence[str]) -> str:
    return "warning" if DESTROYS in words else "muted" if tuple(words) == (UNKNOWN,) else ""


def _count(offered: Offered) -> str:
    if not offered.calls:
        return "never" if offered.listed and offered.kind != "template" else "-"
    return str(offered.calls) if offered.calls < 100_000 else f"{offered.calls // 1000}k"


def fault_words(rule: Mapping[str, Any]) -> str:
    """What a fault does, in a few words."""
    fault = rule["fault"] or {}
    parts = ["error" if rule["action"] == "drop" else str(rule["action"])]
    parts += [f"{rule['delay']:g}s"] if rule["delay"] else []
    parts += [f"+0..{fault['jitter']:g}s"] if fault.get("jitter") else []
    parts += [f"{fault['limit']}/{fault['per']:g}s"] if fault.get("per") else []
    parts += [f"p={fault['probability']:g}"] if fault.get("probability", 1) < 1 else []
    parts += [f"after {rule['skip']}"] if rule["skip"] else []
    parts += ["once"] if rule["once"] else []
    return " ".join(parts)


def tabs_line(things: Sequence[Thing], kind: str, width: int) -> Line:
    """The kinds with their counts, and what is special about the shown one."""
    line: Line = [(" ", "")]
    for one in ("tool", "prompt", "resource"):
        title = f"{one.capitalize()}s {sum(thing.kind == one for thing in things)}"
        line += [(" ", ""), (f"[{title}]", "tab") if one == kind else (f" {title} ", "muted"), (" ", "")]
    shown = [thing for thing in things if thing.kind == kind]
    return [*line, *keep_whole([[part] for part in _totals(shown)], width - width_of(line), gap=3, margin=2)]


def _totals(shown: Sequence[Thing]) -> list[Span]:
    parts: list[Span] = []
    for count, word, role in (
        (sum(bool(thing.hidden_by) for thing in shown), "hidden", "warning"),
        (sum(bool(thing.breaks) for thing in shown), "break", "warning"),
        (sum(bool(thing.drift) for thing in shown), "changed", "warning"),
        (sum(bool(thing.faults) for thing in shown), "with faults", "error"),
        (sum(not thing.offered.calls for thing in shown if thing.offered.listed), "never used", "muted"),
    ):
        if count:
            parts.append((f"{figures.count(count)} {word}", role))
    parts.append((f"definitions {figures.size(sum(thing.size for thing in shown))}", "muted"))
    return parts


def statistics(offered: Offered) -> Line:
    """Uses, errors and how long the uses took, in a line."""
    parts = [figures.plural(offered.calls, "call"), figures.plural(offered.errors, "error")]
    codes = ", ".join(f"{code} x{count}" for code, count in offered.codes.most_common(3))
    line: Line = [(" " + "  ".join(parts), ""), (f" ({codes})" if codes else "", "error")]
    if offered.durations:
        half, most = (figures.duration(offered.percentile(part)) for part in (0.5, 0.95))
        slowest = figures.duration(offered.durations[-1])
        line.append((f"  p50 {half}  p95 {most}  max {slowest}", ""))
    return [*line, (f"  answers {figures.size(offered.answer_bytes)}", "muted")]


def schema_lines(thing: Thing, example: bytes = b"") -> list[Line]:
    """The arguments, one line each, then the schemas as printed JSON, and what a real call said."""
    body = thing.offered.body
    lines: list[Line] = []
    for word in ("inputSchema", "outputSchema", "arguments"):
        if word not in body:
            continue
        lines += [[(word, "accent")], []] if not lines else [[], [(word, "accent")], []]
        if word == "inputSchema" and isinstance(body[word], dict) and body[word].get("properties"):
            lines += [*schema_hints(body[word]), []]
        lines += json_lines(body[word])
    if example:
        found = document(example)
        lines += [[], [("a call that went well said", "accent")], []]
        lines += [found.spans(row) for row in range(len(found))]
    return lines or [[("it declares no schema", "muted")]]


def json_lines(value: object) -> list[Line]:
    """A JSON value, printed."""
    found = document(json.dumps(value, ensure_ascii=True).encode())
    return [found.spans(row) for row in range(len(found))]


def drift_lines(thing: Thing, clock: Clock) -> list[Line]:
    """What changed against the accepted definition, place by place and then whole; else between versions."""
    drift, offered = thing.drift, thing.offered
    if drift is None:
        if len(offered.versions) < 2:
            return [[("as it was accepted, or first seen: nothing differs", "success")]]
        was, now = offered.versions[-2:]
        when = figures.day(offered.seen[-1], clock.now_ns(), clock.zone)
        head: list[Line] = [[(f"accepted; it changed last {when}", "muted")], []]
        return [*head, *diff_lines(_bytes(was), _bytes(now), ("before", "now"))]
    since = figures.day(drift.since, clock.now_ns(), clock.zone)
    lines: list[Line] = []
    for change in drift.changes:
        role = {Danger.DANGEROUS: "error", Danger.LOOK: "warning"}.get(change.danger, "muted")
        lines.append([(f"{change.danger.value:<13} ", role), (".".join(map(str, change.path)), "strong")])
    name = f"accepted {since}" if drift.accepted else f"first seen {since}"
    if drift.was is None:
        return [[("new: it is not among what was accepted", "warning")], [], *json_lines(offered.body)]
    return [*lines, [], *diff_lines(_bytes(drift.was), _bytes(offered.body), (name, "now"))]


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


CALLS_BEGIN = 2
"""The line of ``call_lines`` on which the newest call stands."""


def call_lines(thing: Thing, glyphs: Glyphs, clock: Clock) -> list[Line]:
    """The last uses, the newest first."""
    lines: list[Line] = [statistics(thing.offered), []] if thing.offered.calls else []
    for call in reversed(thing.offered.last):
        status = call.status + (f" {call.code}" if call.code is not None else "")
        when = figures.time_of_day(call.at, clock.zone)
        line: Line = [(f"{call.exchange:>7}  {when}  ", "muted")]
        line.append((f"{pad(status, 18)} ", "success" if call.status == "ok" else "error"))
        lines.append([*line, (f"{figures.duration(call.dur_ns):>8}", "")])
    return lines or [[("never used in what is shown", "muted")]]
