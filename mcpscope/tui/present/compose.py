"""The lines around what is composed: what it is, where it goes, what is wrong with it, what came back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mcpscope.tui.present import figures
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, cut
from mcpscope.tui.sending import Answer


def title(method: str, name: str, width: int, *, in_json: bool) -> Line:
    """What is written, and in which form."""
    line: Line = [(" COMPOSING ", "accent"), (method, "muted")]
    line.append((f"  {name}" if name != method else "", "strong"))
    for word, here in (("Form", not in_json), ("JSON", in_json)):
        line += [("   ", ""), (f"[{word}]", "tab") if here else (word, "muted")]
    return cut(line, width)


def seat(text: str, count: int, width: int) -> Line:
    """Where it is sent from."""
    more = "  (^t another way)" if count > 1 else ""
    room = max(10, width - len(more) - 7)
    return [(" from  ", "muted"), *cut([(text, "")], room), (more, "muted")]


def verdict(
    problem: tuple[str, int, int] | None, problems: Sequence[str], width: int, glyphs: Glyphs, *, schema: bool
) -> list[Line]:
    """Whether it can be sent, and fits."""
    if problem is not None:
        text, line, column = problem
        found: Line = [(f" {glyphs.error}line {line}, column {column}: {text}", "error")]
        return [cut(found, width), [(" it cannot be sent so", "muted")]]
    if problems:
        more = figures.plural(len(problems), "problem") + glyphs.keyed("; {compose.anyway} sends it anyway")
        return [cut([(f" {glyphs.error}{problems[0]}", "warning")], width), [(f" {more}", "muted")]]
    text = "fits the schema" if schema else "JSON; no schema is known"
    return [[(f" {glyphs.ok}{text}", "success")], [("", "")]]


def told(answer: Answer | None, waited: float | None, width: int, glyphs: Glyphs, *, diffing: bool) -> Line:
    """The rule above the answer, with how it stands."""
    if waited is not None:
        parts: Line = [
            (f"{glyphs.waiting}waiting {figures.clock(waited)}", "info"),
            ("  Esc gives up", "muted"),
        ]
    elif answer is None:
        parts = [("not sent yet", "muted")]
    else:
        parts = [*_status(answer.body, glyphs), (f"  {figures.duration(answer.took_ns)}", "")]
        parts.append((f"  {figures.size(len(answer.source))}  PgDn scrolls", "muted"))
        parts += [("  against what it was", "accent")] if diffing else []
    line: Line = [(f"{glyphs.rule} ", "muted"), *parts, (" ", "")]
    used = sum(len(text) for text, _ in line)
    return cut([*line, (glyphs.rule * max(0, width - used), "muted")], width)


def _status(body: dict[str, Any], glyphs: Glyphs) -> Line:
    error = body.get("error")
    if isinstance(error, dict):
        return [(f"{glyphs.error}{error.get('code')}", "error"), (f"  {error.get('message')}"[:60], "")]
    result = body.get("result")
    if isinstance(result, dict) and result.get("isError") is True:
        return [(f"{glyphs.error}tool-error", "error")]
    return [(f"{glyphs.ok}ok", "success")]


def told_before(raw: bytes) -> bytes:
    """A recorded answer as the composer's own: its result or error alone."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    kept = (
        {key: value for key, value in body.items() if key in ("result", "error")}
        if isinstance(body, dict)
        else body
    )
    return json.dumps(kept, ensure_ascii=False).encode("utf-8", "surrogatepass")
