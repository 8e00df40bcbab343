"""What the journal keeps of HTTP itself: heads with their secrets redacted, how a stream ended, and when.

The JSON of STREAM_OPEN, HTTP and STREAM_CLOSE. ``body`` says how the chunks of a direction become messages:
``whole`` (one message or batch), ``events`` (an event stream) or ``none`` (not kept).
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from mcpscope.session.http_known import of_request, of_response
from mcpscope.transports.http_head import Headers, RequestHead, ResponseHead
from mcpscope.transports.secret_mask import Mask

WHOLE = "whole"
EVENTS = "events"
NONE = "none"

_SECRET_FIELDS = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"set-cookie",
        b"x-api-key",
        b"api-key",
        b"x-auth-token",
        b"x-goog-api-key",
        b"dpop",
        b"mcpscope-token",
    }
)
_SAFE_QUERY = frozenset({"session_id", "sessionid", "sessionId"})
_QUERY_VALUE = re.compile(r"([^&=;?]+)=([^&;]*)")


def closed_whole(status: int, at: int) -> bytes:
    """STREAM_CLOSE of an answer that came whole ``at`` one moment, as ``Facts.closed`` says it."""
    return b'{"status":%d,"closed_by":"server","first_byte_at":%d,"last_byte_at":%d}' % (status, at, at)


class Facts:
    """Writes heads down. ``injected`` are the lower-case names of the fields whose values we put in."""

    def __init__(self, mask: Mask, injected: frozenset[bytes] = frozenset()) -> None:
        self._mask = mask
        self._hidden = _SECRET_FIELDS | injected
        self._words: dict[tuple[bytes, bytes], list[str]] = {}
        self._version = mask.version

    def opened(self, head: RequestHead, *, era: str, body: str, peer: str, caller: str = "") -> bytes:
        """STREAM_OPEN of a request."""
        notes, key = of_request(head), (era, body, caller)
        if notes.version != self._mask.version:
            notes.version = self._mask.version
            notes.openings.clear()
        opening = notes.openings.get(key)
        if opening is None:
            opening = notes.openings[key] = self._opening(head, era, body, caller)
        return opening + orjson.dumps(peer) + b"}"

    def _opening(self, head: RequestHead, era: str, body: str, caller: str) -> bytes:
        """All of STREAM_OPEN up to the peer, which is what differs where the same head comes again."""
        found: dict[str, Any] = {
            "method": head.method.decode("ascii", "replace"),
            "target": self.target(head.target),
            "headers": self._headers(head.headers),
            "era": era,
            "body": body,
        }
        session = head.index.get(b"mcp-session-id")
        if session is not None:
            found["mcp_session_id"] = session.decode("latin-1")
        if caller:
            found["caller"] = caller
        return orjson.dumps(found)[:-1] + b',"peer":'

    def answered(self, head: ResponseHead, *, body: str) -> bytes:
        """HTTP: the head of the answer."""
        notes = of_response(head)
        if notes.version != self._mask.version:
            notes.version = self._mask.version
            notes.answers.clear()
        said = notes.answers.get(body)
        if said is None:
            said = notes.answers[body] = self._answer(head, body)
        return said

    def _answer(self, head: ResponseHead, body: str) -> bytes:
        found: dict[str, Any] = {
            "status": head.status,
            "reason": head.reason.decode("latin-1"),
            "headers": self._headers(head.headers),
            "body": body,
        }
        session = head.index.get(b"mcp-session-id")
        if session is not None:
            found["mcp_session_id"] = session.decode("latin-1")
        return orjson.dumps(found)

    def closed(
        self, *, status: int, by: str, first_at: int, last_at: int, error: str = "", text: str = ""
    ) -> bytes:
        """STREAM_CLOSE; ``by`` is server, client or mcpscope; times are unix ns, 0 for no byte.

        ``text`` is the beginning of an answer that is no message.
        """
        found: dict[str, Any] = {"status": status, "closed_by": by}
        if first_at:
            found["first_byte_at"] = first_at
            found["last_byte_at"] = last_at
        if error:
            found["error"] = self._mask.text(error)
        if text:
            found["text"] = self._mask.text(text)
        return orjson.dumps(found)

    def target(self, target: bytes) -> str:
        """A request target with the values of its query masked, but for HTTP+SSE's session."""
        text = target.decode("latin-1")
        path, mark, query = text.partition("?")
        if not mark:
            return self._mask.text(path)
        return self._mask.text(path) + "?" + _QUERY_VALUE.sub(self._masked_value, self._mask.text(query))

    def _headers(self, headers: Headers) -> list[list[str]]:
        # Most lines repeat from request to request: their decoded and masked form is kept.
        if self._version != self._mask.version:
            self._version = self._mask.version
            self._words.clear()
        known = self._words
        lines: list[list[str]] = []
        for line in headers:
            shown = known.get(line)
            if shown is None:
                shown = self._line(*line)
                if len(known) < 512:
                    known[line] = shown
            lines.append(shown)
        return lines

    def _line(self, name: bytes, value: bytes) -> list[str]:
        lower = name.lower()
        if lower in self._hidden:
            scheme, blank, secret = value.decode("latin-1").partition(" ")
            if not blank or scheme.lower() not in ("bearer", "basic", "dpop", "digest"):
                scheme, blank, secret = "", "", value.decode("latin-1")
            return [name.decode("latin-1"), f"{scheme}{blank}{self._mask.placeholder(secret)}"]
        text = self._mask.text(value.decode("latin-1"))
        if lower in (b"referer", b"location", b"content-location") and "?" in text:
            text = self.target(text.encode("latin-1", "replace"))
        return [name.decode("latin-1"), text]

    def _masked_value(self, found: re.Match[str]) -> str:
        if found[1] in _SAFE_QUERY or found[2].startswith("[redacted:"):
            return found[0]
        return f"{found[1]}={self._mask.placeholder(found[2])}"
