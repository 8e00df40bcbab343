"""``mcpscope sql``: a read-only question over the documented views."""

from __future__ import annotations

import base64
import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import click

from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.engine.filter.units import duration
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.reading import reading
from mcpscope.store.sql import Question
from mcpscope.text import json_text, safe


@click.command("sql")
@click.argument("question", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl", "csv"]), default="text")
@click.option("--timeout", default="60s", metavar="TIME", help="Give up after this long (default: 60s).")
@with_settings
def command(question: str | None, form: str, timeout: str, settings: Settings) -> None:
    """Ask the database a QUESTION in SQL, read only; without one, list the views and their columns.

    body(message_id) gives the text of a message: SELECT body(id) FROM v_messages.
    """
    limit = duration(timeout)
    if limit is None or limit <= 0:
        raise ScopeError(
            f"{timeout!r} is not a duration", code="usage", exit=Exit.USAGE, hint="try 500ms, 2s or 1m"
        )
    if question == "-":
        question = sys.stdin.read()
    with reading(settings.db, warn) as connection, closing(Question(connection, limit / 1e9)) as asked:
        if not question or not question.strip():
            _show_views(asked, as_json=settings.json or form == "json")
            return
        columns, rows = asked.ask(question)
        _show(columns, rows, "json" if settings.json else form)


def _show_views(asked: Question, *, as_json: bool) -> None:
    views = asked.columns()
    if as_json:
        emit_json({"views": [{"name": name, "columns": columns} for name, columns in views]})
        return
    for name, columns in views:
        click.echo(f"{name}: {', '.join(columns)}")


def _show(columns: list[str], rows: Iterator[Sequence[Any]], form: str) -> None:
    if form == "json":
        emit_json({"columns": columns, "rows": [[_plain(value) for value in row] for row in rows]})
    elif form == "jsonl":
        for row in rows:
            click.echo(json_text({name: _plain(value) for name, value in zip(columns, row, strict=True)}))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([safe(name) for name in columns])
        writer.writerows([safe(_shown(value)) for value in row] for row in rows)
    else:
        print_table(columns, ([_shown(value) for value in row] for row in rows))


def _plain(value: Any) -> Any:
    """A value as JSON has it; bytes in base64."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"x'{value[:32].hex()}'" + ("…" if len(value) > 32 else "")
    return str(value)
