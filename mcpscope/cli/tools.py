"""``mcpscope tools``: what a server offers, what of it clients may see, and breakpoints on it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import dialled
from mcpscope.cli.tables import print_table
from mcpscope.control.client import Control
from mcpscope.control.registry import Running, choose, running
from mcpscope.engine.drift import Danger, changes
from mcpscope.engine.hints import hints
from mcpscope.errors import Exit, ScopeError
from mcpscope.store import pins
from mcpscope.store.offered import Offered, latest, offered, sessions_of
from mcpscope.store.pins import read_pins
from mcpscope.store.reading import open_reader, writing
from mcpscope.text import safe

_PROXY = click.option("--proxy", metavar="NAME", default="", help="The proxy's label, pid or uid.")
_KIND = click.option(
    "--kind",
    type=click.Choice(["tool", "prompt", "resource"]),
    default=None,
    help="Only this kind (default: all; tool:, prompt: or resource: before a glob does the same).",
)
_GLOBS = click.argument("globs", metavar="GLOB...", nargs=-1, required=True)
_SEEN, _HIDDEN = "●", "○"


@click.group("tools")
def command() -> None:
    """List, hide and break on tools."""


@command.command("list")
@_PROXY
@_KIND
@with_settings
def list_tools(proxy: str, kind: str | None, *, settings: Settings) -> None:
    """What the server offers: seen or hidden, hints, calls, errors, median and 95th percentile."""
    with _known(proxy, settings) as (items, control):
        shown = [item for item in items if kind in (None, item.kind) or (kind, item.kind) == _TEMPLATE]
        hidden = _hidden(control, shown)
        stops = _breakpoints(control)
    rows = [_json(item, hidden, stops) for item in shown]
    if settings.json:
        emit_json(rows)
        return
    if not rows:
        click.echo("nothing is listed yet", err=True)
        return
    head = ("", "name", "kind", "hints", "calls", "errors", "p50", "p95", "versions", "bytes")
    print_table(
        head,
        (
            (
                (_HIDDEN if row["hidden_by"] else _SEEN) + (" ◉" if row["breakpoints"] else ""),
                row["name"],
                row["kind"],
                " ".join(row["hints"]),
                str(row["calls"]),
                str(row["errors"]),
                *(_ms(row[part]) for part in ("p50_ns", "p95_ns")),
                str(row["versions"]),
                str(row["bytes"]),
            )
            for row in rows
        ),
        right=frozenset({4, 5, 6, 7, 8, 9}),
    )


@command.command("show")
@click.argument("name")
@_PROXY
@with_settings
def show(name: str, proxy: str, *, settings: Settings) -> None:
    """One tool, prompt or resource: its definition as the server gives it."""
    with _known(proxy, settings) as (items, control):
        found = [item for item in items if item.name == name]
        hidden = _hidden(control, found)
        stops = _breakpoints(control)
    if not found:
        raise ScopeError(
            f"nothing called {name} was listed",
            code="no_tool",
            exit=Exit.REFUSED,
            hint="see: mcpscope tools list",
        )
    rows = [{**_json(item, hidden, stops), "definition": item.body} for item in found]
    if settings.json:
        emit_json(rows[0] if len(rows) == 1 else rows)
        return
    for row in rows:
        for key in ("name", "kind", "hidden_by", "calls", "errors", "versions"):
            click.echo(f"{key:<10} {safe(str(row[key]))}")
        click.echo(f"{'hints':<10} {' '.join(row['hints'])}")
        click.echo(safe(json.dumps(row["definition"], indent=2, ensure_ascii=False), keep="\n"))


@command.command("hide")
@_GLOBS
@_KIND
@_PROXY
@with_settings
def hide(globs: tuple[str, ...], kind: str | None, proxy: str, *, settings: Settings) -> None:
    """Hide what matches from clients, at once."""
    _wish("scope/tools/hide", globs, kind, proxy, settings)


@command.command("unhide")
@_GLOBS
@_KIND
@_PROXY
@with_settings
def unhide(globs: tuple[str, ...], kind: str | None, proxy: str, *, settings: Settings) -> None:
    """Show what matches again; '*' shows all."""
    _wish("scope/tools/unhide", globs, kind, proxy, settings)


@command.command("only")
@_GLOBS
@_PROXY
@with_settings
def only(globs: tuple[str, ...], proxy: str, *, settings: Settings) -> None:
    """Let clients see no tools but these."""
    with dialled(proxy) as (_, control):
        _said(control.call("scope/tools/only", globs=list(globs)), settings)


@command.command("rename")
@click.argument("name")
@click.argument("to", default="")
@click.option("--description", metavar="TEXT", default="", help="The description clients see.")
@_PROXY
@with_settings
def rename(name: str, to: str, description: str, proxy: str, *, settings: Settings) -> None:
    """Let clients see the tool NAME as TO; without TO and a description it is itself again."""
    with dialled(proxy) as (_, control):
        view = control.call("scope/tools/rename", name=name, to=to, description=description)
        _said(view, settings)


@command.command("break")
@click.argument("glob")
@click.option(
    "--on", type=click.Choice(["request", "response", "both"]), default="request", show_default=True
)
@click.option("--when", metavar="FILTER", default="", help="And only where this matches, too.")
@click.option("--once", is_flag=True, help="Only the first time.")
@_PROXY
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


@command.command("unbreak")
@click.argument("glob", default="")
@_PROXY
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


@command.command("diff")
@click.argument("names", nargs=-1)
@_PROXY
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something is dangerous.")
@with_settings
def diff(names: tuple[str, ...], proxy: str, exit_code: bool, *, settings: Settings) -> int:
    """How the tools differ from their accepted definitions (before any is accepted: from the first seen)."""
    found: dict[str, list[dict[str, Any]]] = {}
    with _known(proxy, settings) as (items, _):
        accepted = read_pins(settings.db, _label(proxy)) if running() else {}
        for item in items:
            if item.kind != "tool" or not item.listed or (names and item.name not in names):
                continue
            was = accepted.get(item.name, item.versions[0])
            if differences := changes(was, item.body):
                found[item.name] = [one.to_json() for one in differences]
    dangerous = any(one["danger"] == Danger.DANGEROUS for every in found.values() for one in every)
    if settings.json:
        emit_json({"drifted": found, "dangerous": dangerous})
    for name, every in found.items() if not settings.json else ():
        click.echo(safe(name))
        for one in every:
            click.echo(f"  {one['danger']:<12} {safe(one['path'])}")
            click.echo(f"    - {json.dumps(one['was'])}")
            click.echo(f"    + {json.dumps(one['now'])}")
    return Exit.DIFFERENT if dangerous and exit_code else Exit.OK


@command.command("accept")
@click.argument("names", nargs=-1)
@_PROXY
@with_settings
def accept(names: tuple[str, ...], proxy: str, *, settings: Settings) -> None:
    """Accept tools as they are listed now (without names: all) and remember it in the database."""
    with dialled(proxy) as (entry, control):
        known = {item.name: item.body for item in _of(entry) if item.kind == "tool" and item.listed}
        if strange := [name for name in names if name not in known]:
            text = f"no tool called {strange[0]} was listed"
            raise ScopeError(text, code="no_tool", exit=Exit.REFUSED, hint="see: mcpscope tools list")
        chosen = {name: known[name] for name in names or known}
        chosen |= control.call("scope/tools/accept", names=list(chosen))["accepted"]
        with writing(Path(entry.db)) as connection:
            pins.accept(connection, entry.label, {**known, **chosen}, list(chosen), time.time_ns())
    if settings.json:
        emit_json({"accepted": sorted(chosen)})
    else:
        click.echo(f"accepted {', '.join(map(safe, sorted(chosen))) or 'nothing'}")


def _ms(ns: int | None) -> str:
    return "-" if ns is None else f"{ns / 1_000_000:.0f}ms"


def _label(proxy: str) -> str:
    return choose(proxy).label


_TEMPLATE = ("resource", "template")


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


@contextmanager
def _known(proxy: str, settings: Settings) -> Iterator[tuple[list[Offered], Control | None]]:
    """What was listed, and the proxy that runs; without one, the newest session that listed anything."""
    if proxy or running():
        with dialled(proxy) as (entry, control):
            yield _of(entry), control
        return
    with closing(open_reader(settings.db)) as connection:
        yield offered(connection, latest(connection)), None


def _of(entry: Running) -> list[Offered]:
    with closing(open_reader(Path(entry.db))) as connection:
        return offered(connection, sessions_of(connection, entry.uid))


def _hidden(control: Control | None, items: list[Offered]) -> dict[tuple[str, str], str]:
    if control is None:
        return {}
    found: dict[tuple[str, str], str] = {}
    for kind in dict.fromkeys(item.kind for item in items):
        names = [item.name for item in items if item.kind == kind]
        asked = "resource" if kind == "template" else kind
        for row in control.call("scope/tools/list", kind=asked, names=names)["items"]:
            found[kind, row["name"]] = row["hidden_by"]
    return found


def _breakpoints(control: Control | None) -> dict[str, list[str]]:
    """The breakpoints on one tool each, by its name or glob as it was given."""
    found: dict[str, list[str]] = {}
    for rule in control.call("scope/breakpoints/list") if control is not None else ():
        first = rule["match"].split(" ")[0]
        if first.startswith("tool:"):
            found.setdefault(first[5:].strip('"'), []).append(rule["name"])
    return found


def _json(item: Offered, hidden: dict[tuple[str, str], str], stops: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "name": item.name,
        "hidden_by": hidden.get((item.kind, item.name), ""),
        "breakpoints": stops.get(item.name, []) if item.kind == "tool" else [],
        "listed": item.listed,
        "hints": list(hints(item.body)) if item.kind == "tool" else [],
        "description": item.body.get("description") or "",
        "versions": len(item.versions),
        "calls": item.calls,
        "errors": item.errors,
        "p50_ns": item.percentile(0.5),
        "p95_ns": item.percentile(0.95),
        "last_call": item.last_call or None,
        "bytes": item.size,
    }
