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
from mcpscope.exports.foreign.kinds import Opened
from mcpscope.exports.foreign.telling import Telling
from mcpscope.store.taking_in import TakenIn, take_in_all
from mcpscope.text import safe


@click.command("import")
@click.argument("file", type=click.Path())
@click.option("--name", metavar="NAME", help="Call the recording so (default: as in the file).")
@with_settings
def command(file: str, name: str | None, settings: Settings) -> None:
    """Bring FILE into the database; - reads stdin.

    FILE is what mcpscope export --format jsonl wrote, or another program's: HAR of a browser or proxy, a log
    or export of mcpsnoop, a cassette or log of mcp-recorder, messages or requests that the MCP Inspector
    exports.
    """
    with _opened(file) as source:
        opened = Opened(source)
        if opened.tellings is None:
            found = take_in_all(settings.db, opened.lines(), name=name or "")
        else:
            lines = _told(opened.tellings, file)
            found = take_in_all(settings.db, lines, name=name or "", foreign=True)
    for one in found:
        if not one.complete:
            warn(f"{file} has no end: it is complete up to message {one.messages}")
    if settings.json:
        emit_json({**_facts(found[0]), "sessions": [_facts(one) for one in found]})
        return
    for one in found:
        called = f" as {one.name}" if one.name else ""
        click.echo(safe(f"session {one.session_id}{called}: {one.messages} messages"))


def _told(tellings: list[Telling], file: str) -> Iterator[bytes]:
    """The sessions of another program's file, called as the file where they have no name of their own."""
    if not tellings:
        raise ScopeError(
            f"there is no message of MCP in {file}",
            code="bad_recording",
            exit=Exit.STORE,
            hint="browsers leave bodies out unless they are asked to keep them",
        )
    label = "" if file == "-" else Path(file).stem.partition(".")[0]
    for telling in tellings:
        telling.facts["label"] = telling.facts.get("label") or label
        yield from telling.lines()


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
