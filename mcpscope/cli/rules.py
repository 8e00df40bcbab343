"""``mcpscope rules``: check policy files, and see and change the rules of running proxies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_rule
from mcpscope.cli.output import emit_json
from mcpscope.cli.rules_learn import learn
from mcpscope.cli.rules_limits import limits
from mcpscope.cli.rules_trial import explain, try_on
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import dialled, everywhere
from mcpscope.engine.policy.keys import json_schema
from mcpscope.engine.policy.load import in_force
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.engine.policy.saving import with_rule
from mcpscope.errors import Exit
from mcpscope.session.law import read_policies
from mcpscope.session.policy_file import read_text, write_text
from mcpscope.text import safe

_PROXY = click.option("--proxy", metavar="NAME", default="", help="The proxy's label, pid or uid.")


@click.group("rules")
def command() -> None:
    """List, check, explain, test, learn, limit, add, enable and disable rules."""


command.add_command(explain)
command.add_command(try_on)
command.add_command(learn)
command.add_command(limits)


@command.command("check")
@with_settings
@click.argument("files", nargs=-1, required=True, type=click.Path())
def check(settings: Settings, files: tuple[str, ...]) -> int:
    """Say everything that is wrong with policy FILES, each with line and column."""
    try:
        policies = read_policies(files)
    except PolicyError as error:
        if settings.json:
            rows = [
                {"file": p.file, "line": p.line, "column": p.column, "problem": p.text}
                for p in error.problems
            ]
            emit_json({"valid": False, "problems": rows})
        else:
            for problem in error.problems:
                click.echo(safe(str(problem)))
        return Exit.POLICY
    rules = in_force(policies)
    if settings.json:
        emit_json({"valid": True, "problems": [], "rules": [rule.name for rule in rules]})
    else:
        click.echo(f"{len(rules)} rules, no problems")
    return Exit.OK


@command.command("schema")
def schema() -> None:
    """The JSON Schema of policy files, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


@command.command("list")
@_PROXY
@with_settings
def list_rules(settings: Settings, proxy: str) -> None:
    """The rules in force on every running proxy, in order, with their hits."""
    found: list[dict[str, Any]] = []
    for entry, control in everywhere():
        if proxy in ("", entry.label, str(entry.pid), entry.uid):
            rules = control.call("scope/rules/list")
            fault = control.call("scope/policy/get")["fault"]
            if fault:
                where = f"on {entry.label}: the changed policy is not taken, the old one stays in force"
                click.echo(safe(f"{where}: {fault}", keep="\n"), err=True)
            found += [{**rule, "proxy": entry.label, "pid": entry.pid} for rule in rules]
    if settings.json:
        emit_json(found)
        return
    if not found:
        click.echo("no rules are in force", err=True)
    for number, rule in enumerate(found, 1):
        state = "off" if not rule["enabled"] else "shadow" if rule["shadow"] else "on"
        hits = f"{rule['hits']:>6} hits"
        what = f"{rule['name']}  {rule['match'] or '(everything)'}  on {rule['proxy']}"
        click.echo(safe(f"{number:>3}  {state:6} {rule['action']:6} {hits}  {what}"))
        for name in rule.get("lookalikes", ()):
            points = " ".join(f"U+{ord(char):04X}" for char in name if not char.isascii())
            click.echo(safe(f"     seen, and looks like it: {name} {points}".rstrip()))


@command.command("enable")
@click.argument("name", shell_complete=complete_rule)
@_PROXY
@with_settings
def enable(settings: Settings, name: str, proxy: str) -> None:
    """Put the rule NAME into force on a running proxy."""
    _switch(settings, name, proxy, on=True)


@command.command("disable")
@click.argument("name", shell_complete=complete_rule)
@_PROXY
@with_settings
def disable(settings: Settings, name: str, proxy: str) -> None:
    """Take the rule NAME out of force on a running proxy."""
    _switch(settings, name, proxy, on=False)


@command.command("add")
@click.option(
    "--action", required=True, help="What it does: deny, allow, ask, limit, break, answer, drop, delay, tag."
)
@click.option("--match", default="", metavar="FILTER", help="What it looks for.")
@click.option("--name", default="", help="What it is called.")
@click.option("--message", default="", help="What the refused are told.")
@click.option("--limit", default="", metavar="RATE", help="Of allow, ask and limit: 20/hour, 500/day utc.")
@click.option("--shadow", is_flag=True, help="Record what it would have done.")
@click.option("--save", metavar="FILE", type=click.Path(path_type=Path), help="Add it to this policy file.")
@_PROXY
@with_settings
def add(settings: Settings, save: Path | None, proxy: str, **rule: Any) -> None:
    """Add a rule to a running proxy, or with --save to a policy file, whose comments are kept."""
    if save is not None:
        _save(save, rule)
        said: dict[str, Any] = {"file": str(save), "name": rule["name"]}
    else:
        with dialled(proxy) as (entry, control):
            if rule["limit"]:
                made = control.call("scope/rules/put", rule=_given(rule))
            else:
                del rule["limit"]
                made = control.call("scope/rules/add", **rule)
        said = {"proxy": entry.label, "rule": made}
    if settings.json:
        emit_json(said)
    else:
        click.echo(f"added to {safe(str(save or said['proxy']))}")


def _switch(settings: Settings, name: str, proxy: str, *, on: bool) -> None:
    with dialled(proxy) as (entry, control):
        control.call("scope/rules/enable", name=name, on=on)
    if settings.json:
        emit_json({"name": name, "enabled": on, "proxy": entry.label})
    else:
        click.echo(f"{safe(name)} is {'on' if on else 'off'} on {safe(entry.label)}")


def _given(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule as a policy file spells it."""
    given = {key: value for key, value in rule.items() if value and key != "shadow"}
    return {**given, "mode": "shadow"} if rule["shadow"] else given


def _save(path: Path, rule: dict[str, Any]) -> None:
    write_text(path, with_rule(read_text(path), _given(rule), str(path)))
