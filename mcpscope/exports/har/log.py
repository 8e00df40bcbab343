"""The HAR file: in time order an entry for each HTTP request, or for each exchange where there was none."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from typing import Any

from mcpscope import __version__
from mcpscope.exports.documents import Source
from mcpscope.exports.har.http import http_entry
from mcpscope.exports.har.spoken import SPOKEN, spoken_entry
from mcpscope.exports.masked import Masked
from mcpscope.store.streams import stream_numbers, streams
from mcpscope.text import json_text

Timed = tuple[int, dict[str, Any]]


def as_har(source: Source, shown: bool) -> Iterator[bytes]:
    """The file, an entry a line; what could not be told in this form is said in the log's comment."""
    left = _Left()
    creator = {"name": "mcpscope", "version": __version__}
    yield b'{"log":{"version":"1.2","creator":' + json_text(creator).encode() + b',"entries":[\n'
    between = b""
    for _, entry in merge(_of_streams(source), _of_exchanges(source, left), key=itemgetter(0)):
        yield between + json_text(entry).encode()
        between = b",\n"
    yield b'\n],"comment":' + json_text(_comment(source, left)).encode() + b"}}\n"


class _Left:
    """How many lines of standard error and notes have no place in a HAR."""

    count = 0


def _of_streams(source: Source) -> Iterator[Timed]:
    wanted = None if source.whole else {one.seq for one in source.query.oldest()}
    for stream in streams(source.connection, source.session.id):
        if wanted is None or any(message.exchange in wanted for message in stream.messages):
            yield stream.opened_at, http_entry(stream, source)


def _of_exchanges(source: Source, left: _Left) -> Iterator[Timed]:
    known = stream_numbers(source.connection, source.session.id)
    last = 0
    for one in source.query.oldest():
        if one.stream in known:
            continue
        if one.kind not in SPOKEN:
            left.count += 1
            continue
        last = max(last, one.opened_at)
        yield last, spoken_entry(one, Masked(one, source.mask), source)


def _comment(source: Source, left: _Left) -> str:
    parts = []
    if source.mask.count:
        parts.append(f"{source.mask.count} values are masked")
    if left.count:
        parts.append(f"{left.count} lines of standard error and notes are left out")
    if source.session.lost_messages:
        parts.append(f"{source.session.lost_messages} messages were not recorded")
    return "; ".join(parts) or "complete"
