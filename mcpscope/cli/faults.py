"""``mcpscope faults``: trouble on purpose, set and cleared on a running proxy."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import dialled
from mcpscope.cli.tables import print_table
from mcpscope.errors import Exit, ScopeError

_PROXY = click.option("--proxy", metavar="NAME", default="", help="The proxy's label, pid or uid.")
WORDS = ("delay", "error", "timeout", "disconnect", "truncate", "corrupt", "empty", "rate-limit")


@click.group("faults")
def command() -> None:
    """Make trouble on purpose: delays, errors, silence, broken answers."""


@command.command("list")
@_PROXY
@with_settings
def list_faults(proxy: str, *, settings: Settings) -> None:
    """The faults in force, with their hits."""
    with dialled(proxy) as (_, control):
        found = [rule for rule in control.call("scope/rules/list") if rule["fault"] is not None]
    if settings.json:
        emit_json(found)
        return
    if not found:
        click.echo("no faults", err=True)
        return
    rows = [(rule["name"], rule["match"], _does(rule), str(rule["hits"])) for rule in found]
    print_table(("name", "match", "does", "matched"), rows, right=frozenset({3}))


@command.command("add")
@click.argument("filter")
@click.argument("fault", type=click.Choice(WORDS))
@click.argument("value", default="")
@click.option("--jitter", metavar="TIME", default="", help="Up to so much more delay.")
@click.option("--probability", type=float, default=1.0, help="Of each match: 0 to 1.")
@click.option("--after", type=int, default=0, help="So many matches pass before.")
@click.option("--once", is_flag=True, help="Only one time.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same run.")
@click.option("--on", type=click.Choice(["auto", "request", "answer", "both"]), default="auto")
@click.option("--code", type=int, default=0, help="The error's code.")
@click.option("--message", metavar="TEXT", default="", help="The error's message.")
@click.option("--name", default="", help="What to call it.")
@_PROXY
@with_settings
def add(filter: str, fault: str, value: str, proxy: str, *, settings: Settings, **more: Any) -> None:
    """Let FAULT strike what matches FILTER; VALUE is the time of delay (2s) or the rate (20/minute)."""
    with dialled(proxy) as (_, control):
        rule = control.call("scope/faults/add", match=filter, fault=fault, value=value, **more)
    if settings.json:
        emit_json(rule)
    else:
        click.echo(f"fault {rule['name']}: {_does(rule)}")


@command.command("remove")
@click.argument("names", nargs=-1, required=True)
@_PROXY
@with_settings
def remove(names: tuple[str, ...], proxy: str, *, settings: Settings) -> None:
    """Forget faults by name."""
    _forget(names, proxy, settings)


@command.command("clear")
@_PROXY
@with_settings
def clear(proxy: str, *, settings: Settings) -> None:
    """Forget all faults but those of a policy file."""
    _forget((), proxy, settings)


def _forget(names: tuple[str, ...], proxy: str, settings: Settings) -> None:
    with dialled(proxy) as (_, control):
        found = {rule["name"]: rule for rule in control.call("scope/rules/list") if rule["fault"] is not None}
        if strange := [name for name in names if name not in found]:
            text = f"there is no fault {strange[0]}"
            raise ScopeError(text, code="no_rule", exit=Exit.REFUSED, hint="see: mcpscope faults list")
        gone = list(names) or [name for name, rule in found.items() if rule["origin"] != "policy"]
        for name in gone:
            control.call("scope/rules/remove", name=name)
    if settings.json:
        emit_json({"removed": gone})
    else:
        click.echo("removed " + (", ".join(gone) or "nothing"))


def _does(rule: dict[str, Any]) -> str:
    fault = rule["fault"]
    parts = ["error" if rule["action"] == "drop" else rule["action"]]
    if rule["delay"]:
        parts.append(f"{rule['delay']:g} s")
    if fault["jitter"]:
        parts.append(f"and up to {fault['jitter']:g} s")
    if fault["limit"] or fault["per"]:
        parts.append(f"beyond {fault['limit']} in {fault['per']:g} s")
    if fault["probability"] < 1:
        parts.append(f"with probability {fault['probability']:g}, seed {fault['seed']}")
    if rule["skip"]:
        parts.append(f"after {rule['skip']}")
    if rule["once"]:
        parts.append("once")
    return " ".join(parts)
