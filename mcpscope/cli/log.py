"""``mcpscope log``: what sessions said, from the database, once or followed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.recordings import frame_json, frame_line
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.store.directory import Directory
from mcpscope.store.reader import Frame, Reader, open_reader

POLL_SECONDS = 0.05
PAGE = 1000
LAST_OF_ALL = 100
LAST_BEFORE_FOLLOWING = 20


@click.command("log")
@click.argument("session", required=False)
@click.option("--frames", is_flag=True, help="Every message and note as it crossed the wire.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@click.option("-n", "count", type=click.IntRange(min=0), help="The last N only (0: everything).")
@click.option("--plain", is_flag=True, help="Never cut lines to the terminal's width.")
@with_settings
def command(
    session: str | None, frames: bool, follow: bool, count: int | None, plain: bool, *, settings: Settings
) -> None:
    """Show what SESSION said: its number, name, label or "last". Without it, all sessions.

    Lines stand in wire order. Without -n, all of a named session is shown, the last 100 of all sessions, and
    the last 20 before following.
    """
    del frames  # the only form there is yet
    reader = open_reader(settings.db)
    number = None if session is None else Directory(reader.connection).find(session).id
    if count is None:
        count = LAST_BEFORE_FOLLOWING if follow else 0 if session else LAST_OF_ALL
    found = _found(reader, number, count)
    if settings.json and not follow:
        emit_json([frame_json(frame) for frame in found])
        return
    if follow:
        found = _following(reader, number, found)
    _show(found, as_json=settings.json, width=_width(plain=plain))


def _found(reader: Reader, session: int | None, count: int) -> Iterator[Frame]:
    """The last ``count`` frames, 0 for all, a page at a time."""
    if count:
        yield from reader.last_frames(session, limit=count)
        return
    after, newest = 0, reader.newest_id()
    while page := reader.frames(session, after=after, limit=PAGE):
        for frame in page:
            if frame.id > newest:
                return
            yield frame
        after = page[-1].id


def _following(reader: Reader, session: int | None, first: Iterable[Frame]) -> Iterator[Frame]:
    last = 0 if session is not None else reader.newest_id()
    for frame in first:
        last = max(last, frame.id)
        yield frame
    while True:
        page = reader.frames(session, after=last, limit=PAGE)
        for frame in page:
            last = frame.id
            yield frame
        if not page:
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)


def _show(frames: Iterable[Frame], *, as_json: bool, width: int) -> None:
    try:
        for frame in frames:
            if as_json:
                click.echo(json.dumps(frame_json(frame), ensure_ascii=False))
            else:
                click.echo(frame_line(frame, width=width))
    except BrokenPipeError:
        # The reader of a pipe (head) has seen enough; Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _width(*, plain: bool) -> int:
    if plain or not sys.stdout.isatty():
        return 0
    return shutil.get_terminal_size().columns
