"""``mcpscope tools hide``, ``unhide``, ``only``, ``rename``, ``break`` and ``unbreak``: what acts at once."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.completing import complete_tool
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import dialled
from mcpscope.cli.tools_known import KIND, PROXY, known
from mcpscope.control.client import Control
from mcpscope.control.registry import Running
from mcpscope.errors import Exit, ScopeError
from mcpscope.text import safe

_GLOBS = click.argument("globs", metavar="GLOB...", nargs=-1, required=True, shell_complete=complete_tool)


@click.command("hide")
@_GLOBS
@KIND
@PROXY
@with_settings
def hide(globs: tuple[str, ...], kind: str | None, proxy: str, *, settings: Settings) -> None:
    """Hide what matches from clients, at once."""
    _wish("scope/tools/hide", globs, kind, proxy, settings)


@click.command("unhide")
@_GLOBS
@KIND
@PROXY
@with_settings
def unhide(globs: tuple[str, ...], kind: str | None, proxy: str, *, settings: Settings) -> None:
    """Show what matches again; '*' shows all."""
    _wish("scope/tools/unhide", globs, kind, proxy, settings)


@click.command("only")
@_GLOBS
@PROXY
@with_settings
def only(globs: tuple[str, ...], proxy: str, *, settings: Settings) -> None:
    """Let clients see no tools but these."""
    with dialled(proxy) as (_, control):
        _said(control.call("scope/tools/only", globs=list(globs)), settings)


@click.command("rename")
@click.argument("name", shell_complete=complete_tool)
@click.argument("to", default="")
@click.option("--description", metavar="TEXT", default="", help="The description clients see.")
@PROXY
@with_settings
def rename(name: str, to: str, description: str, proxy: str, *, settings: Settings) -> None:
    """Let clients see the tool NAME as TO; without TO and a description it is itself again.

    Filters, globs and breakpoints go on naming it as the server does.
    """
    with dialled(proxy) as (entry, control):
        if to not in ("", name) and entry.uid:
            _check_name(entry, control, to, settings)
        _said(control.call("scope/tools/rename", name=name, to=to, description=description), settings)


@click.command("break")
@click.argument("glob", shell_complete=complete_tool)
@click.option(
    "--on", type=click.Choice(["request", "response", "both"]), default="request", show_default=True
)
@click.option("--when", metavar="FILTER", default="", help="And only where this matches, too.")
@click.option("--once", is_flag=True, help="Only the first time.")
@PROXY
@with_settings
def break_on(glob: str, on: str, when: str, once: bool, proxy: str, *, settings: Settings) -> None:
    """Hold calls of the tools that match."""
    with dialled(proxy) as (_, control):
        phase = "answer" if on == "response" else on
        text = f'tool:"{glob}"' if " " in glob else f"tool:{glob}"
        rule = control.call("scope/breakpoints/add", filter=f"{text} {when}".strip(), on=phase, once=once)
    if settings.json:
        emit_json(rule)
    else:
        click.echo(f"breakpoint {safe(rule['name'])} on {safe(rule['match'])}")


@click.command("unbreak")
@click.argument("glob", default="")
@PROXY
@with_settings
def unbreak(glob: str, proxy: str, *, settings: Settings) -> None:
    """Forget the breakpoints on GLOB, by their name or glob; without one, all."""
    with dialled(proxy) as (_, control):
        gone = []
        for rule in control.call("scope/breakpoints/list"):
            about = rule["match"].split(" ")[0]
            if glob in ("", rule["name"]) or about in (f"tool:{glob}", f'tool:"{glob}"'):
                control.call("scope/breakpoints/remove", name=rule["name"])
                gone.append(rule["name"])
    if not gone and glob:
        raise ScopeError(f"there is no breakpoint on {glob}", code="no_rule", exit=Exit.REFUSED)
    if settings.json:
        emit_json({"removed": gone})
    else:
        click.echo("removed " + (", ".join(map(safe, gone)) or "nothing"))


COMMANDS = (hide, unhide, only, rename, break_on, unbreak)


def _check_name(entry: Running, control: Control, name: str, settings: Settings) -> None:
    """The server may have a tool of that name, which the session's engine has not seen listed yet."""
    renamed = control.call("scope/tools/list")["view"]["rename"]
    with known(str(entry.pid), settings) as server:
        own = [item for item in server.items if (item.kind, item.name) == ("tool", name) and item.listed]
        seen = not any(server.hidden(own).values())
    if own and seen and name not in renamed:
        raise ScopeError(
            f"the server has a tool called {name} of its own",
            code="name_taken",
            exit=Exit.REFUSED,
            hint=f"hide that one (mcpscope tools hide tool:{name}) or rename it first",
        )


def _wish(method: str, globs: tuple[str, ...], kind: str | None, proxy: str, settings: Settings) -> None:
    with dialled(proxy) as (_, control):
        _said(control.call(method, globs=list(globs), kind=kind or ""), settings)


def _said(view: dict[str, Any], settings: Settings) -> None:
    if settings.json:
        emit_json(view)
        return
    for key in ("policy", "only", "hide", "show"):
        if view[key]:
            click.echo(f"{key:<7} {safe(' '.join(view[key]))}")
    for key in ("rename", "describe"):
        for name, new in view[key].items():
            click.echo(f"{key:<7} {safe(name)} as {safe(new)}")
    if not any(view.values()):
        click.echo("everything is seen")
