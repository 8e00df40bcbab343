"""``mcpscope wrap``: put mcpscope in front of servers in clients' configurations."""

from __future__ import annotations

import click

from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.wrapping import carry_out, plans_for, wanted_names, wrap_options
from mcpscope.clients.wrapping import own_program


@click.command("wrap")
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
    """Put mcpscope in front of the servers NAME… in clients' configurations."""
    wanted = wanted_names(names, everything, "wrap")
    plans = plans_for(clients)
    program = own_program()
    for _, plan in plans:
        plan.wrap(wanted, program)
    return carry_out(plans, names, dry_run=dry_run, yes=yes, settings=settings, done="wrapped")
