"""What wrap and unwrap share: which files are meant, what is shown before, and that somebody agreed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_server
from mcpscope.cli.output import emit_json, report
from mcpscope.cli.settings import Settings
from mcpscope.clients.files import ConfigFile
from mcpscope.clients.ledger import Ledger
from mcpscope.clients.masking import masked, short
from mcpscope.clients.places import ALL_ROOTS, CLIENTS, files_of
from mcpscope.clients.wrapping import Plan
from mcpscope.errors import Exit, ScopeError
from mcpscope.text import safe

_BY_NAME = {client.name: client for client in CLIENTS}


def wrap_options(function: Any) -> Any:
    """The arguments that both take."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--client",
            "clients",
            multiple=True,
            metavar="CLIENT|FILE",
            help="Only this client's files, or this file; repeatable. Default: every client found.",
        ),
        click.option("--all", "everything", is_flag=True, help="All servers."),
        click.argument("names", nargs=-1, metavar="[NAME…]", shell_complete=complete_server),
    ):
        function = option(function)
    return function


def wanted_names(names: tuple[str, ...], everything: bool, verb: str) -> set[str] | None:
    """The servers that are meant, None for all."""
    if bool(names) == everything:
        raise ScopeError(
            f"{verb} needs the names of servers, or --all",
            code="usage",
            exit=Exit.USAGE,
            hint="mcpscope clients list shows them",
        )
    return None if everything else set(names)


def plans_for(chosen: tuple[str, ...]) -> list[tuple[str, Plan]]:
    """The files that are meant, each with what to do for the client to see a change."""
    ledger = Ledger()
    found: dict[str, tuple[str, Plan]] = {}
    for word in chosen or tuple(_BY_NAME):
        client = _BY_NAME.get(word)
        if client is None:
            paths, roots, sse = [_file(word)], ALL_ROOTS, False
            told = "start the client again"
        else:
            paths, roots, sse = files_of(client), client.roots, client.url_is_sse
            told = f"{client.title}: {client.reload}"
        for path in paths:
            try:
                file = ConfigFile(path, roots, url_is_sse=sse)
                file.entries()
            except ScopeError as error:
                if chosen:
                    raise
                click.echo(f"warning: {safe(error.message)}", err=True)
                continue
            found.setdefault(file.key, (told, Plan(file, ledger)))
    if not found:
        raise ScopeError(
            "no client's configuration is found here",
            code="no_clients",
            exit=Exit.USAGE,
            hint="--client FILE names one; to wrap by hand put mcpscope --label NAME -- before the command",
        )
    return list(found.values())


def _file(word: str) -> Path:
    path = Path(word).expanduser()
    if not path.is_file():
        raise ScopeError(
            f"no client and no file is called {word!r}",
            code="usage",
            exit=Exit.USAGE,
            hint="one of " + ", ".join(_BY_NAME),
        )
    return path


def carry_out(
    plans: list[tuple[str, Plan]],
    names: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    settings: Settings,
    done: str,
) -> int:
    """Show what changes, ask, write."""
    seen = {change.name for _, plan in plans for change in plan.changes}
    missing = [name for name in names if name not in seen]
    if missing:
        raise ScopeError(
            f"no server is called {missing[0]!r} in {len(plans)} configuration{'s'[: len(plans) != 1]}",
            code="no_server",
            exit=Exit.USAGE,
            hint="mcpscope clients list shows them",
        )
    changed = [(told, plan) for told, plan in plans if plan.changed]
    if not settings.json:
        for _, plan in plans:
            _show(plan)
    if changed and not dry_run:
        if not yes and not _agreed(len(changed)):
            return Exit.USAGE
        for _, plan in changed:
            plan.apply()
    if settings.json:
        emit_json([fact for _, plan in plans for fact in _facts(plan, dry_run=dry_run)])
    elif not changed:
        click.echo(f"nothing to do: every server named is {done} already" if names else "nothing to do")
    elif not dry_run:
        click.echo("\n".join(f"{done} in {short(plan.file.path)}. {told}" for told, plan in changed))
    return Exit.OK


def _agreed(count: int) -> bool:
    """Ask on the terminal; without one nothing is written unless ``--yes`` says so."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or os.environ.get("CI"):
        error = ScopeError(
            "nothing was written: there is no terminal to ask on",
            code="needs_yes",
            exit=Exit.USAGE,
            hint="--yes writes, --dry-run only shows",
        )
        report(error, as_json=False)
        return False
    return click.confirm(f"write {count} file{'s'[: count != 1]}?", default=False, err=True)


def _show(plan: Plan) -> None:
    if not plan.changes:
        return
    click.echo(safe(short(plan.file.path)))
    for change in plan.changes:
        click.echo(f"  {safe(change.name)}" + (f": {safe(change.skipped)}" if change.skipped else ""))
        if not change.skipped:
            click.echo(f"    - {safe(masked(change.before))}")
            click.echo(f"    + {safe(masked(change.after))}")


def _facts(plan: Plan, *, dry_run: bool) -> list[dict[str, Any]]:
    return [
        {
            "file": str(plan.file.path),
            "server": change.name,
            "before": masked(change.before),
            "after": masked(change.after) or None,
            "skipped": change.skipped or None,
            "written": not change.skipped and not dry_run,
        }
        for change in plan.changes
    ]
