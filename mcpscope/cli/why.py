"""``mcpscope why``: who owes whom an answer since when, and what stands in the way."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit
from mcpscope.hanging.causes import Diagnosis, ago, diagnose
from mcpscope.store.owed import Owed
from mcpscope.text import safe
from mcpscope.tui.present.figures import duration


@click.command("why")
@click.argument("session", required=False, shell_complete=complete_session)
@with_settings
def command(session: str | None, settings: Settings) -> int:
    """Say why SESSION hangs (default: the newest): what waits, for whom, since when, and why."""
    found = diagnose(settings.db, session or "", duration)
    if settings.json:
        emit_json(_facts(found))
        return Exit.OK
    for cause in found.causes:
        click.echo(safe(cause.text))
        if cause.fix:
            click.echo(f"  try: {safe(cause.fix)}")
    if found.last_words is not None:
        at, text = found.last_words
        click.echo(
            f"the server's last words on standard error, {ago(at, duration)} ago: {safe(text.strip())}"
        )
    return Exit.OK


def _facts(found: Diagnosis) -> dict[str, Any]:
    return {
        "session": found.info.id,
        "ending": found.info.ending,
        "causes": [
            {"code": cause.code, "text": cause.text, "fix": cause.fix or None} for cause in found.causes
        ],
        "owed": [_fact(item) for item in found.waiting],
        "stderr": found.stderr[1] if found.stderr else None,
    }


def _fact(item: Owed) -> dict[str, Any]:
    return {
        "exchange": item.exchange,
        "by": "server" if item.dir == "c2s" else "client",
        "method": item.method,
        "name": item.name or None,
        "status": item.status,
        "since": item.since,
    }
