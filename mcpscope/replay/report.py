"""A finished run for people and machines: JUnit, JSON, Markdown, HTML; every text passes ``safe``."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from mcpscope.replay.compare import MISSING, Difference
from mcpscope.replay.verdicts import Row, Verdict, counts
from mcpscope.text import safe

VALUE_CHARS = 200
DIFFERENCES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with its rows. ``ended`` says how where it did not end by itself; ``seconds`` is wall time."""

    recording: str
    target: str
    rows: Sequence[Row]
    seconds: float
    ended: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.ended) or any(row.verdict.fails for row in self.rows)


def summary(rows: Sequence[Row]) -> str:
    """``same 11  changed 2  skipped 1``: verdicts with their counts, those that are none left out."""
    found = counts(rows)
    return "  ".join(f"{verdict.value} {found[verdict]}" for verdict in Verdict if found[verdict])


def value_text(value: Any) -> str:
    """One JSON value in one short line."""
    if value is MISSING:
        return "(nothing)"
    shown = json.dumps(value, ensure_ascii=False, default=str)
    cut = shown if len(shown) <= VALUE_CHARS else f"{shown[:VALUE_CHARS]}… ({len(shown):,} chars)"
    return safe(cut)


def difference_line(item: Difference) -> str:
    """``$.result.x: 1 → 2``, with what kind of difference it is."""
    where = safe(item.where)
    if item.was is MISSING and item.now is MISSING:
        return f"{where} {safe(item.why)}"
    return f"{where} {safe(item.why)}: {value_text(item.was)} → {value_text(item.now)}"


def to_json(run: Finished) -> str:
    """One document: the run, its counts, and a row an exchange with its differences."""
    document = {
        "recording": run.recording,
        "target": run.target,
        "failed": run.failed,
        "ended": run.ended,
        "seconds": round(run.seconds, 3),
        "counts": {verdict.value: number for verdict, number in counts(run.rows).items()},
        "rows": [row_json(row) for row in run.rows],
    }
    return json.dumps(document, indent=2, default=str)


def row_json(row: Row) -> dict[str, Any]:
    """One row as JSON; times in milliseconds."""
    return {
        "number": row.number,
        "label": row.label,
        "verdict": row.verdict.value,
        "was_ms": _ms(row.was_ns),
        "now_ms": _ms(row.now_ns),
        "why": row.why,
        "differences": [
            {
                "path": item.where,
                "level": item.level.name.lower(),
                "was": None if item.was is MISSING else item.was,
                "now": None if item.now is MISSING else item.now,
                "why": item.why,
            }
            for item in row.differences
        ],
        "echoes": {str(was): now for was, now in row.echoes.items()},
    }


def to_junit(run: Finished) -> str:
    """JUnit XML: a test case an exchange; what fails is a failure, what was skipped is skipped."""
    failures = sum(row.verdict.fails for row in run.rows)
    skipped = sum(row.verdict is Verdict.SKIPPED for row in run.rows)
    suite = ElementTree.Element(
        "testsuite",
        name=safe(f"mcpscope replay {run.recording}"),
        tests=str(len(run.rows) + bool(run.ended)),
        failures=str(failures),
        errors=str(int(bool(run.ended))),
        skipped=str(skipped),
        time=f"{run.seconds:.3f}",
    )
    for row in run.rows:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=safe(run.recording),
            name=safe(f"{row.number:04} {row.label}"),
            time=f"{(row.now_ns or 0) / 1e9:.6f}",
        )
        if row.verdict is Verdict.SKIPPED:
            ElementTree.SubElement(case, "skipped", message=safe(row.why))
        elif row.verdict.fails:
            failure = ElementTree.SubElement(
                case, "failure", type=row.verdict.value, message=safe(row.why or row.verdict.value)
            )
            failure.text = "\n".join(safe(difference_line(item)) for item in row.differences)
    if run.ended:
        case = ElementTree.SubElement(
            suite, "testcase", classname=safe(run.recording), name="the run", time="0"
        )
        ElementTree.SubElement(case, "error", type="ended", message=safe(run.ended))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
    )


def to_markdown(run: Finished) -> str:
    """A table of the rows and a list of differences, for a pull request."""
    state = "failed" if run.failed else "passed"
    lines = [
        f"### Replay of {_cell(run.recording)} against `{_cell(run.target)}`: {state}",
        "",
        summary(run.rows) + (f" — {_cell(run.ended)}" if run.ended else ""),
        "",
        "| # | tool | verdict | was | now | why |",
        "|---|---|---|---|---|---|",
    ]
    for row in run.rows:
        times = f"{_duration(row.was_ns)} | {_duration(row.now_ns)}"
        verdict = f"{row.verdict.glyph} {row.verdict.value}"
        lines.append(f"| {row.number} | {_cell(row.label)} | {verdict} | {times} | {_cell(row.why)} |")
    for row in run.rows:
        if row.verdict.fails and row.differences:
            lines += ["", f"**{row.number} {_cell(row.label)}**", ""]
            lines += [f"- `{_cell(difference_line(item))}`" for item in row.differences[:DIFFERENCES_SHOWN]]
    return "\n".join(lines) + "\n"


def to_html(run: Finished) -> str:
    """One page that needs no network."""
    rows = "".join(
        f"<tr class={row.verdict.value}><td>{row.number}<td>{_h(row.label)}<td>{row.verdict.glyph}"
        f" {row.verdict.value}<td>{_duration(row.was_ns)}<td>{_duration(row.now_ns)}<td>{_h(row.why)}"
        + "".join(
            f"<br><code>{_h(difference_line(item))}</code>" for item in row.differences[:DIFFERENCES_SHOWN]
        )
        for row in run.rows
    )
    state = "failed" if run.failed else "passed"
    return (
        f"<!doctype html><meta charset=utf-8><title>Replay of {_h(run.recording)}</title>"
        f"<style>{_STYLE}</style>"
        f"<h1>Replay of {_h(run.recording)}: {state}</h1><p>against <code>{_h(run.target)}</code></p>"
        f"<p>{_h(summary(run.rows))} {_h(run.ended)}</p>"
        f"<table><tr><th>#<th>tool<th>verdict<th>was<th>now<th>why{rows}</table>\n"
    )


FORMATS: dict[str, Callable[[Finished], str]] = {
    "junit": to_junit,
    "json": to_json,
    "md": to_markdown,
    "html": to_html,
}

_STYLE = (
    "body{font:14px system-ui;margin:2em}table{border-collapse:collapse}td,th{padding:.3em .8em;"
    "border-bottom:1px solid #ccc;text-align:left;vertical-align:top}code{white-space:pre-wrap}"
    ".changed,.error,.missing,.new{background:#fdd}.fixed{background:#dfd}.skipped{color:#777}"
)


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / 1e6, 3)


def _duration(ns: int | None) -> str:
    return "-" if ns is None else f"{ns / 1e6:.0f} ms" if ns >= 10_000_000 else f"{ns / 1e6:.1f} ms"


def _cell(text: str) -> str:
    return safe(text).replace("|", "\\|").replace("`", "'")


def _h(text: str) -> str:
    return html.escape(safe(text))
