"""``mcpscope stats``: how often, how fast, how large, and what was never called."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.completing import complete_filter, complete_session
from mcpscope.cli.filters import FilterCommand, session_and_filter
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.errors import Exit
from mcpscope.store.directory import Directory
from mcpscope.store.offered import Offered, offered, that_listed
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from mcpscope.store.stats import GROUPS, Stat, stats
from mcpscope.tui.present.figures import duration, size
from mcpscope.tui.present.sparks import spark

SPARK_WIDTH = 12
_ORDERS = ("calls", "errors", "p95", "bytes", "name")


@click.command("stats", cls=FilterCommand)
@click.argument("session", required=False, shell_complete=complete_session)
@click.argument("filter", required=False, shell_complete=complete_filter)
@click.option(
    "--by", type=click.Choice(list(GROUPS)), default="tool", help="What to count by. Default: tool."
)
@click.option("--sort", type=click.Choice(_ORDERS), default="calls", help="Default: calls.")
@click.option("--never", is_flag=True, help="Tools that were listed and never called, and what they cost.")
@with_settings
def command(
    session: str | None, filter: str | None, by: str, sort: str, never: bool, settings: Settings
) -> int:
    """Calls, errors, p50, p95, p99 and bytes of SESSION, or of all that passes FILTER."""
    with reading(settings.db) as connection:
        info, wanted = session_and_filter(Directory(connection), session, filter)
        sessions = None if info is None else [info.id]
        listed = offered(connection, sessions or that_listed(connection))
        if never:
            return _show_never([one for one in listed if one.kind == "tool" and one.listed], settings)
        found = stats(Query(connection, wanted, sessions=sessions).oldest(), by)
    sizes = {one.name: one.size for one in listed if one.kind == "tool"} if by == "tool" else {}
    found.sort(key=lambda stat: _order(stat, sort))
    if settings.json:
        emit_json([_facts(stat, by, sizes) for stat in found])
        return Exit.OK
    if not found:
        click.echo("nothing was called", err=True)
        return Exit.OK
    _print(found, by, sizes, ascii=settings.ascii)
    return Exit.OK


def _print(found: list[Stat], by: str, sizes: dict[str, int], *, ascii: bool) -> None:
    begin, end = min(stat.first for stat in found), max(stat.last for stat in found)
    columns = [by.upper(), "CALLS", "ERRORS", "P50", "P95", "P99", "ASKED", "ANSWERED", "WHEN"]
    rows = [
        [
            stat.key,
            f"{stat.calls:,}",
            f"{stat.errors:,}",
            *(duration(stat.percentile(part)) for part in (0.5, 0.95, 0.99)),
            size(stat.asked_bytes),
            size(stat.answer_bytes),
            spark(stat.times, begin, end, SPARK_WIDTH, ascii=ascii),
        ]
        for stat in found
    ]
    if by == "tool":
        columns.insert(-1, "DEFINITION")
        for row in rows:
            row.insert(-1, size(sizes[row[0]]) if row[0] in sizes else "-")
    print_table(columns, rows, right=frozenset(range(1, len(columns) - 1)))


def _order(stat: Stat, sort: str) -> Any:
    by_number = {
        "calls": stat.calls,
        "errors": stat.errors,
        "p95": stat.percentile(0.95) or 0,
        "bytes": stat.asked_bytes + stat.answer_bytes,
    }
    return (-by_number[sort], stat.key) if sort in by_number else stat.key


def _facts(stat: Stat, by: str, sizes: dict[str, int]) -> dict[str, Any]:
    def milliseconds(part: float) -> float | None:
        found = stat.percentile(part)
        return None if found is None else found / 1e6

    return {
        by: stat.key,
        "calls": stat.calls,
        "errors": stat.errors,
        "denied": stat.denied,
        "p50_ms": milliseconds(0.5),
        "p95_ms": milliseconds(0.95),
        "p99_ms": milliseconds(0.99),
        "request_bytes": stat.asked_bytes,
        "answer_bytes": stat.answer_bytes,
        "definition_bytes": sizes.get(stat.key) if by == "tool" else None,
        "first_at": stat.first,
        "last_at": stat.last,
    }


def _show_never(tools: list[Offered], settings: Settings) -> int:
    never = [tool for tool in tools if not tool.calls]
    if settings.json:
        emit_json([{"tool": tool.name, "definition_bytes": tool.size} for tool in never])
        return Exit.OK
    if not never:
        click.echo("every tool that was listed was called" if tools else "no tools were listed", err=True)
        return Exit.OK
    print_table(
        ("TOOL", "DEFINITION"), [(tool.name, size(tool.size)) for tool in never], right=frozenset({1})
    )
    unused, total = sum(tool.size for tool in never), sum(tool.size for tool in tools)
    click.echo(f"{len(never)} of {len(tools)} tools; {size(unused)} of {size(total)} in every list")
    return Exit.OK
