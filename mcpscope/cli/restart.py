"""``mcpscope restart``: another server in the place of one, behind its live client."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import dialled, everywhere
from mcpscope.errors import ScopeError


@click.command("restart")
@click.argument("server", default="")
@with_settings
def command(server: str, settings: Settings) -> None:
    """Let another process take the place of SERVER: a proxy's label or pid, or an upstream of a gateway.

    Its client stays connected: the handshake, the log level and subscriptions are said again, calls that were
    open are answered with an error, and the client is told that the lists may have changed.
    """
    label, name, done = _restart(server)
    if settings.json:
        emit_json({"proxy": label, "upstream": name or None, **done})
    else:
        sessions = "1 session" if done["restarted"] == 1 else f"{done['restarted']} sessions"
        click.echo(f"{name or label}: restarted for {sessions}")


def _restart(server: str) -> tuple[str, str, dict[str, Any]]:
    """Label of the proxy, the upstream that was named, and what it says it did."""
    try:
        with dialled(server) as (entry, control):
            return entry.label, "", control.call("scope/restart")
    except ScopeError as error:
        if not server or error.code in ("no_restart", "busy"):
            raise
        unknown = error
    for entry, control in everywhere():
        upstreams = control.call("scope/status").get("upstreams") or ()
        if server in [one["name"] for one in upstreams]:
            return entry.label, server, control.call("scope/restart", server=server)
    raise unknown
