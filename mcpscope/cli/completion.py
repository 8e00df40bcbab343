"""``mcpscope completion``: the script that makes a shell complete our commands, sessions and filters."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mcpscope.cli.shells import register
from mcpscope.errors import Exit, ScopeError

SHELLS = {
    "bash": 'eval "$(mcpscope completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(mcpscope completion zsh)" in ~/.zshrc',
    "fish": "mcpscope completion fish > ~/.config/fish/completions/mcpscope.fish",
}
VARIABLE = "_MCPSCOPE_COMPLETE"


@click.command("completion", epilog="\b\n" + "\n".join(SHELLS.values()))
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL."""
    register()
    kind = get_completion_class(shell)
    if kind is None:
        raise ScopeError(f"no completion for {shell}", code="usage", exit=Exit.USAGE)
    click.echo(kind(ctx.find_root().command, {}, "mcpscope", VARIABLE).source())
