"""``mcpscope rules learn``: a policy that allows what was recorded, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from mcpscope.cli.completing import complete_session
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.rules_trial import chosen, frames_of
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.learned import Heard, Learned, learned
from mcpscope.engine.outcomes import Word
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.session.policy_file import write_text
from mcpscope.store.callers import callers_of
from mcpscope.store.directory import Directory, SessionInfo
from mcpscope.store.reader import Reader
from mcpscope.store.reading import reading
from mcpscope.tui.present import figures


@click.command("learn")
@click.argument("sessions", nargs=-1, shell_complete=complete_session)
@click.option("--all", "everything", is_flag=True, help="Every session that is recorded.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write it there.")
@with_settings
def learn(settings: Settings, sessions: tuple[str, ...], output: Path | None, *, everything: bool) -> int:
    """A policy that allows what recorded SESSIONS forwarded (default: the last one), and denies the rest.

    Tools and their arguments, resources, prompts and what servers ask for, with the values and ranges seen:
    a beginning to be read and widened by hand. Exit code 1 where it denies something that was recorded.
    """
    if output is not None and output.exists():
        hint = "name another file, and compare them"
        raise ScopeError(f"{output} is there already", code="usage", exit=Exit.USAGE, hint=hint)
    with reading(settings.db, warn) as connection:
        reader = Reader(settings.db, connection)
        infos = chosen(Directory(connection), sessions, everything=everything)
        about = f"learned from session {', '.join(f'{info.id} ({info.label})' for info in infos)}"
        found = learned(lambda: (_heard(reader, info) for info in infos), about)
    _said(settings, found, output, infos)
    return Exit.DIFFERENT if found.left > found.unreadable else Exit.OK


def _heard(reader: Reader, info: SessionInfo) -> Iterator[Heard]:
    """What its peers said in a session and was forwarded."""
    callers = callers_of(reader.connection, info.id)
    for frame in frames_of(reader, info):
        if frame.fate == Word.FORWARDED.value:
            message, caller = parse(frame.raw), callers.get(frame.stream, "")
            yield Heard(message, Direction(frame.dir), frame.at, frame.stream, caller)


def _said(settings: Settings, found: Learned, output: Path | None, infos: Sequence[SessionInfo]) -> None:
    if output is not None:
        write_text(output, found.text)
    if settings.json:
        counts = {"rules": found.rules, "left": found.left, "unreadable": found.unreadable}
        facts = {**counts, "sessions": [info.id for info in infos]}
        emit_json({**facts, **({"file": str(output)} if output is not None else {"policy": found.text})})
    elif output is None:
        sys.stdout.write(found.text)
    else:
        click.echo(f"{found.rules} rules in {output}; try them: mcpscope rules test {output} SESSION")
    if found.unreadable:
        said = figures.plural(found.unreadable, "message")
        warn(f"{said} cannot be read with certainty, so no policy lets them pass")
    if found.left > found.unreadable:
        said = figures.plural(found.left - found.unreadable, "message")
        warn(f"{said} of these sessions do not pass it; see: mcpscope rules test")
