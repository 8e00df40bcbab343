"""``mcpscope tools``: what a server offers, and what of it clients may see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click

from mcpscope.cli import tools_accepted, tools_seen
from mcpscope.cli.completing import complete_tool
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.cli.tools_known import KIND, PROXY, Known, known
from mcpscope.engine.hints import hints
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.offered import Offered
from mcpscope.text import safe

_SEEN, _HIDDEN, _STOPS, _CHANGED = "●", "○", " ◉", " Δ"
_HEAD = ("", "name", "kind", "hints", "calls", "errors", "p50", "p95", "versions", "bytes")


@click.group("tools")
def command() -> None:
    """List, hide and break on tools."""


@command.command("list")
@PROXY
@KIND
@with_settings
def list_tools(proxy: str, kind: str | None, *, settings: Settings) -> None:
    """What the server offers: seen or hidden, hints, calls, errors, median and 95th percentile."""
    with known(proxy, settings) as server:
        rows = _rows(server, server.of_kind(kind))
        if settings.json:
            emit_json(rows)
            return
        if not rows:
            click.echo("nothing is listed yet", err=True)
            return
        print_table(_HEAD, map(_cells, rows), right=frozenset(range(4, 10)))
        for line in _remarks(server, {row["name"] for row in rows if row["hidden_by"]}):
            click.echo(safe(line), err=True)


@command.command("show")
@click.argument("name", shell_complete=complete_tool)
@PROXY
@with_settings
def show(name: str, proxy: str, *, settings: Settings) -> None:
    """One tool, prompt or resource: its definition as the server gives it."""
    with known(proxy, settings) as server:
        found = [item for item in server.items if item.name == name]
        rows = [
            {**row, "definition": item.body} for row, item in zip(_rows(server, found), found, strict=True)
        ]
    if not rows:
        raise ScopeError(
            f"nothing called {name} was listed",
            code="no_tool",
            exit=Exit.REFUSED,
            hint="see: mcpscope tools list",
        )
    if settings.json:
        emit_json(rows[0] if len(rows) == 1 else rows)
        return
    for row in rows:
        for key in ("name", "kind", "hidden_by", "calls", "errors", "versions"):
            click.echo(f"{key:<10} {safe(str(row[key]))}")
        click.echo(f"{'hints':<10} {' '.join(row['hints'])}")
        click.echo(safe(json.dumps(row["definition"], indent=2, ensure_ascii=False), keep="\n"))


for part in (*tools_seen.COMMANDS, *tools_accepted.COMMANDS):
    command.add_command(part)


def _rows(server: Known, items: list[Offered]) -> list[dict[str, Any]]:
    hidden, stops = server.hidden(items), server.breakpoints()
    return [
        {
            "kind": item.kind,
            "name": item.name,
            "hidden_by": hidden.get((item.kind, item.name), ""),
            "breakpoints": stops.get(item.name, []) if item.kind == "tool" else [],
            "listed": item.listed,
            "changed": item.kind == "tool" and item.listed and bool(server.changed(item.name)),
            "hints": list(hints(item.body)) if item.kind == "tool" else [],
            "description": item.body.get("description") or "",
            "versions": len(item.versions),
            "calls": item.calls,
            "errors": item.errors,
            "p50_ns": item.percentile(0.5),
            "p95_ns": item.percentile(0.95),
            "last_call": item.last_call or None,
            "bytes": item.size,
        }
        for item in items
    ]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    marks = _HIDDEN if row["hidden_by"] else _SEEN
    marks += (_STOPS if row["breakpoints"] else "") + (_CHANGED if row["changed"] else "")
    return (
        marks,
        row["name"],
        row["kind"],
        " ".join(row["hints"]),
        str(row["calls"]),
        str(row["errors"]),
        *(_ms(row[part]) for part in ("p50_ns", "p95_ns")),
        str(row["versions"]),
        str(row["bytes"]),
    )


def _remarks(server: Known, hidden: set[str]) -> Iterable[str]:
    """Below the list: what the last changes came to, and where what is hidden is still named."""
    for note in server.notes():
        yield f"{datetime.fromtimestamp(note.at / 1e9):%H:%M:%S} {note.text}"
    for mention in server.mentions(hidden):
        yield f"{mention.where} still names {mention.name}, which is hidden"


def _ms(ns: int | None) -> str:
    return "-" if ns is None else f"{ns / 1_000_000:.0f}ms"
