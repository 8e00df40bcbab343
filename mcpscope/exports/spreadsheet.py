"""A session as CSV: a row for each exchange, and no cell that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from mcpscope.exports.documents import Source, iso
from mcpscope.exports.masked import Masked
from mcpscope.text import safe

CSV_COLUMNS = (
    "id", "time", "dir", "kind", "method", "tool", "name", "rpc_id", "status", "code", "dur_ms", "req_bytes",
    "res_bytes", "flags", "summary",
)  # fmt: skip


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")


def as_csv(source: Source, shown: bool) -> Iterator[bytes]:
    """A row for each exchange; a cell that a spreadsheet would compute begins with an apostrophe."""
    yield _row(CSV_COLUMNS)
    for one in source.query.oldest():
        masked = Masked(one, source.mask)
        duration = "" if one.dur_ns is None else f"{one.dur_ns / 1e6:.3f}"
        facts = (one.dir, one.kind, one.method, one.tool, masked.name, one.rpc_id, one.status)
        texts = [_cell(text) for text in facts]
        numbers = ["" if number is None else str(number) for number in (one.req_bytes, one.res_bytes)]
        code = "" if one.code is None else str(one.code)
        tail = (" ".join(one.flags), masked.summary)
        yield _row((str(one.seq), iso(one.opened_at), *texts, code, duration, *numbers, *map(_cell, tail)))


def _row(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _cell(text: str) -> str:
    shown = safe(text)
    return f"'{shown}" if shown.startswith(FORMULA_STARTS) else shown
