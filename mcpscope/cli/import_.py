"""``mcpscope import``: a recording from a file into the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.taking_in import TakenIn, take_in_all
from mcpscope.text import safe


@click.command("import")
@click.argument("file", type=click.Path())
@click.option("--name", metavar="NAME", help="Call the recording so (default: as in the file).")
@with_settings
def command(file: str, name: str | None, settings: Settings) -> None:
    """Bring FILE, written by mcpscope export --format jsonl, into the database; - reads stdin."""
    with _opened(file) as source:
        found = take_in_all(settings.db, source, name=name or "")
    for one in found:
        if not one.complete:
            warn(f"{file} has no end: it is complete up to message {one.messages}")
    if settings.json:
        emit_json({**_facts(found[0]), "sessions": [_facts(one) for one in found]})
        return
    for one in found:
        called = f" as {one.name}" if one.name else ""
        click.echo(safe(f"session {one.session_id}{called}: {one.messages} messages"))


def _facts(one: TakenIn) -> dict[str, Any]:
    return {"session": one.session_id, "name": one.name or None, "messages": one.messages}


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as source:
            yield source
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ScopeError(
            f"{file or repr(file)} cannot be read: {reason.lower()}",
            code="cannot_read",
            exit=Exit.USAGE,
            hint="check the name",
        ) from error
