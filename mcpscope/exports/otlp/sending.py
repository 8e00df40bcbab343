"""A whole recording to a collector, at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from mcpscope.errors import Exit, ScopeError
from mcpscope.exports.documents import Source
from mcpscope.exports.otlp.collector import Answer, Collector
from mcpscope.exports.otlp.request import requests_of


def send(source: Source, url: str, warn: Callable[[str], None]) -> int:
    """Send the spans of ``source``; returns how many. Raises ScopeError where the collector takes no more."""
    sent = 0
    with closing(Collector(url)) as collector:
        shown = source.mask.text(collector.url)
        for count, body in requests_of(source):
            reply = collector.send(body)
            if reply.answer is not Answer.TAKEN:
                raise ScopeError(
                    f"the collector at {shown} took {sent} spans and then no more: {reply.why}",
                    code="collector",
                    exit=Exit.UPSTREAM,
                    hint="send it again: spans keep their ids, what is there already is not doubled",
                )
            if reply.why:
                warn(f"the collector at {shown}: {reply.why}")
            sent += count
    return sent
