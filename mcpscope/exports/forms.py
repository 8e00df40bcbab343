"""The forms an export can have, each a stream of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcpscope.exports.documents import Source, as_document
from mcpscope.exports.har.log import as_har
from mcpscope.exports.markdown import as_markdown
from mcpscope.exports.otlp.request import as_otlp
from mcpscope.exports.page.html import as_html
from mcpscope.exports.spreadsheet import as_csv
from mcpscope.exports.steady import Steady
from mcpscope.store import jsonl
from mcpscope.store.single_file import as_database
from mcpscope.store.writing_out import session_lines


def as_lines(source: Source, shown: bool) -> Iterator[bytes]:
    """JSON Lines, the form that can be imported."""
    only = None if source.whole else {one.seq for one in source.query.oldest()}
    make: Callable[..., bytes] = jsonl.shown_line if shown else jsonl.line
    mask = source.mask
    if source.steady:
        mask = steady = Steady(mask, make)
        make = steady.line
    return session_lines(source.connection, source.session.id, mask, only=only, make_line=make)


def as_sqlite(source: Source, shown: bool) -> Iterator[bytes]:
    """A database of its own, that mcpscope and every tool for SQLite opens."""
    return as_database(as_lines(source, False))


FORMS: dict[str, Callable[[Source, bool], Iterator[bytes]]] = {
    "jsonl": as_lines,
    "json": as_document,
    "md": as_markdown,
    "html": as_html,
    "har": as_har,
    "csv": as_csv,
    "sqlite": as_sqlite,
    "otlp": as_otlp,
}
BINARY = frozenset({"sqlite"})
