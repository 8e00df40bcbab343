"""A client's server as a line, and what wrapping would change as the lines of a dialog."""

from __future__ import annotations

from mcpscope.clients.found import WRAPPED, Found
from mcpscope.clients.masking import masked, short
from mcpscope.clients.wrapping import Plan
from mcpscope.tui.present.chrome import rule
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, cut, pad

_ROLES = {WRAPPED: "success", "unreadable": "error"}


def _widths(width: int) -> tuple[int, int]:
    return (16, 18) if width < 100 else (22, 28)


def servers_heading(width: int) -> Line:
    """The titles above the servers."""
    client, name = _widths(width)
    return cut(
        [(f"   {pad('CLIENT', client)} {pad('SERVER', name)} {pad('STATE', 12)} STARTS OR REACHES", "muted")],
        width,
    )


def server_line(found: Found, width: int, glyphs: Glyphs, *, here: bool) -> Line:
    """The line of one server."""
    client, name = _widths(width)
    return cut(
        [
            (f" {glyphs.cursor} " if here else "   ", "accent"),
            (pad(found.client.title, client, more=glyphs.more) + " ", "muted"),
            (pad(found.name or "-", name, more=glyphs.more) + " ", "strong"),
            (pad(found.state, 12) + " ", _ROLES.get(found.state, "")),
            (found.target, "muted"),
        ],
        width,
        more=glyphs.more,
    )


def server_facts(found: Found, width: int, glyphs: Glyphs) -> list[Line]:
    """Where the server stands, and what its client needs to see a change."""
    lines: list[Line] = [
        rule(width, glyphs),
        [("  file    ", "muted"), (short(found.path), "")],
        [("  after a change  ", "muted"), (found.client.reload, "")],
    ]
    return [cut(line, width, more=glyphs.more) for line in lines]


def change_lines(plan: Plan) -> list[Line]:
    """What would be written into one file, secrets masked; skipped servers with the reason."""
    lines: list[Line] = [[(f" {short(plan.file.path)}", "strong")]]
    for change in plan.changes:
        if change.skipped:
            lines.append([(f"   {change.name}: ", ""), (change.skipped, "muted")])
            continue
        lines.append([(f"   {change.name}", "")])
        lines.append([(f"   - {masked(change.before)}", "error")])
        lines.append([(f"   + {masked(change.after)}", "success")])
    return lines
