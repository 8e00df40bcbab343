"""``mcpscope status``: the proxies that run now."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.recordings import iso, size
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.control.registry import Running, running
from mcpscope.errors import ScopeError
from mcpscope.store.directory import SessionInfo, of_journal, stored_of
from mcpscope.store.lag import waiting_bytes
from mcpscope.text import safe


@click.command("status")
@with_settings
def command(*, settings: Settings) -> None:
    """Running proxies, their sessions, holds and attached UIs."""
    found = [_facts(entry) for entry in running()]
    if settings.json:
        emit_json(found)
        return
    for refused in filter(None, map(_refused_policy, found)):
        click.echo(safe(refused, keep="\n"), err=True)
    if not found:
        click.echo("no proxy runs", err=True)
        return
    columns = ("PID", "LABEL", "UP", "SESSIONS", "MESSAGES", "HELD", "WAITING TO BE STORED", "COMMAND")
    print_table(columns, [_row(facts) for facts in found], right=frozenset({0, 2, 3, 4, 5}))
    upstreams = [(facts["label"], one) for facts in found for one in facts["upstreams"] or ()]
    if upstreams:
        click.echo()
        rows = [_upstream_row(label, one) for label, one in upstreams]
        print_table(("GATEWAY", "UPSTREAM", "STATE", "FOR", "FAILED", "SESSIONS", "WHAT"), rows)


def _refused_policy(facts: dict[str, Any]) -> str:
    """What to say where the changed policy of a proxy was not taken, "" where all is well."""
    fault = (facts["policy"] or {}).get("fault", "")
    where = f"{facts['label']} ({facts['pid']}): the changed policy is not taken, the old one stays in force"
    return f"{where}: {fault}" if fault else ""


def _facts(entry: Running) -> dict[str, Any]:
    sessions = _sessions(entry)
    live = _ask(entry)
    return {
        "pid": entry.pid,
        "uid": entry.uid,
        "label": entry.label,
        "command": list(entry.command),
        "url": entry.url or None,
        "version": entry.version,
        "started_at": iso(entry.started_at),
        "up_seconds": round(max(0.0, time.time() - entry.started_at / 1e9), 3),
        "db": entry.db or None,
        "journal_bytes": _journal_bytes(entry),
        "sessions": [
            {"id": info.id, "messages": info.messages, "exchanges": info.exchanges, "gaps": info.gaps}
            for info in sessions
        ],
        "holds": live.get("holds"),
        "attached": live.get("attached"),
        "rules": live.get("rules"),
        "policy": live.get("policy"),
        "intercept": live.get("intercept"),
        "detached": live.get("detached"),
        "recording": live.get("recording"),
        "live": live.get("sessions"),
        "upstreams": live.get("upstreams"),
    }


def _sessions(entry: Running) -> list[SessionInfo]:
    """What the database has of it so far; nothing where it cannot be read (now)."""
    if not entry.db:
        return []
    return of_journal(Path(entry.db), entry.uid)


def _ask(entry: Running) -> dict[str, Any]:
    """What only the proxy itself knows; {} where it has no socket or does not answer."""
    if not entry.socket:
        return {}
    try:
        with entry.dial("mcpscope status") as control:
            found = control.call("scope/status")
    except (ScopeError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _journal_bytes(entry: Running) -> int:
    """What its recorder has still to bring into the database."""
    if not entry.journal:
        return 0
    return waiting_bytes(Path(entry.journal), stored_of(Path(entry.db), entry.uid))


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    held = facts["holds"]
    return (
        str(facts["pid"]),
        facts["label"],
        _lasting(facts["up_seconds"]),
        str(len(facts["sessions"])),
        str(sum(session["messages"] for session in facts["sessions"])),
        str(held) if held is not None else "-",
        size(facts["journal_bytes"]) if facts["db"] else "NOT REC",
        shlex.join(facts["command"]) or facts["url"] or "",
    )


def _upstream_row(gateway: str, one: dict[str, Any]) -> tuple[str, ...]:
    state = f"{one['state']}: {one['why']}" if one["why"] else one["state"]
    since = _lasting(max(0.0, time.time() - one["since"] / 1e9))
    return (
        *(gateway, one["name"], state, since, str(one["failures"])),
        *(str(len(one["sessions"])), one["target"]),
    )


def _lasting(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
