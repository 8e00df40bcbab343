"""``--rewrite-oauth``: protected-resource metadata that names the proxy, so that clients can log in.

RFC 9728 has a client compare ``resource`` with the URL it talks to. Only that and where the metadata lies are
changed; the authorization server, its issuer and its tokens are the upstream's own (mcp-wire 9).
"""

from __future__ import annotations

import re
from collections.abc import Container
from urllib.parse import urlsplit

from mcpscope.engine.patch import encode, put
from mcpscope.protocol.parsing import parse
from mcpscope.transports.http_head import Headers, RequestHead, ResponseHead, indexed

WELL_KNOWN = b"/.well-known/oauth-protected-resource"
MAX_BYTES = 1024 * 1024


_NAMED = re.compile(rb'resource_metadata\s*=\s*"?([^\s",]+)')


def is_metadata(request: RequestHead, head: ResponseHead, named: Container[bytes] = ()) -> bool:
    """Whether this answer is protected-resource metadata; ``named`` are the paths that challenges gave."""
    return (
        request.method == b"GET"
        and (request.path.startswith(WELL_KNOWN) or request.target in named)
        and head.status == 200
        and head.media_type == b"application/json"
    )


def named(headers: Headers, upstream: bytes) -> list[bytes]:
    """The paths on ``upstream`` at which a challenge says that metadata lies."""
    return [
        found[1][len(upstream) :]
        for name, value in headers
        if name.lower() == b"www-authenticate"
        for found in _NAMED.finditer(value)
        if found[1].startswith(upstream + b"/")
    ]


def own_origin(request: RequestHead) -> bytes:
    """The origin that the client believes to talk to."""
    return b"http://" + request.index.get(b"host", b"")


def challenges(headers: Headers, upstream: bytes, ours: bytes) -> Headers:
    """``headers`` whose ``WWW-Authenticate`` lines point at our metadata where they named the upstream's."""

    def moved(found: re.Match[bytes]) -> bytes:
        url = found[1]
        if not url.startswith(upstream + b"/"):
            return found[0]
        return found[0][: -len(url)] + ours + url[len(upstream) :]

    return [
        (name, _NAMED.sub(moved, value)) if name.lower() == b"www-authenticate" else (name, value)
        for name, value in headers
    ]


def rewritten(head: ResponseHead, body: bytes, upstream: bytes, ours: bytes) -> tuple[ResponseHead, bytes]:
    """Metadata with its ``resource`` on ``ours``; untouched where it does not name ``upstream``."""
    resource = parse(body).body.get("resource")
    if not isinstance(resource, str):
        return head, body
    parts = urlsplit(resource)
    if f"{parts.scheme}://{parts.netloc}".encode("latin-1", "replace") != upstream:
        return head, body
    moved = ours.decode("latin-1") + resource[len(upstream) :]
    body = put(body, ("resource",), encode(moved))
    headers = [line for line in head.headers if line[0].lower() != b"content-length"]
    headers.append((b"Content-Length", b"%d" % len(body)))
    return ResponseHead(head.status, head.reason, headers, indexed(headers)), body
