"""The Log: decisions, events of the proxies, notes of people and of the UI, a line each in order of time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from mcpscope.store.listed import NoteRow, OutcomeRow, SessionRow
from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.changes import changes
from mcpscope.tui.present.heading import target
from mcpscope.tui.present.spans import Line, cut, pad

NARROW = 100
MAX_CHANGES = 3
_INSIDE = re.compile(r"^(?:params\.(?:arguments\.)?|result\.)")


@dataclass(frozen=True, slots=True)
class Event:
    """One line. ``exchange`` is what Enter opens, 0 for nothing."""

    at: int
    who: str
    text: str
    role: str = ""
    exchange: int = 0


ACT = "act"
"""The kind of the note that tells who did what, in this form: ``ui pts/3: rules remove b1``."""
_NOTE_ROLES = {"gap": "error", "stderr": "muted", "remark": "info"}


def events(
    sessions: Sequence[SessionRow],
    notes: Sequence[NoteRow],
    decisions: Sequence[tuple[int, str, OutcomeRow]],
    said: Sequence[tuple[int, str]],
    edits: Mapping[tuple[int, int], str],
) -> list[Event]:
    """Everything worth a line, in the order of time; ``edits`` say by message and time what was changed."""
    found = [*_lives(sessions)]
    names = {session.id: session.title for session in sessions}
    for note in notes:
        text = masking.text(" ".join(note.text.split())) or note.kind
        who = "note" if note.kind == "remark" else names.get(note.session_id, "")
        if note.kind == ACT:
            who, _, text = text.partition(": ")
            found.append(Event(note.at, who, text, "warning"))
            continue
        found.append(Event(note.at, who, f"{note.kind}: {text}", _NOTE_ROLES.get(note.kind, "")))
    for exchange, name, outcome in decisions:
        by = " ".join(part for part in (outcome.actor, outcome.rule) if part)
        waited = f" after {figures.duration(outcome.waited_ns)}" if outcome.waited_ns else ""
        changed = edits.get((outcome.message_id, outcome.at), "")
        misfits = outcome.warnings if outcome.sent is not None else ()
        anyway = f"sent anyway: {misfits[0]}" if misfits else ""
        told = "; ".join(part for part in (outcome.why, changed, anyway) if part)
        text = f"{outcome.outcome} {name} #{exchange}{waited}" + (f": {told}" if told else "")
        found.append(Event(outcome.at, by, text, "warning", exchange))
    found += [Event(at, "ui", text, "muted") for at, text in said]
    return sorted(found, key=lambda event: event.at)


def edit_words(received: bytes, sent: bytes, arrow: str) -> str:
    """What an edit changed: ``limit 5 -> 500``, arguments and results without the path to them."""
    found = changes(received, sent, arrow)
    if found is None:
        return ""
    shown = [_INSIDE.sub("", one) for one in found[:MAX_CHANGES]]
    more = [f"and {len(found) - MAX_CHANGES} more"] if len(found) > MAX_CHANGES else []
    return ", ".join([*shown, *more]) or "its spelling only"


def _lives(sessions: Sequence[SessionRow]) -> list[Event]:
    found: list[Event] = []
    for session in sessions:
        found.append(
            Event(session.started_at, session.title, f"session {session.id} began: {target(session)}")
        )
        if session.ended_at is not None:
            role = "error" if session.exit_code else ""
            code = f", exit code {session.exit_code}" if session.exit_code is not None else ""
            text = f"session {session.id} ended: {session.end_reason or 'ended'}{code}"
            found.append(Event(session.ended_at, session.title, text, role))
    return found


def event_line(event: Event, width: int, zone: tzinfo | None, *, cursor: str) -> Line:
    """The line of one event."""
    return cut(
        [
            (f" {cursor} " if cursor else "   ", "accent"),
            (figures.time_of_day(event.at, zone) + "  ", "muted"),
            (pad(event.who, 16 if width < NARROW else 28) + "  ", "muted"),
            (event.text, event.role),
        ],
        width,
    )
