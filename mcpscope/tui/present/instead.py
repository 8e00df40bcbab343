"""What stands where a message would where none came, and how what came differs from what left."""

from __future__ import annotations

from collections.abc import Callable

from mcpscope.store.listed import ExchangeRow
from mcpscope.tui.loaded import Body, Loaded
from mcpscope.tui.present import figures, tabs
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line

HeldLines = Callable[[ExchangeRow, int], list[Line]]
"""What is told of a held exchange, in lines of so many cells; nothing where nobody knows of its hold."""


def no_hold(row: ExchangeRow, width: int) -> list[Line]:
    """Where nobody knows what is held."""
    return []


def of_request(loaded: Loaded) -> list[Line]:
    """In place of a request: the text of a note or of a line that is no message."""
    if loaded.note is None:
        return [[("the bytes of this message are not kept", "muted")]] if loaded.messages else []
    return [[(line, "")] for line in loaded.note.text.splitlines()[:2000]] or [[("(empty)", "muted")]]


def of_answer(loaded: Loaded, now_ns: int, width: int, held: HeldLines, glyphs: Glyphs) -> list[Line]:
    """In place of an answer, as it is ``now_ns``."""
    row = loaded.row
    if row.status == "held" and (lines := held(row, width)):
        return lines
    if row.kind != "request":
        return []
    waited = figures.duration(now_ns - row.opened_at)
    texts = {
        "waiting": f"no answer yet, waiting for {waited}",
        "held": glyphs.keyed("held; {urgent} shows it in Holds, where it is decided"),
        "lost": "the connection ended before an answer came",
        "cancelled": "cancelled by who asked; no answer came",
        "denied": "refused by a rule; the client got an error",
        "dropped": "dropped by a person; the client got an error",
    }
    return [[(texts.get(row.status, "there is no answer"), "muted")]]


def differences(loaded: Loaded, other: Loaded | None) -> list[Line]:
    """``other`` and this exchange, or what was received and what was sent."""
    if other is not None:
        lines: list[Line] = []
        names = (f"#{other.row.id} marked", f"#{loaded.row.id} this")
        for title, mine, theirs in (
            ("request", loaded.request, other.request),
            ("answer", loaded.answer, other.answer),
        ):
            lines.append([(title, "strong")])
            lines += tabs.diff_lines(source(theirs), source(mine), names)
            lines.append([])
        return lines
    sources = {body.message.id: body.source for body in (loaded.request, loaded.answer) if body is not None}
    changed: list[Line] = []
    for outcome in loaded.outcomes:
        if outcome.sent is not None and outcome.message_id in sources:
            received = sources[outcome.message_id]
            changed += [[]] if changed else []
            changed += tabs.diff_lines(received, outcome.sent, ("as received", "as sent"))
    if changed:
        return changed
    return [[("every message left as it came, byte for byte", "success")]]


def source(body: Body | None) -> bytes:
    """The bytes of a body that is there whole."""
    return body.source if body is not None and body.whole else b""
