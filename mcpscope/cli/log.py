"""``mcpscope log``: what sessions said, from the database, once or followed."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import click

from mcpscope.cli.completing import complete_filter, complete_session
from mcpscope.cli.exchanges import Look, exchange_json, exchange_line
from mcpscope.cli.filters import FilterCommand, session_and_filter
from mcpscope.cli.output import emit_json, warn
from mcpscope.cli.recordings import frame_json, frame_line
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.filter.language import Filter
from mcpscope.errors import Exit
from mcpscope.store.directory import Directory
from mcpscope.store.following import Following
from mcpscope.store.fulltext import catch_up
from mcpscope.store.prefilter import expression_of
from mcpscope.store.query import Query
from mcpscope.store.reader import Frame, Reader
from mcpscope.store.reading import reading
from mcpscope.store.subjects import Recorded
from mcpscope.text import json_text
from mcpscope.tui.present.glyphs import ASCII, UTF8

POLL_SECONDS = 0.05
PAGE = 1000
LAST_OF_ALL = 100
LAST_BEFORE_FOLLOWING = 20


@click.command("log", cls=FilterCommand)
@click.argument("session", required=False, shell_complete=complete_session)
@click.argument("filter", required=False, shell_complete=complete_filter)
@click.option("--frames", is_flag=True, help="Every message and note as it crossed the wire.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@click.option("-n", "count", type=click.IntRange(min=0), help="The last N only (0: everything).")
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl"]), help="Default: text.")
@click.option("--plain", is_flag=True, help="No colours, and never cut lines to the terminal's width.")
@with_settings
def command(session: str | None, filter: str | None, settings: Settings, **given: Any) -> None:
    """Show the exchanges of SESSION (its number, name, label or "last") that pass FILTER.

    Without a session: of all sessions. Without -n, everything of a named session is shown, the last 100 of
    all sessions, and the last 20 before following. With -f a line comes when an exchange ends, and one when
    it has waited for a second.
    """
    asked = Asked(**given)
    form = asked.form or ("json" if settings.json else "text")
    with reading(settings.db, warn) as connection:
        reader = Reader(settings.db, connection)
        info, wanted = session_and_filter(Directory(connection), session, filter)
        sessions = None if info is None else [info.id]
        count = asked.count
        if count is None:
            count = LAST_BEFORE_FOLLOWING if asked.follow else 0 if info else LAST_OF_ALL
        if expression_of(wanted.tree):
            catch_up(settings.db)
        query = Query(connection, wanted, sessions=sessions)
        items: Iterable[Frame | Recorded]
        if asked.frames:
            items = _frames(reader, query, sessions, count, follow=asked.follow)
        else:
            items = _exchanges(reader, query, wanted, sessions, count, follow=asked.follow)
        look = _look(settings, plain=asked.plain, sessions=info is None)
        _print(items, look, "jsonl" if asked.follow and form == "json" else form)


@dataclass(frozen=True, slots=True)
class Asked:
    """The command's own options."""

    frames: bool
    follow: bool
    count: int | None
    form: str | None
    plain: bool


def _exchanges(
    reader: Reader, query: Query, wanted: Filter, sessions: list[int] | None, count: int, *, follow: bool
) -> Iterator[Recorded]:
    following = Following(reader.connection, wanted, sessions) if follow else None
    first = query.last(count) if count else [] if follow and sessions is None else query.oldest()
    if following is None:
        yield from first
        return
    shown = list(first)
    yield from shown
    following.begin_with(shown)
    while True:
        found = following.look(time.time_ns())
        yield from found
        if not found:
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)


def _frames(
    reader: Reader, query: Query, sessions: list[int] | None, count: int, *, follow: bool
) -> Iterator[Frame]:
    """Frames of exchanges that pass, in wire order."""
    session = sessions[0] if sessions else None
    newest = reader.newest_id()
    if count:
        last = _last_frames(reader, query, session, count)
        yield from last
    else:
        yield from _frames_after(reader, query, session, 0, until=newest)
    after = newest
    while follow:
        for frame in _frames_after(reader, query, session, after):
            after = frame.id
            yield frame
        sys.stdout.flush()
        time.sleep(POLL_SECONDS)


def _last_frames(reader: Reader, query: Query, session: int | None, count: int) -> list[Frame]:
    found: list[Frame] = []
    page = reader.last_frames(session, limit=max(count, PAGE))
    while page and len(found) < count:
        found = _passing(reader, query, page) + found
        page = reader.last_frames(session, before=page[0].id, limit=PAGE)
    return found[-count:]


def _frames_after(
    reader: Reader, query: Query, session: int | None, after: int, *, until: int = 1 << 62
) -> Iterator[Frame]:
    while page := reader.frames(session, after=after, limit=PAGE):
        after = page[-1].id
        yield from (frame for frame in _passing(reader, query, page) if frame.id <= until)
        if after >= until:
            return


def _passing(reader: Reader, query: Query, page: list[Frame]) -> list[Frame]:
    if query.is_everything:
        return page
    owners = reader.exchanges_of([frame.id for frame in page])
    passing = {one.seq for one in query.among(sorted(set(owners.values())))}
    return [frame for frame in page if owners.get(frame.id) in passing]


def _print(items: Iterable[Frame | Recorded], look: Look, form: str) -> None:
    try:
        if form == "json":
            emit_json([_as_json(item) for item in items])
            return
        for item in items:
            click.echo(json_text(_as_json(item)) if form == "jsonl" else _as_line(item, look))
    except BrokenPipeError:
        # The reader of a pipe (head) has seen enough; Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        with suppress(OSError):
            sys.stdout.flush()
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None


def _as_json(item: Frame | Recorded) -> dict[str, Any]:
    return frame_json(item) if isinstance(item, Frame) else exchange_json(item)


def _as_line(item: Frame | Recorded, look: Look) -> str:
    if isinstance(item, Frame):
        return frame_line(item, width=look.columns)
    return exchange_line(item, look, time.time_ns())


def _look(settings: Settings, *, plain: bool, sessions: bool) -> Look:
    ascii = settings.ascii or bool(os.environ.get("MCPSCOPE_ASCII"))
    ascii = ascii or locale.getpreferredencoding(False).lower().replace("-", "") != "utf8"
    colour = not (plain or settings.no_color or os.environ.get("NO_COLOR")) and sys.stdout.isatty()
    return Look(ASCII if ascii else UTF8, _columns(plain=plain), colour, sessions)


def _columns(*, plain: bool) -> int:
    if plain or not sys.stdout.isatty():
        return 0
    return shutil.get_terminal_size().columns
