"""``mcpscope export``: a recording as a file."""

from __future__ import annotations

import time

import click

from mcpscope.cli.completing import complete_filter, complete_session
from mcpscope.cli.files import writing_to
from mcpscope.cli.filters import FilterCommand
from mcpscope.cli.output import warn
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.filter.language import parse
from mcpscope.exports import forms
from mcpscope.exports.documents import Source
from mcpscope.exports.masks import Masks
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
@click.option("--output", "-o", metavar="FILE", help="Write here (default: stdout).")
@click.option(
    "--with-secrets", is_flag=True, help="Mask nothing; needed for a jsonl that gives back every byte."
)
@click.option("--redact-key", "keys", multiple=True, metavar="NAME", help="Mask members of this name, too.")
@with_settings
def command(
    recording: str,
    filter: str,
    form: str,
    output: str | None,
    with_secrets: bool,
    keys: tuple[str, ...],
    settings: Settings,
) -> None:
    """Write RECORDING (or what of it passes FILTER) to a file.

    jsonl is the form that mcpscope import reads. Secrets are masked unless --with-secrets is typed.
    """
    wanted = parse(filter, time.time_ns())
    mask: Mask = NoMask() if with_secrets else Masks(keys)
    with reading(settings.db, warn) as connection:
        session = Directory(connection).find(recording)
        query = Query(connection, wanted, sessions=[session.id])
        source = Source(connection, session, query, mask, whole=wanted.is_empty)
        with writing_to(output) as file:
            shown = output in (None, "-")
            file.writelines(forms.FORMS[form](source, shown))
    if mask.count:
        click.echo(
            f"masked {mask.count} {'value' if mask.count == 1 else 'values'} (--with-secrets keeps them)",
            err=True,
        )
    if output not in (None, "-") and not settings.quiet:
        click.echo(safe(f"wrote {output}"), err=True)
