"""``mcpscope export``: a recording as a file."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_filter, complete_session
from mcpscope.cli.files import writing_to
from mcpscope.cli.filters import FilterCommand
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.filter.language import parse
from mcpscope.errors import Exit, ScopeError
from mcpscope.exports import forms
from mcpscope.exports.documents import Source
from mcpscope.exports.masks import Masks, configured_keys
from mcpscope.exports.suite_files import write_suite
from mcpscope.store.directory import Directory
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from mcpscope.store.writing_out import Mask, NoMask
from mcpscope.text import safe


@click.command("export", cls=FilterCommand)
@click.argument("recording", shell_complete=complete_session)
@click.argument("filter", required=False, default="", shell_complete=complete_filter)
@click.option(
    "--format", "form", type=click.Choice(list(forms.FORMS)), default="jsonl", help="Default: jsonl."
)
@click.option("--output", "-o", metavar="FILE", help="Write here (default: stdout); a folder for pytest.")
@click.option(
    "--with-secrets", is_flag=True, help="Mask nothing; needed for a jsonl that gives back every byte."
)
@click.option("--redact-key", "keys", multiple=True, metavar="NAME", help="Mask members of this name, too.")
@click.option(
    "--steady", is_flag=True, help="jsonl for git: no times, no ids of processes, minted values counted."
)
@click.option("--otlp", metavar="URL", help="Send it as spans to this OpenTelemetry collector.")
@with_settings
def command(recording: str, filter: str, settings: Settings, **given: Any) -> None:
    """Write RECORDING (or what of it passes FILTER) to a file.

    jsonl is the form that mcpscope import reads. Secrets are masked unless --with-secrets is typed.
    """
    asked = Asked(**given)
    if asked.otlp is not None and (asked.form != "jsonl" or asked.output or asked.steady):
        raise click.UsageError("--otlp sends spans: it goes with neither --format, --output nor --steady")
    if asked.steady and asked.form != "jsonl":
        raise click.UsageError("--steady is for jsonl")
    inline = settings.json and asked.to_stdout
    if asked.form in forms.BINARY and asked.to_stdout and (settings.json or sys.stdout.isatty()):
        raise click.UsageError(f"{asked.form} is no text for a terminal: name a file with -o")
    wanted = parse(filter, time.time_ns())
    mask: Mask = NoMask() if asked.with_secrets else Masks([*asked.keys, *configured_keys()])
    with reading(settings.db, warn) as connection:
        session = Directory(connection).find(recording)
        query = Query(connection, wanted, sessions=[session.id])
        source = Source(connection, session, query, mask, whole=wanted.is_empty, steady=asked.steady)
        if asked.otlp is not None:
            _send(source, asked.otlp, settings)
            return
        if asked.form == "pytest" and not asked.to_stdout:
            _write_suite(source, Path(asked.output or ""), settings)
            return
        text = BytesIO()
        with nullcontext(text) if inline else writing_to(asked.output) as file:
            file.writelines(forms.FORMS[asked.form](source, asked.to_stdout))
    if settings.json:
        where = {"text": text.getvalue().decode()} if inline else {"file": asked.output}
        emit_json({"format": asked.form, "masked": mask.count, **where})
        return
    _tell_masked(mask)
    if not asked.to_stdout and not settings.quiet:
        click.echo(safe(f"wrote {asked.output}"), err=True)


def _write_suite(source: Source, folder: Path, settings: Settings) -> None:
    try:
        written = write_suite(source, folder)
    except OSError as error:
        raise ScopeError(
            f"{error.filename or folder} cannot be written: {(error.strerror or str(error)).lower()}",
            code="cannot_write",
            exit=Exit.USAGE,
            hint="name another folder with -o",
        ) from None
    if settings.json:
        emit_json({"format": "pytest", "masked": source.mask.count, "files": [str(path) for path in written]})
        return
    _tell_masked(source.mask)
    for path in written:
        click.echo(safe(f"wrote {path}"), err=True)


def _send(source: Source, url: str, settings: Settings) -> None:
    from mcpscope.exports.otlp.sending import send  # imports httpx

    sent = send(source, url, warn)
    if settings.json:
        emit_json({"sent": sent, "masked": source.mask.count})
        return
    _tell_masked(source.mask)
    click.echo(f"sent {sent} {'span' if sent == 1 else 'spans'}", err=True)


def _tell_masked(mask: Mask) -> None:
    if mask.count:
        values = "value" if mask.count == 1 else "values"
        click.echo(f"masked {mask.count} {values} (--with-secrets keeps them)", err=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """The command's own options."""

    form: str
    output: str | None
    with_secrets: bool
    keys: tuple[str, ...]
    steady: bool
    otlp: str | None

    @property
    def to_stdout(self) -> bool:
        return self.output in (None, "-")
