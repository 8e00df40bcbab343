"""How strict an HTTP listener is: its bounds, and what it refuses by a request's head alone."""

from __future__ import annotations

from dataclasses import dataclass

from mcpscope.transports.http_head import RequestHead


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one listener; sizes in bytes, times in seconds."""

    head_bytes: int = 16 * 1024
    head_lines: int = 100
    body_bytes: int | None = None
    """Of one request; None in the fast lane, which passes any size."""
    connections: int = 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    """Without a byte of a body that is not complete."""
    idle_seconds: float = 75.0
    """A kept connection without a request."""
    stalled_seconds: float = 300.0
    """A client that takes nothing of an answer that waits for it."""
    pipelined_bytes: int = 64 * 1024
    pipelined_requests: int = 32


Problem = tuple[int, bytes]


def too_large_head(limits: Limits) -> Problem:
    return 431, b"the request head is larger than %d bytes\n" % limits.head_bytes


def too_large_body(limit: int) -> Problem:
    return 413, b"the request body is larger than %d bytes\n" % limit


def problem(head: RequestHead, version: str, limits: Limits) -> Problem | None:
    """Why a head is refused (status and text), or None. What the parser itself refuses never gets here."""
    if version not in ("1.0", "1.1"):
        return 505, b"only HTTP/1.1 and HTTP/1.0 are spoken here\n"
    if len(head.headers) > limits.head_lines:
        return 431, b"more than %d header lines\n" % limits.head_lines
    hosts = int(b"host" in head.index)
    if hosts and len(head.headers) != len(head.index):  # some name comes twice
        hosts = sum(1 for name, _ in head.headers if name.lower() == b"host")
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        return 400, b"a request needs exactly one Host\n"
    if not head.target.startswith(b"/") and not (head.target == b"*" and head.method == b"OPTIONS"):
        return 400, b"the request target must be a path\n"
    coding = head.index.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or version == "1.0"):
        return 501, b"the only transfer coding taken here is chunked\n"
    length = head.index.get(b"content-length")
    if limits.body_bytes is not None and length is not None and int(length) > limits.body_bytes:
        return too_large_body(limits.body_bytes)
    return None
