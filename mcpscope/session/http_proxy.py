"""The reverse proxy: an HTTP listener's requests relayed to one upstream, each in its recorded session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from mcpscope.protocol.message import Message
from mcpscope.session import http_oauth
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.session.http_facts import Facts
from mcpscope.session.http_gated import RelayPort
from mcpscope.session.http_inject import Injected
from mcpscope.session.http_known import of_request, of_response
from mcpscope.session.http_log import Journal, StreamLog
from mcpscope.session.http_own import OwnPost
from mcpscope.session.http_relay import Relay
from mcpscope.session.http_sessions import (
    LEGACY,
    MODERN,
    Identity,
    Session,
    Sessions,
    client_info,
    era_of,
    is_initialize,
)
from mcpscope.session.presence import note_presence
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.http_head import (
    HOP_BY_HOP,
    BadHeader,
    Headers,
    RequestHead,
    ResponseHead,
    encode_request,
    end_to_end,
    indexed,
    netloc,
)
from mcpscope.transports.listen.http_guard import Guard, is_preflight
from mcpscope.transports.listen.http_incoming import IGNORED, Incoming, Sink
from mcpscope.transports.secret_mask import Mask

SWEEP_SECONDS = 30.0
MOST_METADATA_PLACES = 64
_NOT_FORWARDED = HOP_BY_HOP | {b"host", b"accept-encoding"}


@dataclass(slots=True)
class HttpSettings:
    """How one reverse proxy runs. ``sse`` says that the upstream speaks HTTP+SSE (2024-11-05)."""

    url: SplitResult
    guard: Guard
    injected: Injected
    mask: Mask
    clock: Callable[[], int]
    sse: bool = False
    rewrite_oauth: bool = False
    helmed: Helmed = field(default_factory=Helmed)
    mount: bytes = b""
    """Where it stands among other upstreams: ``/NAME/mcp`` is its endpoint then, ``/NAME/x`` its ``/x``."""
    numbers: Iterator[int] | None = None
    opened: Callable[[Session], None] = field(default=lambda session: None)
    closed: Callable[[Session, str], None] = field(default=lambda session, reason: None)


class HttpProxy:
    """Takes each request of the listener, finds its session, and gives it a Relay."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: HttpSettings, pool: Pool, journal: Journal
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._journal = journal
        self._tasks: set[asyncio.Task[Any]] = set()
        self._streams = 0
        self.pool = pool
        self.injected = settings.injected
        self._facts = Facts(settings.mask, settings.injected.names)
        self._sessions = Sessions(loop.time, self._opened, self._closed, settings.numbers)
        self._ports: dict[int, RelayPort] = {}
        self._conversations: dict[int, Conversation] = {}
        self._templates: dict[int, RequestHead] = {}
        self._sse = settings.sse
        self._metadata_at: set[bytes] = set()
        self._refresh: asyncio.Task[bool] | None = None
        url = settings.url
        self._path = (url.path or "/").encode("ascii")
        self._seen_at = settings.mount + b"/mcp" if settings.mount else self._path
        # Below a mount the upstream's own path leads to its endpoint, too.
        self._at = frozenset({self._seen_at, settings.mount + self._path})
        self._query = url.query.encode("latin-1", "replace")
        self._host = netloc(url)
        self._origin = f"{url.scheme}://{self._host.decode()}".encode()
        self._dropped: dict[frozenset[bytes], frozenset[bytes]] = {}
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)

    def __repr__(self) -> str:
        return f"<HttpProxy {self.upstream_name} {self._sessions}>"

    @property
    def upstream_name(self) -> str:
        return self._origin.decode()

    def on_request(self, incoming: Incoming) -> Sink:
        """Guard first, then relay."""
        refusal = self._settings.guard.check(incoming.head)
        if refusal is not None:
            headers = [(b"Content-Type", b"text/plain; charset=utf-8"), *refusal.headers]
            incoming.answer(refusal.status, headers, refusal.text, close=True)
            return IGNORED
        head = incoming.head
        is_mcp = head.path in self._at or self._sessions.is_endpoint(head.target)
        return Relay(self, incoming, is_mcp=is_mcp and head.method != b"OPTIONS")

    def close(self, reason: str) -> None:
        """End every session; the listener and the pool are closed by who made them."""
        self._sweeper.cancel()
        for task in self._tasks:
            task.cancel()
        self._sessions.close_all(reason)

    # what a Relay asks

    def place(self, incoming: Incoming, body: bytes, *, is_mcp: bool) -> tuple[Session, str]:
        """The session of a request, by its head and the beginning of its body; and its era."""
        head, sessions = incoming.head, self._sessions
        posted = sessions.of_endpoint(head.target)
        if posted is not None:
            return posted, LEGACY
        era = era_of(head.index.get(b"mcp-protocol-version"), body)
        mcp_id = head.index.get(b"mcp-session-id")
        if era == LEGACY and mcp_id is not None and not (self._sse and head.method == b"GET"):
            known = sessions.known(mcp_id, incoming.peer)
            if known is not None:
                return known, era
        identity = self._identity(incoming, client_info(body) if era == MODERN else b"")
        if era == MODERN:
            return sessions.modern(identity, incoming.peer), era
        if self._sse and is_mcp and head.method == b"GET":
            return sessions.fresh(identity, incoming.peer), era
        initialize = is_mcp and mcp_id is None and head.method == b"POST" and is_initialize(body)
        return sessions.legacy(mcp_id, identity, incoming.peer, initialize=initialize), era

    @property
    def gated(self) -> bool:
        """Messages that begin now pass the gate."""
        helmed = self._settings.helmed
        if helmed.steering is None:
            return False
        return helmed.gated or any(one.gated for one in list(helmed.awake.values()))

    @property
    def strict(self) -> bool:
        """A policy is in force: what cannot be judged does not pass."""
        return self._settings.helmed.strict

    @property
    def max_message(self) -> int:
        return self._settings.helmed.max_message

    def port(self, session: Session) -> RelayPort:
        return self._ports[session.number]

    def conversation_of(self, relay: Relay) -> Conversation:
        assert relay.session is not None
        return self._conversations[relay.session.number]

    def forget(self, relay: Relay) -> None:
        """``relay`` is over: no decision concerns it any more."""
        if relay.session is None or relay.log is None or not relay.is_mcp:
            return
        port = self._ports.get(relay.session.number)
        if port is not None:
            port.relays.pop(relay.log.stream, None)
            port.ups.pop(relay.log.stream, None)
            port.downs.pop(relay.log.stream, None)

    def post_own(self, port: RelayPort, message: Message) -> None:
        """A message that no client's POST carries goes up in one of our own; its answer passes the gate."""
        number = next((number for number, found in self._ports.items() if found is port), 0)
        template = self._templates.get(number)
        if template is None:
            return
        conversation = self._conversations[number]
        own = OwnPost(conversation, self._next_stream())
        head = own.head_like(template, message, conversation.schema(str(message.params.get("name"))))
        try:
            method, data, key, _ = self.request_head(head)
        except BadHeader as error:
            conversation.note(f"a message could not be sent: {error}")
            return
        outgoing = self.pool.request(key, method, data, own)
        outgoing.write(message.raw)
        outgoing.end()
        outgoing.flush()

    def log(self, session: Session) -> StreamLog:
        return StreamLog(
            self._journal,
            self._facts,
            self._settings.mask,
            session=session.number,
            stream=self._next_stream(),
            clock=self._settings.clock,
        )

    def caller(self, head: RequestHead) -> str:
        return self._settings.guard.caller(head) or ""

    def request_head(self, head: RequestHead) -> tuple[bytes, bytes, bytes, bool]:
        """Method, encoded head, pool key, and whether the body is chunked, of a request on its way up."""
        notes, injected = of_request(head), self.injected.headers
        if notes.upward is not None and notes.injected is injected:
            return notes.upward
        own = self._settings.guard.own_headers(head)
        drop = self._dropped.get(own)
        if drop is None:
            drop = self._dropped[own] = _NOT_FORWARDED | own | self.injected.names
        headers: Headers = [(b"Host", self._host), *end_to_end(head.headers, head.index, drop=drop)]
        if not is_preflight(head):  # a question without credentials gets none of ours
            headers += injected
        headers.append((b"Accept-Encoding", b"identity"))
        chunked = b"transfer-encoding" in head.index
        if chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
        key = head.index.get(b"authorization", b"") + b"\0" + head.index.get(b"mcpscope-token", b"")
        notes.upward = (head.method, encode_request(head.method, self._target(head), headers), key, chunked)
        notes.injected = injected
        return notes.upward

    def response_head(self, request: RequestHead, head: ResponseHead) -> ResponseHead:
        """An answer's head as the client gets it; a ``Location`` on the upstream's origin points at us."""
        notes = of_response(head)
        if notes.shown is not None:
            return notes.shown
        headers = end_to_end(head.headers, head.index, drop=HOP_BY_HOP)
        same = True
        if b"location" in head.index:
            same = False  # it depends on where the client reached us
            headers = [
                (name, self._located(value, request) if name.lower() == b"location" else value)
                for name, value in headers
            ]
        if self._settings.rewrite_oauth and b"www-authenticate" in head.index:
            same = False
            if len(self._metadata_at) > MOST_METADATA_PLACES:
                self._metadata_at.clear()
            self._metadata_at.update(http_oauth.named(headers, self._origin)[:MOST_METADATA_PLACES])
            headers = http_oauth.challenges(headers, self._origin, http_oauth.own_origin(request))
        shown = ResponseHead(head.status, head.reason, headers, indexed(headers))
        if same:
            notes.shown = shown
        return shown

    def is_metadata(self, request: RequestHead, head: ResponseHead) -> bool:
        """The answer is metadata that is to name the proxy, so it is taken whole."""
        return self._settings.rewrite_oauth and http_oauth.is_metadata(request, head, self._metadata_at)

    def metadata(self, request: RequestHead, head: ResponseHead, body: bytes) -> tuple[ResponseHead, bytes]:
        return http_oauth.rewritten(head, body, self._origin, http_oauth.own_origin(request))

    def learn(self, session: Session, request: RequestHead, head: ResponseHead) -> None:
        """What an answer's head says about its session."""
        session.last = self._loop.time()
        if request.method == b"POST" and self._settings.helmed.steering is not None:
            self._templates[session.number] = request
        if 200 <= head.status < 300:
            session.established = True
            mcp_id = head.index.get(b"mcp-session-id")
            if mcp_id is not None and session.era == LEGACY:
                self._sessions.adopt(session, mcp_id)
        gone = head.status == 404 or (request.method == b"DELETE" and 200 <= head.status < 300)
        if gone and b"mcp-session-id" in request.index:
            session.over = True

    def is_endpoint(self, head: RequestHead) -> bool:
        """An ``endpoint`` event of this upstream named this target."""
        return self._sessions.is_endpoint(head.target)

    def may_name_endpoint(self, request: RequestHead, head: ResponseHead) -> bool:
        """A stream of HTTP+SSE may begin here."""
        if request.method != b"GET" or head.media_type != b"text/event-stream" or head.status != 200:
            return False
        return b"mcp-session-id" not in request.index

    def endpoint(self, session: Session, target: bytes) -> None:
        """The upstream speaks HTTP+SSE and is posted to at ``target``."""
        self._sse = True
        self._sessions.endpoint(session, target)

    def url_of(self, head: RequestHead) -> str:
        """The upstream URL of a request."""
        return (self._origin + head.target).decode("latin-1")

    def ended(self, session: Session) -> None:
        """An exchange of ``session`` is over."""
        session.last = self._loop.time()
        if session.streams == 0 and (session.over or session.endpoints):
            self._sessions.close(session, "clean")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def refresh(self) -> bool:
        """Resolve the injected secrets again, once for all that wait; True where one is another now."""
        if self._refresh is None or self._refresh.done():
            resolving = self.injected.refresh(lambda work: self._loop.run_in_executor(None, work))
            self._refresh = self._loop.create_task(resolving)
        return await asyncio.shield(self._refresh)

    # helpers

    def _next_stream(self) -> int:
        self._streams += 1
        return self._streams

    def _opened(self, session: Session) -> None:
        settings = self._settings
        settings.opened(session)
        port = self._ports[session.number] = RelayPort(self)
        conversation = self._conversations[session.number] = Conversation(
            self._loop,
            self._journal,
            settings.helmed,
            session.number,
            port,
            settings.mask,
            session.identity[0],
        )
        if settings.helmed.steering is not None:
            note_presence(settings.helmed.steering, [conversation])

    def _closed(self, session: Session, reason: str) -> None:
        self._conversations.pop(session.number).ended()
        self._ports.pop(session.number)
        self._templates.pop(session.number, None)
        self._settings.closed(session, reason)

    def _target(self, head: RequestHead) -> bytes:
        """Where a request goes: on the path of the upstream's URL the query of that URL comes first."""
        mount = self._settings.mount
        if mount and head.path != self._seen_at:
            return head.target.removeprefix(mount) or b"/"
        if not mount and (not self._query or head.path != self._path):
            return head.target
        own = head.target.partition(b"?")[2]
        if own == self._query:
            own = b""
        query = b"&".join(part for part in (self._query, own) if part)
        return self._path + b"?" + query if query else self._path

    def _identity(self, incoming: Incoming, info: bytes) -> Identity:
        index = incoming.head.index
        host = incoming.peer.rpartition(":")[0]
        return (self.caller(incoming.head), host, index.get(b"user-agent", b""), info)

    def _located(self, value: bytes, request: RequestHead) -> bytes:
        try:
            parts = urlsplit(value.decode("latin-1"))
            same = f"{parts.scheme}://{netloc(parts).decode()}".encode() == self._origin
        except ValueError:
            return value
        host = request.index.get(b"host")
        mount = self._settings.mount.decode("latin-1")
        if mount and not parts.scheme and not parts.netloc and parts.path.startswith("/"):
            return urlunsplit(("", "", mount + parts.path, *parts[3:])).encode("latin-1")
        if not parts.scheme or not same or host is None:
            return value
        path = (mount + (parts.path or "/"), *parts[3:]) if mount else parts[2:]
        return urlunsplit(("http", host.decode("latin-1"), *path)).encode("latin-1")

    def _sweep(self) -> None:
        self._sessions.sweep()
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
