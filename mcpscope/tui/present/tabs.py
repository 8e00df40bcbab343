"""The tabs of an exchange that are not its bytes: Schema, Headers, Timing, Related, Diff, as lines."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from mcpscope.store.listed import ExchangeRow, MessageRow, NoteRow, OutcomeRow
from mcpscope.tui import later
from mcpscope.tui.present import figures
from mcpscope.tui.present.document import document
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.rows import direction, label, row_verdict
from mcpscope.tui.present.spans import Line, pad

if TYPE_CHECKING:
    from mcpscope.engine.schemas import Violation

MAX_DIFF_LINES = 6000
EQUAL_CONTEXT = 2
_TIMES = {"first_byte_at": "first byte", "last_byte_at": "last byte"}  # of an answer; Timing shows them


def json_value(source: bytes, *path: str) -> object:
    """The value at ``path`` of a JSON text; None where there is none or the text is not JSON."""
    try:
        found = json.loads(source)
    except (ValueError, RecursionError):
        return None
    for key in path:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def problems(definition: bytes | None, source: bytes, *, answer: bool) -> list[Violation] | None:
    """Where the arguments (or the structured result) do not fit the tool's schema; None: nothing to check."""
    schema = json_value(definition or b"", "outputSchema" if answer else "inputSchema")
    if schema is None:
        return None
    path = ("result", "structuredContent") if answer else ("params", "arguments")
    value = json_value(source, *path)
    if value is None:
        if answer:
            return None
        value = {}
    return later.schemas.violations(schema, value)


def fit_line(found: Sequence[Violation] | None, glyphs: Glyphs) -> Line:
    """``fits the schema`` or the first violation, for the line under the list."""
    if found is None:
        return []
    if not found:
        return [(f"{glyphs.ok}fits the schema", "success")]
    return [(f"{glyphs.error}{found[0].where}: {found[0].text}", "error")]


def schema_lines(definition: bytes | None, source: bytes, glyphs: Glyphs, *, answer: bool) -> list[Line]:
    """The schema with the violations, the violations first."""
    word = "outputSchema" if answer else "inputSchema"
    schema = json_value(definition or b"", word)
    if definition is None:
        return [[("no tools/list with this tool was seen in this session", "muted")]]
    if schema is None:
        return [[(f"the tool declares no {word}", "muted")]]
    found = problems(definition, source, answer=answer)
    lines: list[Line] = []
    if found is None:
        lines.append([("nothing to check: the result has no structuredContent", "muted")])
    elif not found:
        lines.append(
            [(f"{glyphs.ok}{'the result fits' if answer else 'the arguments fit'} the {word}", "success")]
        )
    for one in found or []:
        lines.append([(f"{glyphs.error}{one.where}", "error"), (f"  {one.text}", "")])
    lines.append([])
    text = json.dumps(schema, ensure_ascii=True).encode()
    shown = document(text)
    for one in found or []:
        line = _line_at(shown.index.path, len(shown.index), one.schema_path)
        if line is not None:
            shown.marks[line] = one.text
    return [*lines, *(shown.spans(row, glyphs) for row in range(len(shown)))]


def _line_at(path_of: object, count: int, steps: Sequence[str | int]) -> int | None:
    assert callable(path_of)
    wanted = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return next((line for line in range(min(count, 2000)) if path_of(line) == wanted), None)


def header_lines(facts: tuple[str, str, str]) -> tuple[list[Line], list[Line]]:
    """The HTTP head of a request and of its answer, one header a line."""
    head, answered_head, closed = (json_value(text.encode()) for text in facts)
    asked: list[Line] = _fact_lines(head)
    answered: list[Line] = [*_fact_lines(answered_head), *_fact_lines(closed)]
    nothing: list[Line] = [[("no HTTP on this side (stdio has no headers)", "muted")]]
    return asked or nothing, answered or nothing


def _fact_lines(found: object) -> list[Line]:
    if not isinstance(found, dict):
        return []
    lines: list[Line] = []
    for name, value in found.items():
        if name == "headers" and isinstance(value, (list, dict)):
            pairs = value.items() if isinstance(value, dict) else (pair for pair in value if len(pair) == 2)
            lines += [[(f"  {key}: ", "key"), (str(text), "")] for key, text in pairs]
        elif name not in _TIMES and value != 0:  # a status of 0: it was never answered
            lines.append([(f"{name} ", "key"), (str(value), "")])
    return lines


def timing_lines(
    row: ExchangeRow,
    messages: Sequence[MessageRow],
    outcomes: Sequence[OutcomeRow],
    glyphs: Glyphs,
    zone: tzinfo | None,
    facts: tuple[str, str, str] = ("", "", ""),
) -> list[Line]:
    """When each message of the exchange came, how long it was held, and when the exchange ended.

    ``facts`` are those of its HTTP stream, if it has one.
    """
    verdict = row_verdict(row, glyphs)
    lines: list[Line] = [
        [(pad("status", 11), "muted"), (verdict.text, verdict.role)],
        [(pad("received", 11), "muted"), (figures.time_of_day(row.opened_at, zone), "")],
        [(pad("duration", 11), "muted"), (figures.duration(row.dur_ns), "")],
    ]
    if row.legs > 1:
        lines.append([(pad("legs", 11), "muted"), (str(row.legs), "")])
    lines += _stream_lines(row, facts)
    lines.append([])
    lines.append([(f"{'AFTER':>9}     {pad('MESSAGE', 34)} {'SIZE':>6}  FATE", "muted")])
    by_message: dict[int, list[OutcomeRow]] = {}
    for outcome in outcomes:
        by_message.setdefault(outcome.message_id, []).append(outcome)
    for message in messages:
        what = message.method or f"{message.kind} {message.rpc_id}".strip()
        lines.append(
            [
                (f"{'+' + figures.duration(message.at - row.opened_at):>9}  ", "muted"),
                (f"{direction(message.dir, glyphs)}  ", ""),
                (pad(what, 34), ""),
                (f" {figures.size(message.size):>6}  ", ""),
                (message.fate, "muted"),
            ]
        )
        lines += [_outcome_line(outcome) for outcome in by_message.get(message.id, [])]
    return lines


def _stream_lines(row: ExchangeRow, facts: tuple[str, str, str]) -> list[Line]:
    """What HTTP knew of an exchange: its stream, the status, the bytes of the answer, and who ended it."""
    closed = json_value(facts[2].encode())
    if not facts[0] or not isinstance(closed, dict):
        return [[(pad("HTTP", 11), "muted"), (f"stream {row.stream}, open", "")]] if facts[0] else []
    status = f"stream {row.stream}, status {closed.get('status') or 'none'}"
    by = closed.get("closed_by") or "nobody"
    lines: list[Line] = [[(pad("HTTP", 11), "muted"), (f"{status}, closed by {by}", "")]]
    for key, name in _TIMES.items():
        at = closed.get(key)
        if isinstance(at, int):
            lines.append([(pad(name, 11), "muted"), ("+" + figures.duration(at - row.opened_at), "")])
    if closed.get("error"):
        lines.append([(pad("error", 11), "muted"), (str(closed["error"]), "error")])
    return lines


def _outcome_line(outcome: OutcomeRow) -> Line:
    by = outcome.rule or outcome.actor
    text = outcome.outcome + (f" by {by}" if by else "")
    if outcome.waited_ns:
        text += f" after {figures.duration(outcome.waited_ns)}"
    if outcome.why:
        text += f": {outcome.why}"
    return [(" " * 14, ""), (text, "warning")]


def related_lines(
    related: Sequence[tuple[str, ExchangeRow]],
    remarks: Sequence[NoteRow],
    glyphs: Glyphs,
    zone: tzinfo | None,
) -> list[Line]:
    """What belongs to the exchange, one row each in the order of ``related``, then what people wrote."""
    lines: list[Line] = []
    for why, row in related:
        verdict = row_verdict(row, glyphs)
        lines.append(
            [
                (f"{row.id:>6}  {figures.time_of_day(row.opened_at, zone)} ", "muted"),
                (f"{direction(row.dir, glyphs)} {pad(label(row), 26)} ", ""),
                (pad(verdict.text, 14), verdict.role),
                (f"{figures.duration(row.dur_ns):>7}  ", ""),
                (why, "muted"),
            ]
        )
    if not related:
        lines.append([("nothing else belongs to this exchange", "muted")])
    for note in remarks:
        lines.append(
            [
                ("   note  ", "muted"),
                (f"{figures.time_of_day(note.at, zone, digits=0)}  ", "muted"),
                (note.text, ""),
            ]
        )
    return lines


def diff_lines(before: bytes, after: bytes, names: tuple[str, str]) -> list[Line]:
    """Two JSON texts as printed lines, equal runs folded."""
    old, new = _printed(before), _printed(after)
    if old == new:
        return [
            [("byte for byte the same" if before == after else "the same but for white space", "success")]
        ]
    if max(len(old), len(new)) > MAX_DIFF_LINES:
        return [
            [
                (
                    f"more than {figures.count(MAX_DIFF_LINES)} lines: export both and compare them outside",
                    "warning",
                )
            ]
        ]
    lines: list[Line] = [
        [("- ", "diff-del"), (names[0], "muted")],
        [("+ ", "diff-add"), (names[1], "muted")],
        [],
    ]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for word, a, b, c, d in matcher.get_opcodes():
        if word == "equal":
            lines += _equal(old[a:b])
            continue
        lines += [[("- " + text, "diff-del")] for text in old[a:b]]
        lines += [[("+ " + text, "diff-add")] for text in new[c:d]]
    return lines


def _equal(texts: Sequence[str]) -> list[Line]:
    if len(texts) <= 2 * EQUAL_CONTEXT + 1:
        return [[("  " + text, "")] for text in texts]
    hidden = len(texts) - 2 * EQUAL_CONTEXT
    return [
        *([("  " + text, "")] for text in texts[:EQUAL_CONTEXT]),
        [(f"  … {hidden} equal lines …", "muted")],
        *([("  " + text, "")] for text in texts[-EQUAL_CONTEXT:]),
    ]


def _printed(source: bytes) -> list[str]:
    found = document(source)
    return ["".join(text for text, _ in found.spans(row)).removesuffix(",") for row in range(len(found))]
