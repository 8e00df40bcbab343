"""Heads of HTTP/1.1 requests and responses: values, the fields a proxy must not pass on, and their bytes.

Names keep their case, lines their order and number; ``index`` answers by lower-case name (first value wins).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
REASONS = {
    200: b"OK",
    202: b"Accepted",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    406: b"Not Acceptable",
    408: b"Request Timeout",
    409: b"Conflict",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    421: b"Misdirected Request",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}


class BadHeader(ValueError):
    """A header that we would write holds CR, LF or NUL, or its name is no token."""


@dataclass(slots=True)
class RequestHead:
    """One request line and its header lines, as received or as about to be sent."""

    method: bytes
    target: bytes
    headers: Headers
    index: dict[bytes, bytes] = field(default_factory=dict)
    http10: bool = False
    notes: object = None
    """What a reader derived from it and may find again, for the same head comes again and again."""

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]


@dataclass(slots=True)
class ResponseHead:
    """One status line and its header lines."""

    status: int
    reason: bytes
    headers: Headers
    index: dict[bytes, bytes] = field(default_factory=dict)
    notes: object = None
    """As in a RequestHead."""
    plain: bytes = b""
    """Its bytes, once they were asked for."""

    @property
    def media_type(self) -> bytes:
        """The content type in lower case without its parameters."""
        return self.index.get(b"content-type", b"").partition(b";")[0].strip().lower()


def indexed(headers: Headers) -> dict[bytes, bytes]:
    """Lower-case name -> first value."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found.setdefault(name.lower(), value)
    return found


def response(status: int, headers: Headers) -> ResponseHead:
    """A head of our own with its usual reason."""
    return ResponseHead(status, REASONS.get(status, b""), headers, indexed(headers))


@lru_cache(maxsize=512)
def known_response(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> ResponseHead:
    """``response``, and the same head for the same lines; only its bytes may be kept with it."""
    return response(status, list(headers))


def end_to_end(headers: Headers, index: dict[bytes, bytes], *, drop: frozenset[bytes]) -> Headers:
    """``headers`` without hop-by-hop lines, those that ``Connection`` names, and the names in ``drop``."""
    dropped = drop
    named = index.get(b"connection")
    if named is not None:
        listed = {part.strip().lower() for part in named.split(b",")} - {b"keep-alive", b"close"}
        if listed:
            dropped = drop | listed
    return [line for line in headers if line[0].lower() not in dropped]


def encode_request(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a request head. Raises BadHeader where a value would end its line."""
    return _encode(b"%b %b HTTP/1.1\r\n" % (method, target), headers)


def encode_response(status: int, reason: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a response head. Raises BadHeader where a value would end its line."""
    return _encode(b"HTTP/1.1 %d %b\r\n" % (status, reason), headers)


def encoded(head: ResponseHead) -> bytes:
    """``head`` as it is, made once; its lines must not change any more. Raises BadHeader like the others."""
    if not head.plain:
        head.plain = encode_response(head.status, head.reason, head.headers)
    return head.plain


def _encode(first: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%b: %b\r\n" % line for line in headers]
    head = first + b"".join(lines) + b"\r\n"
    ends = len(lines) + 2
    if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
        raise BadHeader("a header would hold a line end or NUL")
    return head


def netloc(url: SplitResult) -> bytes:
    """The ``Host`` that belongs to ``url``: no user, the port only where it is not the scheme's own."""
    host = url.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    default = 443 if url.scheme == "https" else 80
    if url.port is not None and url.port != default:
        host = f"{host}:{url.port}"
    return host.encode("idna") if not host.isascii() else host.encode()
