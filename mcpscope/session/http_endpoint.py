"""The ``endpoint`` event of HTTP+SSE (2024-11-05): found in a stream's beginning, pointed at the proxy."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from mcpscope.protocol.sse import SseEvent, SseParser, with_data


class EndpointWatch:
    """Passes a stream on and looks at its first event only. ``found`` is the target to post to, or empty."""

    def __init__(self, base: str) -> None:
        """``base`` is the upstream URL that the stream was asked of."""
        self._base = base
        self._parser: SseParser | None = SseParser()
        self.found = b""

    @property
    def done(self) -> bool:
        return self._parser is None

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """What to forward of ``data``; the bytes of an event that has begun wait for its end."""
        parser = self._parser
        if parser is None:
            return data
        out: list[bytes] = []
        for event in parser.feed(data):
            if self._parser is None:
                out.append(event.raw)
                continue
            if event.event == "endpoint" and event.data:
                out.append(self._rewritten(event))
                self._parser = None
            else:
                out.append(event.raw)
                if event.data is not None:
                    self._parser = None
        if self._parser is None or last:
            out.append(parser.finish())
            self._parser = None
        return b"".join(out)

    def _rewritten(self, event: SseEvent) -> bytes:
        assert event.data is not None
        try:
            text = event.data.decode("ascii").strip()
            named = urlsplit(urljoin(self._base, text))
            ours = urlsplit(self._base)
        except ValueError:
            return event.raw
        if (named.scheme, named.netloc) != (ours.scheme, ours.netloc):
            return event.raw  # another origin: clients refuse it, and it is not ours to serve
        target = named.path or "/"
        if named.query:
            target += "?" + named.query
        self.found = target.encode("ascii")
        return (
            event.raw if text.startswith("/") and not text.startswith("//") else with_data(event, self.found)
        )
