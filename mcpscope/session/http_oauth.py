"""``--rewrite-oauth``: protected-resource metadata that names the proxy, so that clients can log in.

RFC 9728 has a client compare ``resource`` with the URL it talks to. Only that and where the metadata lies are
changed; the authorization server, its issuer and its tokens are the upstream's own (mcp-wire 9).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mcpscope.engine.patch import encode, put
from mcpscope.protocol.parsing import parse
from mcpscope.transports.http_head import Headers, RequestHead, ResponseHead, indexed

WELL_KNOWN = b"/.well-known/oauth-protected-resource"
MAX_BYTES = 1024 * 1024


def is_metadata(request: RequestHead, head: ResponseHead) -> bool:
    """Whether this answer is protected-resource metadata."""
    return (
        request.method == b"GET"
        and request.path.startswith(WELL_KNOWN)
        and head.status == 200
        and head.media_type == b"application/json"
    )


def own_origin(request: RequestHead) -> bytes:
    """The origin that the client believes to talk to."""
    return b"http://" + request.index.get(b"host", b"")


def challenges(headers: Headers, upstream: bytes, ours: bytes) -> Headers:
    """``headers`` whose ``WWW-Authenticate`` lines point at our metadata where they named the upstream's."""
    return [
        (name, value.replace(b'"' + upstream + b"/", b'"' + ours + b"/"))
        if name.lower() == b"www-authenticate"
        else (name, value)
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
