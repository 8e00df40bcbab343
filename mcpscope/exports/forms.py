"""The forms an export can have, each a stream of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcpscope.exports.documents import Source, as_document
from mcpscope.exports.har.log import as_har
from mcpscope.exports.lines import as_lines
from mcpscope.exports.markdown import as_markdown
from mcpscope.exports.otlp.request import as_otlp
from mcpscope.exports.page.html import as_html
from mcpscope.exports.spreadsheet import as_csv
from mcpscope.exports.suite_files import as_suite
from mcpscope.store.single_file import as_database


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
    "pytest": as_suite,
}
"""What each form writes into one file; ``suite_files`` also has the folder of the last one."""
BINARY = frozenset({"sqlite"})
