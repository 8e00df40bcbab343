"""The forms an export can have, each a stream of bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from mcpscope.exports.documents import Source, as_document, iso
from mcpscope.exports.markdown import as_markdown
from mcpscope.exports.steady import Steady
from mcpscope.store import jsonl
from mcpscope.store.writing_out import session_lines
from mcpscope.text import safe

CSV_COLUMNS = (
    "id", "time", "dir", "kind", "method", "tool", "name", "rpc_id", "status", "code", "dur_ms", "req_bytes",
    "res_bytes", "flags", "summary",
)  # fmt: skip


FORMULA_STARTS = ("=", "+", "-", "@", "\t")


def as_lines(source: Source, shown: bool) -> Iterator[bytes]:
    """JSON Lines, the form that can be imported."""
    only = None if source.whole else {one.seq for one in source.query.oldest()}
    make: Callable[..., bytes] = jsonl.shown_line if shown else jsonl.line
    mask = source.mask
    if source.steady:
        mask = steady = Steady(mask, make)
        make = steady.line
    return session_lines(source.connection, source.session.id, mask, only=only, make_line=make)


def as_csv(source: Source, shown: bool) -> Iterator[bytes]:
    """A row for each exchange; a cell that a spreadsheet would compute begins with an apostrophe."""
    yield _row(CSV_COLUMNS)
    for one in source.query.oldest():
        duration = "" if one.dur_ns is None else f"{one.dur_ns / 1e6:.3f}"
        facts = (one.dir, one.kind, one.method, one.tool, one.name, one.rpc_id, one.status)
        texts = [_cell(source.mask.text(text)) for text in facts]
        numbers = ["" if number is None else str(number) for number in (one.req_bytes, one.res_bytes)]
        code = "" if one.code is None else str(one.code)
        tail = (" ".join(one.flags), source.mask.text(one.summary))
        yield _row((str(one.seq), iso(one.opened_at), *texts, code, duration, *numbers, *map(_cell, tail)))


def _row(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _cell(text: str) -> str:
    shown = safe(text)
    return f"'{shown}" if shown.startswith(FORMULA_STARTS) else shown


FORMS: dict[str, Callable[[Source, bool], Iterator[bytes]]] = {
    "jsonl": as_lines,
    "json": as_document,
    "md": as_markdown,
    "csv": as_csv,
}
