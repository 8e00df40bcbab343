"""Who may speak to an HTTP listener: the Host and Origin checks against web pages, and the client's token."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcpscope.transports.http_head import RequestHead

TOKEN_HEADER = b"mcpscope-token"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Status, text and header lines of a request that may not come in."""

    status: int
    text: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def is_loopback(host: str) -> bool:
    """``host`` (a name or an address to bind) is reached from this machine only."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_preflight(head: RequestHead) -> bool:
    """The request is a browser's question whether a page may send another one."""
    index = head.index
    return (
        head.method == b"OPTIONS"
        and b"origin" in index
        and b"access-control-request-method" in index
        and b"transfer-encoding" not in index
        and index.get(b"content-length", b"0") == b"0"
    )


class Guard:
    """Decides by a request's head alone. ``tokens`` are the client tokens, each with the caller's name.

    A page that had its name rebound to 127.0.0.1 shows by its Host, a foreign page by its Origin. With
    ``remote`` any Host is taken, for then every request must carry a token that no page knows.
    """

    def __init__(
        self,
        *,
        host: str,
        origins: tuple[str, ...] = (),
        tokens: tuple[tuple[str, bytes], ...] = (),
        remote: bool = False,
    ) -> None:
        self._remote = remote
        self._tokens = tokens
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        named = {urlsplit(origin).hostname or "" for origin in origins}
        self._hosts = _LOOPBACK_NAMES | {host.lower()} | {name for name in named if name}
        self._known: dict[tuple[bytes | None, bytes | None], Refusal | None] = {}

    def __repr__(self) -> str:
        return f"<Guard hosts={sorted(self._hosts)} tokens={len(self._tokens)} remote={self._remote}>"

    def admit(self, tokens: tuple[tuple[str, bytes], ...]) -> None:
        """Let in who sends one of ``tokens`` from now on, and nobody else."""
        self._tokens = tokens

    def check(self, head: RequestHead) -> Refusal | None:
        """Why a request may not come in, or None. Host first, then Origin, then the token.

        A browser asks without credentials whether a page may send them (Fetch, CORS-preflight): of an allowed
        Origin that question is let in without a token; it has no body, and says nothing but names.
        """
        key = (head.index.get(b"host"), head.index.get(b"origin"))
        if key in self._known:
            refusal = self._known[key]
        else:
            refusal = self._check_names(head)
            if len(self._known) < 256:
                self._known[key] = refusal
        if refusal is None and key[1] is not None and _count(head, b"origin") > 1:
            refusal = Refusal(403, b"more than one Origin\n")
        if refusal is None and self._tokens and self.caller(head) is None and not is_preflight(head):
            refusal = Refusal(
                401,
                b"this proxy needs its client token (Mcpscope-Token, or Authorization: Bearer)\n",
                ((b"WWW-Authenticate", b'Bearer realm="mcpscope"'),),
            )
        return refusal

    def caller(self, head: RequestHead) -> str | None:
        """The name of the caller whose token the request carries; None without a token of ours."""
        if not self._tokens:
            return None
        given = head.index.get(TOKEN_HEADER)
        if given is None:
            scheme, _, value = head.index.get(b"authorization", b"").partition(b" ")
            given = value.strip() if scheme.lower() == b"bearer" else None
        found = None
        for name, token in self._tokens:
            if given is not None and hmac.compare_digest(given, token):
                found = name
        return found

    def own_headers(self, head: RequestHead) -> frozenset[bytes]:
        """Lower-case names of the lines that carry our own token and go no further."""
        if TOKEN_HEADER in head.index:
            return frozenset({TOKEN_HEADER})
        if self._tokens and self.caller(head) is not None:
            return frozenset({b"authorization"})
        return frozenset()

    def _check_names(self, head: RequestHead) -> Refusal | None:
        host = head.index.get(b"host")
        if not self._remote and host is not None and not self._host_allowed(host):
            return Refusal(421, b"this Host is not served here (DNS rebinding protection)\n")
        origin = head.index.get(b"origin")
        if origin is not None and not self._origin_allowed(origin):
            return Refusal(403, b"this Origin is not allowed; allow it with --allow-origin\n")
        return None

    def _host_allowed(self, value: bytes) -> bool:
        try:
            parts = urlsplit("//" + value.decode("ascii"))
            name = (parts.hostname or "").lower()
            _ = parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.path or parts.query:
            return False
        return name in self._hosts or is_loopback(name)

    def _origin_allowed(self, value: bytes) -> bool:
        try:
            text = value.decode("ascii").lower()
            parts = urlsplit(text)
            name = parts.hostname or ""
        except ValueError:
            return False
        if text.rstrip("/") in self._origins or "*" in self._origins:
            return True
        return parts.scheme in ("http", "https") and is_loopback(name)


def _count(head: RequestHead, lower: bytes) -> int:
    return sum(1 for name, _ in head.headers if name.lower() == lower)
