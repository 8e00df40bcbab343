"""The envelope of OTLP around spans: what a collector takes, and what a file holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from mcpscope import __version__
from mcpscope.exports.documents import Source
from mcpscope.exports.otlp.spans import Spans, resource_of
from mcpscope.store.directory import SessionInfo
from mcpscope.store.writing_out import Mask
from mcpscope.text import json_text

SPANS_A_REQUEST = 256
_SCOPE = {"name": "mcpscope", "version": __version__}


def as_otlp(source: Source, shown: bool) -> Iterator[bytes]:
    """A file of ``TracesData``: one JSON document, a span a line."""
    resource = json_text(resource_of(source.session, source.mask, __version__))
    scope = json_text(_SCOPE)
    yield f'{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"scope":{scope},"spans":[\n'.encode()
    between = b""
    for span in spans_of(source):
        yield between + json_text(span).encode()
        between = b",\n"
    yield b"\n]}]}]}\n"


def requests_of(source: Source) -> Iterator[tuple[int, bytes]]:
    """(spans, body) of the requests that send a session."""
    found = spans_of(source)
    while part := list(islice(found, SPANS_A_REQUEST)):
        yield len(part), request(source.session, part, source.mask)


def request(session: SessionInfo, spans: Iterable[dict[str, Any]], mask: Mask) -> bytes:
    """The body of one POST."""
    inside = [{"scope": _SCOPE, "spans": list(spans)}]
    told = {"resourceSpans": [{"resource": resource_of(session, mask, __version__), "scopeSpans": inside}]}
    return json_text(told).encode()


def spans_of(source: Source) -> Iterator[dict[str, Any]]:
    """The spans of the exchanges that pass and are over."""
    spans = Spans(source.connection, source.session, source.mask)
    for one in source.query.oldest():
        span = spans.span(one)
        if span is not None:
            yield span
