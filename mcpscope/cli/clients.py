"""``mcpscope clients``: which configurations exist, which servers are wrapped."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.cli.wrapping import short
from mcpscope.clients.entries import Entry
from mcpscope.clients.files import ConfigFile
from mcpscope.clients.places import CLIENTS, Client, files_of, managed_of
from mcpscope.errors import Exit, ScopeError


@click.group("clients")
def command() -> None:
    """Which client configurations exist, which servers are wrapped."""


@command.command("list")
@with_settings
def list_clients(settings: Settings) -> int:
    """The clients whose files are found here, with their servers."""
    rows = [row for client in CLIENTS for row in _rows(client)]
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


def _rows(client: Client) -> list[dict[str, Any]]:
    rows = []
    managed = managed_of(client)
    for path in [*files_of(client), *managed]:
        base = {"client": client.name, "file": short(path)}
        try:
            entries = ConfigFile(path, client.roots).entries()
        except ScopeError as error:
            rows.append({**base, "server": "", "state": "unreadable", "target": error.message})
            continue
        if not entries:
            rows.append({**base, "server": "", "state": "no servers", "target": ""})
        for entry in entries:
            state = "managed" if path in managed else _state(entry)
            rows.append({**base, "server": entry.name, "state": state, "target": _target(entry)})
    return rows


def _state(entry: Entry) -> str:
    if entry.launch is not None and entry.launch.is_ours:
        return "wrapped"
    return "disabled" if entry.disabled else "not wrapped"


def _target(entry: Entry) -> str:
    """The program or the address: arguments may hold secrets."""
    if entry.launch is not None:
        return entry.launch.command
    return entry.remote.url.partition("?")[0] if entry.remote is not None else ""
