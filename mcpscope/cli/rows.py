"""Verdict rows as lines of text, the same for replay, diff and review."""

from __future__ import annotations

from collections.abc import Iterable

import click

from mcpscope.replay.report import difference_line
from mcpscope.replay.verdicts import Row, Verdict
from mcpscope.text import safe

DIFFERENCES_SHOWN = 5


def row_line(row: Row) -> str:
    """One line: number, label, verdict, times, why."""
    times = f"{_time(row.was_ns)} {_time(row.now_ns)}"
    verdict = f"{row.verdict.glyph} {row.verdict.value:8}"
    return f"{row.number:5} {safe(row.label):24} {verdict} {times}  {safe(row.why)}"


def show_rows(rows: Iterable[Row], *, everything: bool = False) -> None:
    """Print what is not the same, each with its first differences."""
    for row in rows:
        if row.verdict is Verdict.SAME and not everything:
            continue
        click.echo(row_line(row))
        if row.verdict.fails:
            for item in row.differences[:DIFFERENCES_SHOWN]:
                click.echo(f"        {difference_line(item)}")
            if len(row.differences) > DIFFERENCES_SHOWN:
                click.echo(f"        … {len(row.differences) - DIFFERENCES_SHOWN} more")


def _time(ns: int | None) -> str:
    return f"{'-':>10}" if ns is None else f"{ns / 1e6:7.1f} ms"
