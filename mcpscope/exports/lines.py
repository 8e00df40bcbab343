"""The ``jsonl`` form: what mcpscope import reads, and test suites play."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcpscope.exports.documents import Source
from mcpscope.exports.steady import Steady
from mcpscope.store import jsonl
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
