"""What a shell is offered for what is typed: sessions, filters, tools and more. Never fails, never writes."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from mcpscope.cli.steering import everywhere
from mcpscope.engine.filter.completion import complete
from mcpscope.paths import default_db
from mcpscope.store.values import suggested_runs, suggested_sessions, suggested_values
from mcpscope.text import safe


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


def complete_tool(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of tools that were called or listed, with how often."""
    found = suggested_values(_db(ctx), "tool", incomplete)
    return [CompletionItem(name, help=str(count)) for name, count in found if name.isprintable()]


def complete_run(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Numbers of replays, with what was replayed."""
    found = ((str(number), title) for number, title in suggested_runs(_db(ctx)))
    return [CompletionItem(number, help=title) for number, title in found if number.startswith(incomplete)]


def complete_rule(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of rules in force on running proxies."""
    names = [rule["name"] for _, control in everywhere() for rule in control.call("scope/rules/list")]
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]


def complete_hold(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Numbers of what is held, with what it is."""
    holds = [hold for _, control in everywhere() for hold in control.call("scope/holds/list")]
    found = [(str(hold["id"]), str(hold.get("name") or hold.get("method"))) for hold in holds]
    return [CompletionItem(id, help=safe(name)) for id, name in found if id.startswith(incomplete)]


def complete_server(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of servers in clients' configurations."""
    from mcpscope.clients.found import found_servers  # the readers of YAML and TOML, for this one alone

    found = {one.name: one.client.title for one in found_servers() if one.name.startswith(incomplete)}
    return [CompletionItem(name, help=title) for name, title in found.items() if name.isprintable() and name]


def _db(ctx: click.Context) -> Path:
    given = ctx.params.get("db") or (ctx.find_object(dict) or {}).get("db")
    return Path(str(given)) if given else default_db()
