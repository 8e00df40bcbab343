"""Which recorded session an HTTP exchange belongs to: by MCP session, by HTTP+SSE stream, or by who asks.

The old era has ids: ``Mcp-Session-Id``, or the URI of an ``endpoint`` event. Without one (2026-07-28, and
servers that mint none) a session is a caller with a client identity until it is idle, shown as inferred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

IDLE_SECONDS = 600.0
LEGACY_IDLE_SECONDS = 3600.0

MODERN = "modern"
LEGACY = "legacy"

PEEK_BYTES = 16 * 1024
_INITIALIZE = re.compile(rb'"method"\s*:\s*"initialize"')
_CLIENT_INFO = re.compile(rb'"io\.modelcontextprotocol/clientInfo"\s*:\s*(\{[^{}]{0,2000}\})')

Identity = tuple[str, str, bytes, bytes]
"""Caller, host of the peer, user agent, client info."""


@dataclass(slots=True)
class Session:
    """One recorded session: ``established`` once something was answered, ``over`` once a peer said so."""

    number: int
    era: str
    inferred: bool
    identity: Identity
    streams: int = 0
    established: bool = False
    last: float = 0.0
    mcp_ids: list[bytes] = field(default_factory=list)
    endpoints: list[bytes] = field(default_factory=list)
    peers: set[str] = field(default_factory=set)
    over: bool = False
    exit_code: int | None = None
    closed: bool = False
    facts: dict[str, object] = field(default_factory=dict)
    """What its record says of it in place of what it says of the whole proxy."""


class Sessions:
    """Opens sessions when a first exchange needs them and closes them by DELETE, end of stream or idleness.

    ``opened`` and ``closed`` are told so that the journal says so too; ``numbers`` begin with 1 unless
    several share a journal.
    """

    def __init__(
        self,
        now: Callable[[], float],
        opened: Callable[[Session], None],
        closed: Callable[[Session, str], None],
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._now = now
        self._opened = opened
        self._closed = closed
        self._numbers = count(1) if numbers is None else numbers
        self._all: dict[int, Session] = {}
        self._by_id: dict[bytes, Session] = {}
        self._by_endpoint: dict[bytes, Session] = {}
        self._by_identity: dict[tuple[str, Identity], Session] = {}
        self._by_peer: dict[str, Session] = {}

    def __repr__(self) -> str:
        return f"<Sessions open={len(self._all)}>"

    def is_endpoint(self, target: bytes) -> bool:
        """``target`` was named by an ``endpoint`` event that still stands."""
        return target in self._by_endpoint

    def of_endpoint(self, target: bytes) -> Session | None:
        return self._by_endpoint.get(target)

    def of_id(self, mcp_id: bytes) -> Session | None:
        return self._by_id.get(mcp_id)

    def known(self, mcp_id: bytes, peer: str) -> Session | None:
        """The session with this id, heard of now, if there is one."""
        found = self._by_id.get(mcp_id)
        return None if found is None else self._seen(found, peer)

    def legacy(self, mcp_id: bytes | None, identity: Identity, peer: str, *, initialize: bool) -> Session:
        """The session of an exchange of the old era."""
        if mcp_id is not None:
            found = self._by_id.get(mcp_id)
            if found is None:
                # Begun before this proxy was, or with another: an unknown id is a session all the same.
                found = self._open(LEGACY, identity, peer, inferred=False)
                self.adopt(found, mcp_id)
            return self._seen(found, peer)
        latest = self._by_peer.get(peer) or self._by_identity.get((LEGACY, identity))
        if latest is not None and latest.era == LEGACY and (not initialize or _unused(latest)):
            return self._seen(latest, peer)
        return self._open(LEGACY, identity, peer, inferred=not initialize)

    def modern(self, identity: Identity, peer: str) -> Session:
        """The session of a self-contained exchange (2026-07-28)."""
        found = self._by_identity.get((MODERN, identity))
        if found is not None:
            return self._seen(found, peer)
        return self._open(MODERN, identity, peer, inferred=True)

    def fresh(self, identity: Identity, peer: str, *, era: str = LEGACY) -> Session:
        """A session of its own: one HTTP+SSE connection, or one server process of a bridge."""
        return self._open(era, identity, peer, inferred=era == MODERN)

    def adopt(self, session: Session, mcp_id: bytes) -> None:
        """The server gave ``session`` its id."""
        if mcp_id not in self._by_id:
            self._by_id[mcp_id] = session
            session.mcp_ids.append(mcp_id)

    def endpoint(self, session: Session, target: bytes) -> None:
        """``session`` is posted to at ``target``."""
        self._by_endpoint[target] = session
        session.endpoints.append(target)

    def close(self, session: Session, reason: str) -> None:
        """Nothing more belongs to ``session``."""
        if session.closed:
            return
        session.closed = True
        self._all.pop(session.number, None)
        for mcp_id in session.mcp_ids:
            self._by_id.pop(mcp_id, None)
        for target in session.endpoints:
            self._by_endpoint.pop(target, None)
        for peer in session.peers:
            if self._by_peer.get(peer) is session:
                del self._by_peer[peer]
        key = (session.era, session.identity)
        if self._by_identity.get(key) is session:
            del self._by_identity[key]
        self._closed(session, reason)

    def sweep(self) -> None:
        """Close what has been idle for too long."""
        now = self._now()
        for session in list(self._all.values()):
            limit = IDLE_SECONDS if session.inferred else LEGACY_IDLE_SECONDS
            if session.streams == 0 and now - session.last > limit:
                self.close(session, "idle")

    def close_all(self, reason: str) -> None:
        for session in list(self._all.values()):
            self.close(session, reason)

    def _open(self, era: str, identity: Identity, peer: str, *, inferred: bool) -> Session:
        session = Session(next(self._numbers), era, inferred, identity)
        self._all[session.number] = session
        self._by_identity[(era, identity)] = session
        self._seen(session, peer)
        self._opened(session)
        return session

    def _seen(self, session: Session, peer: str) -> Session:
        session.last = self._now()
        if session.era == LEGACY and self._by_peer.get(peer) is not session:
            if len(self._by_peer) > 4096:
                self._by_peer.clear()
            self._by_peer[peer] = session
            session.peers.add(peer)
        return session


def is_initialize(body: bytes) -> bool:
    """Whether a body, by its beginning, opens a session of the old era."""
    return _INITIALIZE.search(body, 0, PEEK_BYTES) is not None


def client_info(body: bytes) -> bytes:
    """The bytes of the client's own description in a self-contained request, or none."""
    found = _CLIENT_INFO.search(body, 0, PEEK_BYTES)
    return b"" if found is None else found[1]


def era_of(version: bytes | None, body: bytes = b"") -> str:
    """The era by the version header, as servers that speak both decide."""
    if version is not None:
        return MODERN if version >= b"2026" and version[:4].isdigit() else LEGACY
    if b"io.modelcontextprotocol/protocolVersion" in body[:PEEK_BYTES]:
        return MODERN
    return LEGACY


def _unused(session: Session) -> bool:
    return not session.established and session.streams == 0
