"""``mcpscope unwrap``: take mcpscope out of clients' configurations again."""

from __future__ import annotations

import click

from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.wrapping import carry_out, plans_for, wanted_names, wrap_options


@click.command("unwrap")
@wrap_options
@with_settings
def command(
    names: tuple[str, ...],
    everything: bool,
    clients: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    settings: Settings,
) -> int:
    """Take mcpscope out of the servers NAME… again; what it wrote is restored byte for byte."""
    wanted = wanted_names(names, everything, "unwrap")
    plans = plans_for(clients)
    for _, plan in plans:
        plan.unwrap(wanted)
    return carry_out(plans, names, dry_run=dry_run, yes=yes, settings=settings, done="unwrapped")
