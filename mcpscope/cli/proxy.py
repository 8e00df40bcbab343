"""``mcpscope proxy``: wrap a stdio server, as click sees it (help, errors of usage)."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.options import PROXY_OPTIONS, Values
from mcpscope.cli.settings import Settings, click_options, with_settings
from mcpscope.cli.wire import run_wrapped
from mcpscope.errors import Exit, ScopeError


@click.command("proxy", context_settings={"ignore_unknown_options": False})
@click_options(PROXY_OPTIONS)
@with_settings
@click.argument("target", nargs=-1, type=click.UNPROCESSED)
def command(target: tuple[str, ...], settings: Settings, **options: Any) -> int:
    """Wrap a stdio server: mcpscope proxy [OPTIONS] -- COMMAND [ARGS…]."""
    if not target:
        raise ScopeError(
            "proxy needs the server's command",
            code="usage",
            exit=Exit.USAGE,
            hint="mcpscope -- COMMAND [ARGS…]",
        )
    values: Values = {key: _plain(value) for key, value in options.items() if value}
    values["db"] = str(settings.db)
    return run_wrapped(values, list(target))


def _plain(value: Any) -> str | bool | list[str]:
    return list(value) if isinstance(value, tuple) else value
