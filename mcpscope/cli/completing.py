"""Shell completion of what is in the database: sessions, recordings, filters. Never fails, never writes."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from mcpscope.engine.filter.completion import complete
from mcpscope.paths import default_db
from mcpscope.store.values import suggested_sessions, suggested_values


def complete_session(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names and labels of what is recorded."""
    names = [*suggested_sessions(_db(ctx)), "last"]
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]


def complete_filter(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Fields, then real values with their counts."""
    db = _db(ctx)
    found = complete(incomplete, len(incomplete), lambda field, prefix: suggested_values(db, field, prefix))
    whole = ((incomplete[: one.start] + one.insert, one.detail) for one in found)
    return [CompletionItem(text, help=detail) for text, detail in whole if text.isprintable()]


def _db(ctx: click.Context) -> Path:
    given = ctx.params.get("db") or (ctx.find_object(dict) or {}).get("db")
    return Path(str(given)) if given else default_db()
