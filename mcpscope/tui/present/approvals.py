"""What a policy asks about, in lines: who wants what, its digest, what differs, what it may be taken for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mcpscope.tui.jsontext import laid_out, part_of
from mcpscope.tui.present import figures
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, cut
from mcpscope.tui.present.tabs import diff_lines


def facts(got: Mapping[str, Any], width: int, glyphs: Glyphs) -> list[Line]:
    """Who asks for what, the digest of exactly these bytes, and what it may be taken for."""
    caller = got["caller"] or "without a token"
    what = f"{got['method']} {got['name'] or got['tool']}".strip()
    lines: list[Line] = [
        [(f" {what}", "strong"), (f"  {figures.size(got['size'])}  by {caller}", "muted")],
        [(f" {got['rule']} asks", "warning"), (f": {got['why']}" if got["why"] else "", "")],
        [(" sha256 ", "muted"), (got["digest"], "")],
    ]
    if got["edited"]:
        lines.append([(f" {glyphs.error}edited by {got['editor']}: not what the client sent", "warning")])
    lines += [[(f" {glyphs.error}{one}", "error")] for one in got["lookalikes"]]
    lines.append([(glyphs.rule * width, "muted")])
    return [cut(line, width) for line in lines]


def text(got: Mapping[str, Any]) -> list[Line]:
    """The whole message, and before it what differs from the last one that was approved."""
    message = str(got["message"].get("text") or got["message"].get("base64", ""))
    lines: list[Line] = []
    last = got.get("last_approved")
    if last is not None and "text" in last:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last["at"] / 1e9))
        before, now = _compared(str(last["text"])), _compared(message)
        lines += [[(f"compared with the last approved, by {last['by']}, {when}", "muted")]]
        lines += diff_lines(before, now, ("approved then", "this"))
        lines.append([])
    lines.append([("the whole message", "muted")])
    lines += [[(line, "")] for line in laid_out(message).split("\n")]
    return lines


def _compared(message: str) -> bytes:
    """The parameters; an id and what is said beside them differ in every call."""
    for part in ("/params/arguments", "/params"):
        if (found := part_of(message.encode(), part)) is not None:
            return found.encode()
    return message.encode()
