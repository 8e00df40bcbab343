"""``mcpscope audit``: what was decided and by whom, whether it still stands as it was written, and a copy."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.recordings import moment
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.tables import print_table
from mcpscope.errors import Exit, ScopeError
from mcpscope.paths import journal_root
from mcpscope.store.directory import Directory
from mcpscope.store.findings import Checked
from mcpscope.store.local_key import KEY_FILE, key_path, local_key
from mcpscope.store.reading import reading
from mcpscope.store.sealing import HEADS_FILE, heads_path
from mcpscope.store.seals import KEY_PURPOSE
from mcpscope.store.trail import Line, decided_sessions, trail
from mcpscope.store.verifying import examine, read_heads, sealed_sessions, verify
from mcpscope.text import json_text, safe
from mcpscope.tui.present import figures

_KEY = click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False),
    help="The key file, where it is not this machine's.",
)
SHOWN_SAW = 60


@click.group("audit")
def command() -> None:
    """What was decided, by which rule or person, and whether the record of it is unchanged."""


@command.command("list")
@click.argument("session", required=False, shell_complete=complete_session)
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=100, metavar="N", help="The last N (default: 100)."
)
@click.option("--all", "everything", is_flag=True, help="Also what passed without anybody's say.")
@with_settings
def list_lines(session: str | None, count: int, everything: bool, settings: Settings) -> None:
    """The decisions in SESSION, or in all sessions: outcome, rule or person, what it saw, time waited."""
    with reading(settings.db, warn) as connection:
        if session is not None:
            ids = [Directory(connection).find(session).id]
        else:
            ids = sorted(
                {*decided_sessions(connection), *(sealed_sessions(connection) if everything else ())}
            )
        found = deque(
            (line for id in ids for line in trail(connection, id, everything=everything)), maxlen=count
        )
    if settings.json:
        emit_json([line.as_json() for line in found])
        return
    if not found:
        click.echo("nothing was decided", err=True)
        return
    heads = ("MESSAGE", "TIME", "", "WHAT", "OUTCOME", "BY", "WAITED", "SAW")
    print_table(heads, map(_row, found), right=frozenset({0, 6}))


@command.command("verify")
@click.argument("session", required=False, shell_complete=complete_session)
@_KEY
@with_settings
def verify_chain(session: str | None, key: str | None, settings: Settings) -> int:
    """Compare every row of SESSION, or of all sessions under a policy, with what was sealed.

    Exits with 1 where something was changed, removed, added or moved, and names it.
    """
    heads = _heads(settings)
    with reading(settings.db, warn) as connection:
        ids = _ids(connection, session)
        secret = _key(settings, key) if ids else b""
        audit = examine(connection, ids, secret, heads)
    if session is not None:
        audit.missing.clear()
    checked, missing, damage = audit.checked, audit.missing, audit.damage
    running = {
        one.session_id
        for one in checked
        if one.journal and (journal_root(settings.db) / one.journal).is_dir()
    }
    if settings.json:
        emit_json(
            {
                "intact": audit.intact,
                "sessions": [_as_json(one, running=one.session_id in running) for one in checked],
                "missing_sessions": missing,
                "file": damage,
            }
        )
    else:
        _show(checked, missing, damage, running)
    if any(one.other_key for one in checked):
        return Exit.STORE
    return Exit.OK if audit.intact else Exit.DIFFERENT


@command.command("export")
@click.argument("session", required=False, shell_complete=complete_session)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A new file (0600); default: stdout.")
@_KEY
@with_settings
def export_trail(session: str | None, output: str | None, key: str | None, settings: Settings) -> int:
    """Write the audit trail as JSON Lines: a head for each session, a line for each message, an end.

    The head has the result of the verification, the end the last seal. Bodies are not in it.
    """
    heads = _heads(settings)
    with reading(settings.db, warn) as connection:
        ids = _ids(connection, session)
        secret = _key(settings, key) if ids else b""
        checked = [one for id in ids if (one := verify(connection, id, secret, heads)) is not None]
        lines = (said for one in checked for said in _exported(connection, one))
        if settings.json and output is None:
            emit_json(list(lines))
        else:
            with _target(output) as target:
                for said in lines:
                    target.write((json_text(said) + "\n").encode("utf-8", "backslashreplace"))
            if settings.json:
                emit_json({"file": output, "sessions": len(checked)})
    return Exit.OK if all(one.intact for one in checked) else Exit.DIFFERENT


def _exported(connection: Any, one: Checked) -> Iterator[dict[str, Any]]:
    yield {"audit": 1, **_as_json(one, running=False)}
    count = 0
    for line in trail(connection, one.session_id):
        count += 1
        yield line.as_json()
    yield {"end": True, "session": one.session_id, "lines": count, "seals": one.seals, "head": one.head}


def _target(output: str | None) -> BinaryIO:
    if output is None:
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    try:
        fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        text = f"cannot write {output}: {error.strerror}"
        raise ScopeError(text, code="output", exit=Exit.USAGE, hint="name a new file") from None
    return os.fdopen(fd, "wb")


def _ids(connection: Any, session: str | None) -> list[int]:
    sealed = sealed_sessions(connection)
    if session is None:
        return sealed
    found = Directory(connection).find(session)
    if found.id not in sealed:
        text = f"session {found.id} was recorded without a policy: nothing of it is sealed"
        raise ScopeError(text, code="not_sealed", exit=Exit.USAGE, hint="record it with --policy FILE")
    return [found.id]


def _heads(settings: Settings) -> dict[str, dict[str, Any]]:
    """The ends of chains in our state folder and in the one the database lies in, which may be another's."""
    return read_heads(Path(heads_path())) | read_heads(settings.db.parent / HEADS_FILE)


def _key(settings: Settings, path: str | None) -> bytes:
    beside = settings.db.parent / KEY_FILE
    path = path or (str(beside) if beside.is_file() else key_path())
    try:
        return local_key(KEY_PURPOSE, path)
    except (OSError, ValueError) as error:
        raise ScopeError(
            f"the key of the seals cannot be read: {error}",
            code="no_key",
            exit=Exit.STORE,
            hint="name the key file of the machine that recorded with --key",
        ) from None


def _show(checked: list[Checked], missing: list[str], damage: list[str], running: set[int]) -> None:
    for one in checked:
        said = _verdict(one, running=one.session_id in running)
        click.echo(safe(f"session {one.session_id} ({one.label or one.uid}): {said}"))
        for finding in one.findings:
            click.echo(safe(f"  {finding.text}"))
    for uid in missing:
        click.echo(safe(f"session {uid}: is missing as a whole, and no command of mcpscope removed it"))
    for text in damage:
        click.echo(safe(f"file: {text}"))
    if not checked and not missing:
        click.echo("no session was recorded under a policy", err=True)


def _verdict(one: Checked, *, running: bool) -> str:
    if one.other_key:
        return "cannot be checked with this key"
    if not one.intact:
        return f"NOT as it was sealed ({figures.plural(len(one.findings), 'finding')})"
    rows = f"{one.rows} rows in {figures.plural(one.seals, 'seal')} as they were sealed"
    if one.end == "sealed":
        killed = " (open end: the proxy was killed, what it did last is unconfirmed)"
        return rows + (killed if one.end_reason == "killed" else "")
    if running:
        return f"{rows}; still running"
    return f"{rows}; open end: nothing after message {one.last_id} is sealed"


def _as_json(one: Checked, *, running: bool) -> dict[str, Any]:
    end = "running" if running and one.end == "open" else one.end
    return {
        "session": one.session_id,
        "uid": one.uid,
        "label": one.label,
        "policy": one.policy,
        "intact": one.intact,
        "end": "open" if end == "sealed" and one.end_reason == "killed" else end,
        "end_reason": one.end_reason or None,
        "rows": one.rows,
        "seals": one.seals,
        "head": one.head,
        "findings": [{"kind": item.kind, "id": item.id, "what": item.what} for item in one.findings],
    }


def _row(line: Line) -> list[str]:
    arrow = "→" if line.dir == "c2s" else "←"
    by = f"{line.actor}: {line.rule}" if line.rule and line.rule != line.actor else line.actor
    waited = figures.duration(line.waited_ns) if line.waited_ns else ""
    saw, why = line.detail.get("saw"), line.detail.get("why")
    shown = json.dumps(saw, ensure_ascii=False)[:SHOWN_SAW] if saw else ""
    shown = f"{shown}  why: {why}".strip() if why else shown
    what = f"{line.method} {line.tool}".strip() or line.kind
    return [str(line.message_id), moment(line.at), arrow, what, line.outcome, by, waited, shown]
