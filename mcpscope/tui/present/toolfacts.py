"""What is known of one tool, prompt or resource, in a few lines: for the panel below or beside the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcpscope.engine.drift import Danger
from mcpscope.store.listed import NoteRow
from mcpscope.store.offered import Call
from mcpscope.tui.clock import Clock
from mcpscope.tui.offers import Drift, Thing, asked, last_note
from mcpscope.tui.present import figures
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.hints import hints as schema_hints
from mcpscope.tui.present.spans import Line, cut, width_of
from mcpscope.tui.present.tools import fault_words, statistics


def facts(
    thing: Thing, notes: Sequence[NoteRow], width: int, glyphs: Glyphs, clock: Clock, *, seen: int
) -> list[Line]:
    """What is known of one row, the most important first; ``seen``: how many of its kind clients see now."""
    offered = thing.offered
    title: Line = [(f" {thing.name}", "strong"), (f"  {offered.body.get('title') or ''}".rstrip(), "muted")]
    title.append((f"  of {thing.label}", "muted"))
    if thing.face:
        title.append((f"  clients see it as {thing.face}", "info"))
    lines: list[Line] = [title]
    words = " ".join(str(offered.body.get("description") or "").split())
    if words:
        lines += [[(" " + text, "")] for text in _wrapped(f'"{words}"', width - 4, 3)]
    elif not offered.listed:
        lines.append([(" used, but never listed by the server", "warning")])
    if inputs := _inputs(offered.body, width):
        lines.append(inputs)
    lines += [statistics(offered)] if offered.calls else [[(" never used in what is shown", "muted")]]
    if offered.last:
        lines.append(_last(list(offered.last)[-3:], glyphs, clock))
    lines += _hidden(thing, width, glyphs)
    lines += _drifted(thing.drift, width, glyphs, clock)
    for rule in thing.faults:
        lines.append([(" F ", "error"), (f"{rule['name']}: {fault_words(rule)}", "error")])
        lines[-1].append((f"  {figures.plural(int(rule['hits']), 'hit')}  (t clears it)", "muted"))
    lines += reaction(notes, thing.kind, seen, width, clock)
    return [cut(line, width) for line in lines]


def _inputs(body: Mapping[str, Any], width: int) -> Line:
    if isinstance(body.get("arguments"), list):
        names = [
            f"{one.get('name')}{' required' if one.get('required') else ''}"
            for one in body["arguments"]
            if isinstance(one, dict)
        ]
        return [(" " + " · ".join(names), "muted")] if names else []
    schema = body.get("inputSchema")
    if not isinstance(schema, dict) or not schema.get("properties"):
        return [(" takes no arguments", "muted")] if isinstance(schema, dict) else []
    entries = [" ".join("".join(text for text, _ in entry).split()) for entry in schema_hints(schema)]
    return cut([(" " + " · ".join(entries), "muted")], width)


def _last(calls: Sequence[Call], glyphs: Glyphs, clock: Clock) -> Line:
    line: Line = [(" last ", "muted")]
    for call in reversed(calls):
        line.append((f" {figures.time_of_day(call.at, clock.zone, digits=0)} ", "muted"))
        line.append((call.status, "success" if call.status == "ok" else "error"))
        line.append((f" {figures.duration(call.dur_ns)} {glyphs.dot}", "muted"))
    return [*line[:-1], (line[-1][0].removesuffix(glyphs.dot), "muted")]


def _hidden(thing: Thing, width: int, glyphs: Glyphs) -> list[Line]:
    if not thing.hidden_by:
        return []
    sign = glyphs.hollow + ("!" if thing.stale else "")
    why = f"hidden by {thing.hidden_by}" if thing.hidden_by != thing.name else "hidden"
    tail = ": the client has not asked again and may still have it; its calls are refused"
    parts = _wrapped(f"{sign} {why}{tail if thing.stale else ''}", width - 4, 2)
    return [[((" " if place == 0 else "    ") + part, "warning")] for place, part in enumerate(parts)]


def _drifted(drift: Drift | None, width: int, glyphs: Glyphs, clock: Clock) -> list[Line]:
    if drift is None:
        return []
    since = figures.day(drift.since, clock.now_ns(), clock.zone)
    if drift.was is None:
        return [[(f" {glyphs.drift} new since you accepted the others, {since}  (a accepts it)", "warning")]]
    word = "since you accepted it" if drift.accepted else "since it was first seen"
    lines: list[Line] = [[(f" {glyphs.drift} changed {word}, {since}  (d the diff, a accepts)", "warning")]]
    places = ", ".join(dict.fromkeys(".".join(map(str, change.path[:3])) for change in drift.changes))
    worst = any(change.danger is Danger.DANGEROUS for change in drift.changes)
    lines.append([(f"    {places}", "error" if worst else "")])
    if worst:
        lines[-1].append(("  changes what it may do, or its words", "error"))
    return lines


def reaction(notes: Sequence[NoteRow], kind: str, seen: int, width: int, clock: Clock) -> list[Line]:
    """What the clients of this server heard of the last change, and what they did then."""
    note = last_note(notes, kind)
    if note is None:
        return []
    role, more = ("success", f"; it has {seen} now") if asked(note) else ("info", "")
    at = figures.time_of_day(note.at, clock.zone, digits=0)
    parts = _wrapped(note.text + more, width - 12, 3)
    return [[(f" {'' if place else at:<8}  ", "muted"), (part, role)] for place, part in enumerate(parts)]


def _wrapped(text: str, width: int, most: int) -> list[str]:
    """``text`` in at most so many lines."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and width_of([(f"{line} {word}", "")]) > width:
            lines.append(line)
            line = ""
            if len(lines) == most:
                lines[-1] += " …"
                return lines
        line = f"{line} {word}".strip()
    return [*lines, line]
