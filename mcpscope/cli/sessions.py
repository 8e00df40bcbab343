"""``mcpscope sessions``: what was recorded, and how each session ended."""

from __future__ import annotations

import json
from typing import Any

import click

from mcpscope.cli import keeping
from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.recordings import clock, iso, moment, size
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.reading import reading
from mcpscope.text import safe


@click.group("sessions")
def command() -> None:
    """List, show, name and remove recorded sessions."""


@command.command("list")
@click.option("-n", "count", type=click.IntRange(min=0), default=0, help="The last N only.")
@with_settings
def list_sessions(count: int, *, settings: Settings) -> None:
    """Every session, the newest first."""
    with reading(settings.db, warn) as connection:
        found = Directory(connection).newest(count or -1)
    if settings.json:
        emit_json([as_json(info) for info in found])
        return
    if not found:
        click.echo("no session is recorded yet", err=True)
    for info in found:
        click.echo(_line(info))


@command.command("show")
@click.argument("session", default="last", shell_complete=complete_session)
@with_settings
def show_session(session: str, *, settings: Settings) -> None:
    """What is known of SESSION: its number, name, label or "last"."""
    with reading(settings.db, warn) as connection:
        directory = Directory(connection)
        info = directory.find(session)
        fates, statuses = directory.fates(info.id), directory.statuses(info.id)
        gaps = directory.gaps(info.id)
    if settings.json:
        listed = [{"at": iso(at), "text": text.decode("utf-8", "replace")} for at, text in gaps]
        emit_json(as_json(info) | {"fates": fates, "statuses": statuses, "gap_list": listed})
        return
    for name, value in _facts(info, fates, statuses):
        click.echo(f"{name:<11} {safe(value)}")
    for at, text in gaps:
        click.echo(f"{'gap':<11} {clock(at)} {safe(text.decode('utf-8', 'replace'))}")


for changing in keeping.COMMANDS:
    command.add_command(changing)


def as_json(info: SessionInfo) -> dict[str, Any]:
    """A session for machines."""
    return {
        "id": info.id,
        "uid": info.uid,
        "name": info.name or None,
        "label": info.label or None,
        "command": _command(info),
        "url": info.url or None,
        "client": {"name": info.client_name or None, "version": info.client_version or None},
        "server": {"name": info.server_name or None, "version": info.server_version or None},
        "revision": info.revision or None,
        "era": info.era or None,
        "inferred": info.inferred,
        "client_transport": info.client_transport or None,
        "server_transport": info.server_transport or None,
        "record_mode": info.record_mode or None,
        "pid": info.pid,
        "started_at": iso(info.started_at),
        "ended_at": iso(info.ended_at),
        "ending": info.ending,
        "end_reason": info.end_reason or None,
        "exit_code": info.exit_code,
        "messages": info.messages,
        "exchanges": info.exchanges,
        "bytes": info.bytes,
        "lost_messages": info.lost_messages,
        "lost_bytes": info.lost_bytes,
        "gaps": info.gaps,
        "note": info.note or None,
        "client_session": info.client_session or None,
    }


def _line(info: SessionInfo) -> str:
    title = info.name or info.label or info.url or "?"
    lost = f"  LOST {info.lost_messages} messages" if info.gaps else ""
    counts = f"{info.messages} messages  {size(info.bytes)}"
    ending = info.ending + ("  (inferred)" if info.inferred else "")
    return safe(f"{info.id:>4}  {moment(info.started_at)}  {title:<20}  {counts:<24}  {ending}{lost}")


def _facts(info: SessionInfo, fates: dict[str, int], statuses: dict[str, int]) -> list[tuple[str, str]]:
    command = _command(info)
    peer = (f"{info.client_name} {info.client_version}", f"{info.server_name} {info.server_version}")
    lost = (
        f"{info.lost_messages} messages, {size(info.lost_bytes)} in {info.gaps} gaps"
        if info.gaps
        else "nothing"
    )
    facts = [
        ("session", f"{info.id}  {info.uid}"),
        ("name", info.name),
        ("label", info.label),
        ("command", " ".join(command) if command else ""),
        ("url", info.url),
        ("transports", f"{info.client_transport} → {info.server_transport}" if info.client_transport else ""),
        ("client", peer[0].strip()),
        ("server", peer[1].strip()),
        ("revision", f"{info.revision} ({info.era})" if info.revision else ""),
        ("session is", "inferred: one client's requests, which name no session" if info.inferred else ""),
        ("serves session", str(info.client_session or "")),
        ("started", moment(info.started_at)),
        ("ended", f"{moment(info.ended_at)}  {info.ending}" if info.ended_at else info.ending),
        ("messages", f"{info.messages}  {size(info.bytes)}"),
        (
            "exchanges",
            "  ".join([str(info.exchanges), *(f"{word} {count}" for word, count in statuses.items())]),
        ),
        ("lost", lost),
        *((word, f"{count} messages") for word, count in fates.items()),
        ("note", info.note),
    ]
    return [(name, value) for name, value in facts if value]


def _command(info: SessionInfo) -> list[str] | None:
    try:
        found = json.loads(info.command) if info.command else None
    except ValueError:
        return None
    return [str(word) for word in found] if isinstance(found, list) else None
