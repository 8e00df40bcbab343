"""``mcpscope clients``: which configurations exist, which servers are wrapped."""

from __future__ import annotations

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.clients.found import found_servers
from mcpscope.clients.masking import short
from mcpscope.errors import Exit


@click.group("clients")
def command() -> None:
    """Which client configurations exist, which servers are wrapped."""


@command.command("list")
@with_settings
def list_clients(settings: Settings) -> int:
    """The clients whose files are found here, with their servers."""
    rows = [
        {
            "client": found.client.name,
            "file": short(found.path),
            "server": found.name,
            "state": found.state,
            "target": found.target,
        }
        for found in found_servers()
    ]
    if settings.json:
        emit_json(rows)
    elif not rows:
        click.echo("no client's configuration is found here", err=True)
    else:
        print_table(
            ("CLIENT", "FILE", "SERVER", "STATE", "STARTS OR REACHES"),
            [[row["client"], row["file"], row["server"], row["state"], row["target"]] for row in rows],
        )
    return Exit.OK
