"""``mcpscope proxy``: stand before a server, as click sees it (help, errors of usage)."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli import typed
from mcpscope.cli.attended import run_attended_url
from mcpscope.cli.http import run_http
from mcpscope.cli.options import HTTP_OPTIONS, PROXY_OPTIONS, Values
from mcpscope.cli.settings import Settings, click_options, with_settings
from mcpscope.cli.wire import run_wrapped
from mcpscope.errors import Exit, ScopeError


@click.command("proxy", context_settings={"ignore_unknown_options": False})
@click_options(PROXY_OPTIONS + HTTP_OPTIONS)
@with_settings
@click.argument("target", nargs=-1, type=click.UNPROCESSED)
def command(target: tuple[str, ...], settings: Settings, **options: Any) -> int:
    """Stand before a server: mcpscope proxy [OPTIONS] -- COMMAND [ARGS…], or mcpscope proxy [OPTIONS] URL."""
    if not target:
        raise ScopeError(
            "proxy needs the server's command or URL",
            code="usage",
            exit=Exit.USAGE,
            hint="mcpscope -- COMMAND [ARGS…]  or  mcpscope URL",
        )
    values: Values = {key: _plain(value) for key, value in options.items() if value}
    values["db"] = str(settings.db)
    if "://" in target[0]:
        if len(target) > 1:
            raise ScopeError(
                f"proxy takes one URL, and {target[1]!r} stands behind it",
                code="usage",
                exit=Exit.USAGE,
                hint="options stand before the URL",
            )
        if typed(values) and not values.get("stdio"):
            return run_attended_url(values, target[0])
        return run_http(values, url=target[0])
    return run_wrapped(values, list(target))


def _plain(value: Any) -> str | bool | list[str]:
    return list(value) if isinstance(value, tuple) else value
