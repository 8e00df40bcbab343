"""The click tree: global options, subcommands imported when called, every failure in one form."""

from __future__ import annotations

import difflib
import gc
import importlib
import importlib.util
import os
import shlex
from typing import Any

import click

from mcpscope import __version__
from mcpscope.cli.commands import COMMANDS
from mcpscope.cli.options import GLOBAL_OPTIONS, first_word
from mcpscope.cli.output import report
from mcpscope.cli.settings import click_options
from mcpscope.errors import Exit, ScopeError

EPILOG = (
    "Everything after the first -- is the server's command, untouched. Exit codes: 0 fine, 1 differences or "
    "isError, 2 usage, 3 authentication needed, 4 upstream unreachable, 5 recording or database, 6 rules or "
    "configuration, 7 refused by a rule, 70 internal error, 124 timeout, 130 interrupted; "
    "mcpscope -- COMMAND exits with the server's own code."
)


COMPLETING = "_MCPSCOPE_COMPLETE"
"""The variable by which a shell asks for completions; click reads it, too."""


class Tree(click.Group):
    """The commands of COMMANDS whose modules are there, listed without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (module, _) in COMMANDS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        gc.disable()  # while modules are read nothing is garbage, and looking costs 0.1 s
        try:
            found = importlib.import_module(COMMANDS[cmd_name][0]).command
        finally:
            gc.freeze()
            gc.enable()
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.list_commands(ctx):
            raise _unknown(args, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _unknown(args: list[str], known: list[str]) -> ScopeError:
    near = difflib.get_close_matches(args[0], known, n=1)
    return ScopeError(
        f"No such command {args[0]!r}. To wrap a server, put -- before it: mcpscope -- {shlex.join(args)}",
        code="no_such_command",
        exit=Exit.USAGE,
        hint=f"did you mean: mcpscope {near[0]}" if near else "",
    )


@click.group(
    cls=Tree,
    name="mcpscope",
    epilog=EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click_options(GLOBAL_OPTIONS)
@click.version_option(__version__, prog_name="mcpscope")
@click.pass_context
def root(ctx: click.Context, /, **values: Any) -> None:
    """See, hold, edit, record and replay what MCP clients and servers say.

    \b
    mcpscope                                     open the UI on running proxies
    mcpscope [PROXY OPTIONS] -- COMMAND [ARGS…]  wrap a stdio server
    mcpscope [PROXY OPTIONS] URL                 proxy an HTTP server
    """
    ctx.obj = values
    if ctx.invoked_subcommand is None:
        tree = ctx.command
        assert isinstance(tree, Tree)
        ui = tree.get_command(ctx, "ui")
        if ui is None:
            click.echo(ctx.get_help())
            return
        ctx.invoke(ui)


def main(args: list[str]) -> int:
    """Run the tree on ``args``; prints what went wrong on stderr and returns the exit code."""
    if COMPLETING in os.environ:
        importlib.import_module("mcpscope.cli.shells").register()
    as_json = "--json" in args[: args.index("--") if "--" in args else None]
    try:
        found = root.main(_with_proxy(args), prog_name="mcpscope", standalone_mode=False)
        return found if isinstance(found, int) else 0
    except ScopeError as error:
        return report(error, as_json=as_json)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return report(ScopeError("interrupted", code="interrupted", exit=Exit.INTERRUPTED), as_json=as_json)
    except click.ClickException as error:
        return report(_usage(error), as_json=as_json)


def _usage(error: click.ClickException) -> ScopeError:
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "mcpscope"
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        group = error.ctx and error.ctx.command
        known = group.list_commands(error.ctx) if isinstance(group, click.Group) and error.ctx else []
        message = (
            f"{where} needs a word behind it: {', '.join(known)}" if known else f"{where} needs arguments"
        )
    return ScopeError(message, code="usage", exit=Exit.USAGE, hint=f"{where} --help")


def _with_proxy(args: list[str]) -> list[str]:
    """``args`` with the ``proxy`` that ``mcpscope URL`` and ``mcpscope … -- COMMAND`` are short for."""
    word = first_word(args)
    if word is None:
        return ["proxy", *args] if "--" in args else args
    if "://" in args[word]:
        return ["proxy", *args]
    if "--" in args and args[word] not in COMMANDS and args[:word] and args[word - 1].startswith("-"):
        return ["proxy", *args]  # an option that we do not know, and what was meant as its value
    if args[word] == "proxy" and "--" not in args:
        target = first_word(args[word + 1 :])
        if target is not None and "://" not in args[word + 1 + target]:
            raise ScopeError(
                "A server's command stands behind --",
                code="usage",
                exit=Exit.USAGE,
                hint=f"mcpscope -- {shlex.join(args[word + 1 + target :])}",
            )
    return args
