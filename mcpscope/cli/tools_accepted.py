"""``mcpscope tools diff`` and ``accept``: tools held against what was accepted."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from mcpscope.cli.completing import complete_tool
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tools_known import PROXY, known
from mcpscope.engine.drift import Danger
from mcpscope.errors import Exit, ScopeError
from mcpscope.store import pins
from mcpscope.store.reading import writing
from mcpscope.text import safe


@click.command("diff")
@click.argument("names", nargs=-1, shell_complete=complete_tool)
@PROXY
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something is dangerous.")
@with_settings
def diff(names: tuple[str, ...], proxy: str, exit_code: bool, *, settings: Settings) -> int:
    """How the tools differ from their accepted definitions (before any is accepted: from the first seen)."""
    with known(proxy, settings) as server:
        _check(names, server.tools)
        asked = [name for name in server.tools if not names or name in names]
        found = {name: differences for name in asked if (differences := server.changed(name))}
        new = {name for name in found if server.is_new(name)}
    dangerous = any(one.danger is Danger.DANGEROUS for every in found.values() for one in every)
    if settings.json:
        drifted = {name: [one.to_json() for one in every] for name, every in found.items()}
        emit_json({"drifted": drifted, "new": sorted(new), "dangerous": dangerous})
        return Exit.DIFFERENT if dangerous and exit_code else Exit.OK
    for name, every in found.items():
        click.echo(f"{safe(name)} is new and was never accepted" if name in new else safe(name))
        for one in every:
            click.echo(f"  {safe(one.text)}")
            click.echo(f"    - {json.dumps(one.was)}")
            click.echo(f"    + {json.dumps(one.now)}")
    if not found:
        click.echo("nothing differs", err=True)
    return Exit.DIFFERENT if dangerous and exit_code else Exit.OK


@click.command("accept")
@click.argument("names", nargs=-1, shell_complete=complete_tool)
@PROXY
@with_settings
def accept(names: tuple[str, ...], proxy: str, *, settings: Settings) -> None:
    """Accept tools as they are listed now (without names: all) and remember it in the database."""
    with known(proxy, settings) as server:
        tools, control = server.tools, server.control
        # What has just been listed a proxy that watches knows before it is recorded.
        drifted = control.call("scope/tools/diff")["drifted"] if control is not None else {}
        _check(names, {**drifted, **tools})
        asked = list(names or {**tools, **drifted})
        live = control.call("scope/tools/accept", names=asked)["accepted"] if control is not None else {}
        chosen = {name: tools[name] for name in asked if name in tools} | live
        with writing(server.reader.path) as connection:
            pins.accept(connection, server.label, {**tools, **chosen}, list(chosen), time.time_ns())
    if settings.json:
        emit_json({"accepted": sorted(chosen)})
    else:
        click.echo(f"accepted {', '.join(map(safe, sorted(chosen))) or 'nothing'}")


COMMANDS = (diff, accept)


def _check(names: tuple[str, ...], tools: dict[str, Any]) -> None:
    if strange := [name for name in names if name not in tools]:
        text = f"no tool called {strange[0]} was listed"
        raise ScopeError(text, code="no_tool", exit=Exit.REFUSED, hint="see: mcpscope tools list")
