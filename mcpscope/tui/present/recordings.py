"""One recording as a line of the list, and the facts of the one under the cursor."""

from __future__ import annotations

from mcpscope.store.listed import SessionRow
from mcpscope.tui.clock import Clock
from mcpscope.tui.present import figures
from mcpscope.tui.present.chrome import rule
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.heading import target
from mcpscope.tui.present.spans import Line, cut, pad


def _widths(width: int) -> tuple[int, int, int]:
    """Cells of name, client and server."""
    room = max(30, width - 43)
    client = server = max(11, min(30, room * 3 // 10))
    return max(12, room - client - server), client, server


def recordings_heading(width: int) -> Line:
    """The titles above the recordings."""
    name, client, server = _widths(width)
    parts = (pad("STARTED", 13), pad("NAME", name), pad("CLIENT", client), pad("SERVER", server))
    return cut([("     " + " ".join(parts) + f" {'CALLS':>7} {'ERR':>4} {'SIZE':>6}", "muted")], width)


def recording_line(
    session: SessionRow,
    errors: int | None,
    width: int,
    glyphs: Glyphs,
    clock: Clock,
    *,
    here: bool,
    selected: bool,
) -> Line:
    """The line of one recording; ``errors`` None: not counted."""
    name, client, server = _widths(width)
    sign = glyphs.live if session.ended_at is None else glyphs.mark if selected else " "
    title = session.name or session.label or "(unnamed)"
    return cut(
        [
            (f" {glyphs.cursor}" if here else "  ", "accent"),
            (f" {sign} ", "success" if session.ended_at is None else "match" if selected else ""),
            (pad(figures.day(session.started_at, clock.now_ns(), clock.zone), 13) + " ", "muted"),
            (pad(title, name) + " ", "strong" if session.name else ""),
            (pad(_versioned(session.client_name, session.client_version, client), client) + " ", ""),
            (pad(_versioned(session.server_name, session.server_version, server), server) + " ", ""),
            (f"{session.exchanges:>7} ", ""),
            (f"{errors if errors is not None else '-':>4} ", "error" if errors else "muted"),
            (f"{figures.size(session.bytes):>6}", ""),
        ],
        width,
    )


def _versioned(name: str, version: str, room: int) -> str:
    """Name and version, or the name alone where both do not fit."""
    both = f"{name} {version}".strip() or "-"
    return both if len(both) <= room else name or both


def facts_lines(session: SessionRow, width: int, glyphs: Glyphs) -> list[Line]:
    """What is known of a recording, under a rule with its name."""
    where = target(session) or "(no command)"
    end = {"": "live" if session.ended_at is None else "ended"}.get(session.end_reason, session.end_reason)
    if session.exit_code:
        end += f", exit code {session.exit_code}"
    integrity = "complete, no gaps"
    if session.lost_messages or session.gaps:
        integrity = (
            f"{figures.plural(session.gaps, 'gap')}, {figures.plural(session.lost_messages, 'message')} lost"
        )
    inferred = ", inferred: its requests name no session" if session.inferred else ""
    lines: list[Line] = [
        rule(width, glyphs, [(session.title, "strong")]),
        [("  ", ""), (where, ""), (f"   protocol {session.revision or 'unknown'}{inferred}", "muted")],
        [
            ("  ", ""),
            (figures.plural(session.messages, "message"), ""),
            (
                f"  {session.client_transport or '?'} {glyphs.to_server} {session.server_transport or '?'}",
                "muted",
            ),
            (f"  pid {session.pid}" if session.pid else "", "muted"),
            (f"  {end}", "muted"),
        ],
        [
            ("  integrity  ", "muted"),
            (integrity, "error" if session.lost_messages or session.gaps else "success"),
        ],
    ]
    if session.note:
        lines.append([("  note       ", "muted"), (session.note, "")])
    return [cut(line, width) for line in lines]
