"""The ``sessions`` commands that change something: name, note, rm, prune; and compare."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.recordings import moment, size
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.engine.filter.units import duration
from mcpscope.errors import Exit, ScopeError
from mcpscope.store import keeping, remarks
from mcpscope.store.comparing import Compared, Comparison, Side, compare
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.reading import reading, writing
from mcpscope.text import safe
from mcpscope.tui.present import figures

DAY_HOURS = 24


@click.command("name")
@click.argument("session", shell_complete=complete_session)
@click.argument("name")
@with_settings
def name_session(session: str, name: str, settings: Settings) -> None:
    """Call SESSION by NAME, which makes it a recording; "" takes the name away."""
    info = _found(settings, [session])[0]
    remarks.name_session(settings.db, info.id, name)
    _tell(
        settings,
        {"id": info.id, "name": name or None},
        f"session {info.id} is called {name!r}" if name else "",
    )


@click.command("note")
@click.argument("session", shell_complete=complete_session)
@click.argument("text", required=False)
@with_settings
def note_session(session: str, text: str | None, settings: Settings) -> None:
    """Write TEXT on SESSION; without TEXT, show what is written there."""
    info = _found(settings, [session])[0]
    if text is None:
        _tell(settings, {"id": info.id, "note": info.note or None}, info.note)
        return
    remarks.note_session(settings.db, info.id, text)
    _tell(settings, {"id": info.id, "note": text or None}, "")


@click.command("rm")
@click.argument("sessions", nargs=-1, required=True, shell_complete=complete_session)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@with_settings
def remove_sessions(sessions: tuple[str, ...], yes: bool, settings: Settings) -> None:
    """Remove SESSIONS with everything they recorded."""
    _remove(settings, _found(settings, sessions), yes=yes)


@click.command("prune")
@click.option("--older-than", default="30d", metavar="AGE", help="Ended before so long (default: 30d).")
@click.option("--keep", default=0, type=click.IntRange(min=0), metavar="N", help="Keep the newest N of them.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@with_settings
def prune_sessions(older_than: str, keep: int, dry_run: bool, yes: bool, settings: Settings) -> None:
    """Remove old sessions that have no name. Recordings stay."""
    before = time.time_ns() - _age(older_than)
    with reading(settings.db, warn) as connection:
        directory = Directory(connection)
        found = [directory.find(f"#{id}") for id in keeping.unnamed_before(connection, before, keep)]
    if dry_run or not found:
        _tell(settings, {"removed": [], "would_remove": [info.id for info in found]}, _listed(found))
        return
    _remove(settings, found, yes=yes)


@click.command("compare")
@click.argument("first", shell_complete=complete_session)
@click.argument("second", shell_complete=complete_session)
@click.option("--all", "everything", is_flag=True, help="Also what is the same.")
@with_settings
def compare_sessions(first: str, second: str, everything: bool, settings: Settings) -> None:
    """What FIRST and SECOND asked, how often, how it ended and how long it took."""
    with reading(settings.db, warn) as connection:
        directory = Directory(connection)
        sides = directory.find(first), directory.find(second)
        found = compare(connection, sides[0].id, sides[1].id)
    if settings.json:
        emit_json(_as_json(sides, found))
        return
    _show(sides, found, everything=everything)


COMMANDS = (name_session, note_session, compare_sessions, remove_sessions, prune_sessions)


def _found(settings: Settings, words: Sequence[str]) -> list[SessionInfo]:
    with reading(settings.db, warn) as connection:
        directory = Directory(connection)
        infos = {info.id: info for info in map(directory.find, words)}
    return list(infos.values())


def _remove(settings: Settings, infos: list[SessionInfo], *, yes: bool) -> None:
    running = [info for info in infos if info.ended_at is None]
    if running:
        raise ScopeError(
            f"session {running[0].id} is still running",
            code="session_running",
            exit=Exit.USAGE,
            hint="end it first; mcpscope status shows what runs",
        )
    if not yes:
        _confirm(infos)
    with writing(settings.db) as connection:
        keeping.remove(connection, [info.id for info in infos])
    keeping.give_back_space(settings.db)
    count = len(infos)
    _tell(settings, {"removed": [info.id for info in infos]}, f"removed {figures.plural(count, 'session')}")


def _confirm(infos: list[SessionInfo]) -> None:
    if not sys.stdin.isatty() or os.environ.get("CI"):
        raise ScopeError(
            f"this removes {figures.plural(len(infos), 'session')} for good",
            code="not_confirmed",
            exit=Exit.USAGE,
            hint="say --yes to do it",
        )
    click.echo(_listed(infos), err=True)
    click.confirm("remove them for good?", abort=True, err=True)


def _listed(infos: list[SessionInfo]) -> str:
    lines = [
        f"{info.id:>6}  {moment(info.started_at)}  {safe(info.name or info.label or '-')}"
        f"  {info.messages} messages  {size(info.bytes)}"
        for info in infos
    ]
    return "\n".join(lines) or "nothing to remove"


def _tell(settings: Settings, data: dict[str, Any], text: str) -> None:
    if settings.json:
        emit_json(data)
    elif text and not settings.quiet:
        click.echo(safe(text, keep="\n"))


def _age(text: str) -> int:
    days = text.removesuffix("d")
    found = int(days) * DAY_HOURS * 3600 * 10**9 if text.endswith("d") and days.isdigit() else duration(text)
    if found is None or found < 0 or text.isdigit() or len(text) > 9:
        raise ScopeError(f"{text!r} is not an age", code="usage", exit=Exit.USAGE, hint="try 30d, 12h or 90m")
    return found


def _as_json(sides: tuple[SessionInfo, SessionInfo], found: Comparison) -> dict[str, Any]:
    def side(one: Side) -> dict[str, Any]:
        took = None if one.median_ns is None else one.median_ns / 1e6
        return {"count": one.count, "failed": one.failed, "median_ms": took}

    return {
        "sessions": [info.id for info in sides],
        "rows": [
            {
                "dir": row.dir or None,
                "name": row.name,
                "differs": row.differs,
                "first": side(row.first),
                "second": side(row.second),
            }
            for row in found.rows
        ],
        "definitions": {
            "changed": list(found.changed),
            "only_first": list(found.only_first),
            "only_second": list(found.only_second),
        },
    }


def _show(sides: tuple[SessionInfo, SessionInfo], found: Comparison, *, everything: bool) -> None:
    for letter, info in zip("AB", sides, strict=True):
        title = info.name or info.label or "-"
        click.echo(
            safe(f"{letter}  session {info.id}  {title}  {moment(info.started_at)}  {info.messages} messages")
        )
    rows = [row for row in found.rows if everything or row.differs]
    if rows:
        click.echo()
        heads = ("", "NAME", "A", "B", "FAILED A", "FAILED B", "MEDIAN A", "MEDIAN B")
        print_table(heads, map(_row, rows), right=frozenset({2, 3, 4, 5, 6, 7}))
    else:
        click.echo("the same calls, as often, with the same outcomes")
    for words, names in (
        ("changed definition", found.changed),
        ("only in A", found.only_first),
        ("only in B", found.only_second),
    ):
        for name in names:
            click.echo(safe(f"{words}: {name}"))


def _row(row: Compared) -> list[str]:
    first, second = row.first, row.second
    arrow = {"c2s": "→", "s2c": "←"}.get(row.dir, "·")
    counts = [str(first.count), str(second.count), str(first.failed or ""), str(second.failed or "")]
    return [arrow, row.name, *counts, figures.duration(first.median_ns), figures.duration(second.median_ns)]
