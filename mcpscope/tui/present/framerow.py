"""One message or note as one line of the frames view."""

from __future__ import annotations

from mcpscope.store.listed import MessageRow, NoteRow
from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.rows import Look, direction
from mcpscope.tui.present.spans import Line, cut, pad, width_of

_ROLES = {"error": "error", "malformed": "malformed"}


WITH_ID = 90
"""From this width on there are milliseconds and the JSON-RPC id; the fate is never left out."""


def frames_heading(width: int) -> Line:
    """The titles above the frames."""
    name, time = pad("MESSAGE", _name(width)), pad("TIME", _time(width))
    id = f" {'ID':<8}" if width >= WITH_ID else ""
    text = f"  {'#':>6}  {time}   {name} {pad('KIND', 12)}{id} {'SIZE':>6}  FATE"
    return cut([(text, "muted")], width)


def _time(width: int) -> int:
    return 12 if width >= WITH_ID else 8


def _name(width: int) -> int:
    """Cells of what a frame is called."""
    return max(14, min(40, width - 48 - _time(width) - (9 if width >= WITH_ID else 0)))


def frame_line(frame: MessageRow | NoteRow, width: int, look: Look, *, here: bool) -> Line:
    """The line of one frame; ``here`` is the row under the cursor."""
    time = figures.time_of_day(frame.at, look.zone, digits=max(0, _time(width) - 9))
    spans: Line = [(f" {look.glyphs.cursor}" if here else "  ", "accent")]
    if isinstance(frame, NoteRow):
        spans += [(f"{frame.id:>6}  {time} ", "muted"), (f"{look.glyphs.neither} ", "")]
        spans += [
            (pad(frame.kind, _name(width)), ""),
            (f" {look.glyphs.note}", "muted"),
            (masking.text(" ".join(frame.text.split())), "muted"),
        ]
        return cut(spans, width)
    what = frame.method or frame.label or "(no method)"
    if frame.kind in ("result", "error") and frame.label:
        what = f"answer to {frame.label}"
    elif frame.method == "tools/call" and frame.label:
        what = frame.label
    spans += [
        (f"{frame.id:>6}  {time} ", "muted"),
        (direction(frame.dir, look.glyphs) + " ", ""),
        (pad(what, _name(width)), ""),
        (" " + pad(frame.kind, 12), _ROLES.get(frame.kind, "muted")),
        (" " + pad(frame.rpc_id, 8) if width >= WITH_ID else "", "muted"),
        (f" {figures.size(frame.size):>6}  ", ""),
        (frame.fate, "muted" if frame.fate == "forwarded" else "warning"),
        ("" if frame.origin == "peer" else f", {frame.origin}", "muted"),
    ]
    if frame.marks and width_of(spans) + 2 + len(frame.marks) <= width:
        spans.append((f"  {frame.marks}", "warning"))
    return cut(spans, width)
