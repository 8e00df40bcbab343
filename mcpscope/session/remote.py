"""A remote server for a client on our standard streams: one POST a message, answers and streams as lines."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from mcpscope.protocol.message import Direction, Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.bridge_ids import same_id
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.session.crossing import Crossing, one_line
from mcpscope.session.http_facts import NONE, Facts
from mcpscope.session.http_inject import Injected
from mcpscope.session.http_local import failure_answer
from mcpscope.session.http_log import Journal, NotRecorded, StreamLog
from mcpscope.session.http_sessions import LEGACY, MODERN, Session
from mcpscope.session.line_client import LineClient
from mcpscope.session.remote_exchange import RemoteExchange, RemotePost, RemoteStream
from mcpscope.session.remote_known import RemoteKnown
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.connect.http_outgoing import AnswerSink, Outgoing
from mcpscope.transports.connect.http_pool import Pool
from mcpscope.transports.http_head import Headers, RequestHead, ResponseHead, encode_request, indexed
from mcpscope.transports.secret_mask import Mask

BARRIER_SECONDS = 10.0
GRACE_SECONDS = 1.5
DELETE_SECONDS = 0.4
MAX_TRIES = 5
KEPT_HEADS = 256
MOST_JOINED = 16384  # bytes of a body that are copied behind the head
ENDPOINT_SECONDS = 30.0  # an HTTP+SSE server that names no endpoint by then never will


@dataclass(slots=True)
class RemoteSettings:
    """Where the server is and how it is spoken to; ``say`` writes a line for a person."""

    url: SplitResult
    injected: Injected
    mask: Mask
    clock: Callable[[], int]
    say: Callable[[str], None]
    done: Callable[[int], None]
    sse: bool = False
    helmed: Helmed = field(default_factory=Helmed)


@dataclass(slots=True)
class Spelled:
    """The head of a request as it goes ``up``, once it was made with what is ``added`` to it; and what the
    journal is ``told`` of it, in which era and with which secrets masked.
    """

    head: RequestHead
    up: bytes = b""
    added: Headers | None = None
    told: bytes = b""
    told_for: tuple[str, int] | None = None


class RemoteSession:
    """One session between a LineClient (set as ``client`` before traffic flows) and a remote server."""

    client: LineClient

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: RemoteSettings,
        pool: Pool,
        journal: Journal,
        record: Session,
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._pool = pool
        self._journal = journal
        self._facts = Facts(settings.mask, settings.injected.names)
        self.record = record
        self.injected = settings.injected
        self.crossing: Crossing = Conversation(
            loop, journal, settings.helmed, record.number, self, settings.mask, record.identity[0]
        )
        self._spelled: dict[int, Spelled] = {}
        self._streams = 0
        self._early: StreamLog | None = None
        self._posts: dict[int, RemotePost] = {}
        self._others: dict[int, RemoteStream] = {}
        self._queue: deque[RemotePost] = deque()
        self._barrier: RemotePost | None = None
        self._known = RemoteKnown(settings.url, record, sse=settings.sse)
        self._standing: RemoteStream | None = None
        self._tries = 0
        self._target = _target_of(settings.url)
        self._post_target = b"" if settings.sse else self._target
        self._stalled: set[int] = set()
        self._ending = False
        self.end_reason = ""
        """Why it ended, where that was our doing."""
        self._tasks: set[asyncio.Task[None]] = set()
        if settings.sse:
            self._open_stream()
            loop.call_later(ENDPOINT_SECONDS, self._no_endpoint)

    def __repr__(self) -> str:
        return f"<RemoteSession {self._settings.url.netloc} open={len(self._posts)}>"

    # from the client

    def on_line(self, raw: bytes) -> None:
        self._streams += 1
        self._from_client(parse(raw), self._streams)

    def on_eof(self) -> None:
        """The client has gone: what is under way may finish within the grace, then the session ends."""
        if self._ending:
            return
        self._ending = True
        self.crossing.left(Direction.TO_SERVER)
        self._spawn(self._leave())

    def on_client_stall(self, *, stalled: bool) -> None:
        for exchange in self._exchanges():
            exchange.hold(paused=stalled)

    # what the crossing asks for

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        if direction is Direction.TO_CLIENT:
            if message.raw.strip():
                self.client.write(one_line(message.raw))
        elif self.record.era == MODERN and message.method == "notifications/cancelled":
            self._cancel(message.params.get("requestId"))
        else:
            self._post(message, stream)

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        if direction is Direction.TO_CLIENT:
            self.client.write(one_line(data))
        else:
            self._streams += 1
            self._post(parse(data), self._streams)
        return True

    def swallowed(self, direction: Direction, stream: int, of: int) -> None: ...

    def close_channel(self, direction: Direction, stream: int) -> None:
        """What a client on a pipe sees of a server that dies: end of file, and our exit."""
        self.end_reason = "disconnected"
        if not self._ending:
            self._ending = True
            self._spawn(self._break_off())

    # what exchanges ask for

    def log(self, stream: int) -> StreamLog:
        early, self._early = self._early, None
        if early is not None and early.stream == stream:
            return early
        return StreamLog(
            self._journal,
            self._facts,
            self._settings.mask,
            session=self.record.number,
            stream=stream,
            clock=self._settings.clock,
        )

    def request(
        self, method: bytes, target: bytes, headers: Headers, body: bytes, sink: AnswerSink
    ) -> Outgoing:
        """Begin a request, whole already. Raises BadHeader."""
        spelled, added = self._spelling(method, target, headers), self.injected.headers
        if spelled.added is not added:
            lines = [line for line in headers if line[0].lower() not in self.injected.names]
            spelled.up = encode_request(method, target, [*lines, *added])
            spelled.added = added
        if len(body) > MOST_JOINED:
            outgoing = self._pool.request(b"", method, spelled.up, sink)
            outgoing.write(body)
        else:
            outgoing = self._pool.request(b"", method, spelled.up + body, sink)
        outgoing.end()
        return outgoing

    def opening(self, method: bytes, target: bytes, headers: Headers) -> bytes:
        """What the journal is told of the head of a request."""
        spelled, record = self._spelling(method, target, headers), self.record
        made_for = (record.era, self._settings.mask.version)
        if spelled.told_for != made_for:
            caller, peer, _, _ = record.identity
            spelled.told = self._facts.opened(
                spelled.head, era=record.era, body=NONE, peer=peer, caller=caller
            )
            spelled.told_for = made_for
        return spelled.told

    def said_of(self, head: ResponseHead) -> bytes:
        """The same of the head of an answer, whose messages are told on their own."""
        return self._facts.answered(head, body=NONE)

    def _spelling(self, method: bytes, target: bytes, headers: Headers) -> Spelled:
        """How a request with these ``headers`` is spelled; the same for the same list."""
        kept = self._spelled.get(id(headers))
        if kept is not None:
            head = kept.head
            if head.headers is headers and head.method == method and head.target == target:
                return kept
        if len(self._spelled) >= KEPT_HEADS:
            self._spelled.clear()
        found = self._spelled[id(headers)] = Spelled(RequestHead(method, target, headers, indexed(headers)))
        return found

    def soon(self, work: Callable[[str], None], word: str) -> None:
        """Call ``work`` when what is going on now is done."""
        self._loop.call_soon(work, word)

    def refresh(self, then: Callable[[], None]) -> None:
        """Resolve the injected secrets again, then go on."""

        async def work() -> None:
            await self.injected.refresh(lambda resolve: self._loop.run_in_executor(None, resolve))
            then()

        self._spawn(work())

    def opened(self, post: RemotePost, head: ResponseHead) -> None:
        """The head of a POST's answer."""
        mcp_id = head.index.get(b"mcp-session-id")
        if mcp_id is not None and 200 <= head.status < 300 and post.message.method == "initialize":
            self._known.mcp_id = mcp_id
        if 200 <= head.status < 300 and post.message.method == "notifications/initialized":
            self._open_stream()
        self._pass_barrier(post)

    def from_server(self, message: Message, exchange: RemoteExchange) -> None:
        """A whole message from the server on ``exchange``."""
        asked = exchange if isinstance(exchange, RemotePost) else None
        for item in message.items or (message,):
            if item.is_answer:
                owner = self._answered(item.id, asked)
                asked = owner or asked
                self._known.learn(item, None if owner is None else owner.message)
        stream = exchange.stream if asked is None else asked.stream
        if exchange.status >= 400 and asked is not None and message.kind is Kind.ERROR and message.id is None:
            return  # an error without the request's id tells the client nothing; post_done has the id
        try:
            self.crossing.received(Direction.TO_CLIENT, message, stream, beside=exchange.beside)
        except NotRecorded as fault:
            self._settings.say(f"nothing more is forwarded: {fault}")
            self._settings.done(5)

    def answered_whole(self, post: RemotePost) -> None:
        """All that ``post`` asked is answered, by what it got back."""
        post.awaited.clear()
        self._posts.pop(post.stream, None)
        if post.stream in self._stalled:
            self.on_upstream_stall(post.stream, stalled=False)

    def post_done(self, post: RemotePost, failure: str, text: str) -> None:
        """A POST's answer has ended: what it still owes is resumed, awaited elsewhere, or failed."""
        self._pass_barrier(post)
        self.on_upstream_stall(post.stream, stalled=False)
        if self._settings.sse and not failure:
            return  # answers come on the one stream
        if not post.awaited:
            self._posts.pop(post.stream, None)
            if failure:
                self._settings.say(f"the server did not take {post.message.method or 'an answer'}: {failure}")
            return
        if not failure or (post.last_event_id and post.status < 300):
            if post.last_event_id and self.record.era == LEGACY and not self._ending:
                self._loop.call_later(post.retry, self._resume, post, 0)
                return
            failure = failure or "it ended its answer without the result"
        self._fail(post, failure, text)

    def stream_opened(self, stream: RemoteStream, head: ResponseHead) -> None:
        if stream.status == 200:
            self._tries = 0

    def endpoint(self, data: bytes) -> None:
        """HTTP+SSE names where to post; another origin is none."""
        url = self._settings.url
        try:
            named = urlsplit(urljoin(url.geturl(), data.decode("utf-8", "replace").strip()))
        except ValueError:
            self._stranded("the server names an endpoint that is no URL")
            return
        if (named.scheme, named.netloc) != (url.scheme, url.netloc):
            self._stranded("the server names an endpoint of another origin: not followed")
            return
        self._post_target = _target_of(named)
        self._pump()

    def stream_done(self, stream: RemoteStream, failure: str) -> None:
        """A GET has ended."""
        self._others.pop(stream.stream, None)
        if stream is self._standing:
            self._standing = None
        if self._ending:
            return
        if stream.of is not None:
            self._resumed(stream, stream.of, failure)
        elif self._settings.sse:
            why = f"the server's stream has ended{': ' + failure if failure else ''}"
            self._stranded(why, failure or "it closed its stream")
        elif stream.heard or (stream.status == 200 and not failure):
            self._tries += 1
            if self._tries <= MAX_TRIES:
                self._loop.call_later(stream.retry * self._tries, self._open_stream, stream.last_event_id)

    def on_upstream_stall(self, stream: int, *, stalled: bool) -> None:
        """The server does not take a request's body (or does again)."""
        if stalled == (stream in self._stalled):
            return
        if stalled:
            self._stalled.add(stream)
        else:
            self._stalled.discard(stream)
        self.client.hold_reading(paused=bool(self._stalled))

    def close(self) -> None:
        for exchange in self._exchanges():
            exchange.close()
        for task in self._tasks:
            task.cancel()
        self.crossing.ended()

    # helpers

    def _from_client(self, message: Message, stream: int) -> None:
        if message.meta.get("io.modelcontextprotocol/protocolVersion") is not None:
            self.record.era = MODERN
        elif message.method == "initialize":
            self.record.era = LEGACY
        caller = self.record.identity[0]
        try:
            if message.kind is not Kind.REQUEST:
                self.crossing.received(Direction.TO_SERVER, message, stream, caller)
                return
            log = self._early = self.log(stream)  # the request's HTTP is in the journal with it
            self.crossing.received(Direction.TO_SERVER, message, stream, caller, beside=(log, True))
            log.commit()
        except NotRecorded as fault:
            for item in message.items or (message,):
                if item.kind is Kind.REQUEST:
                    self.client.write(failure_answer("not recorded", str(fault), item))

    def _post(self, message: Message, stream: int) -> None:
        post = RemotePost(self, stream, message)
        self._posts[stream] = post
        self._queue.append(post)
        self._pump()

    def _pump(self) -> None:
        """Start what may start: answers and notifications are not overtaken by what follows them."""
        while self._queue and self._barrier is None and self._post_target:
            post = self._queue.popleft()
            if post.is_barrier:
                self._barrier = post
                self._loop.call_later(BARRIER_SECONDS, self._pass_barrier, post)
            post.ask(
                b"POST", self._post_target, self._known.headers(post.message), one_line(post.message.raw)
            )

    def _no_endpoint(self) -> None:
        if not self._post_target and not self._ending:
            self._stranded(f"the server named no endpoint within {ENDPOINT_SECONDS:.0f} s")

    def _stranded(self, why: str, failure: str = "") -> None:
        """HTTP+SSE has nowhere to post any more: whoever waits is told, and the session ends."""
        self._queue.clear()
        for post in list(self._posts.values()):
            self._fail(post, failure or why, "")
        self._settings.say(why)
        self._settings.done(4)

    def _pass_barrier(self, post: RemotePost) -> None:
        if self._barrier is post:
            self._barrier = None
            self._pump()

    def _open_stream(self, last_event_id: str = "") -> None:
        if self._standing is not None or self._ending or (self._settings.sse and self._others):
            return
        self._standing = self._get(None, last_event_id)

    def _get(self, of: RemotePost | None, last_event_id: str) -> RemoteStream:
        self._streams += 1
        stream = RemoteStream(self, self._streams, of)
        self._others[stream.stream] = stream
        headers = self._known.headers(None)
        if last_event_id:
            headers.append((b"Last-Event-ID", last_event_id.encode("utf-8", "replace")))
            stream.last_event_id = last_event_id
        stream.ask(b"GET", self._target, headers)
        return stream

    def _resume(self, post: RemotePost, tries: int) -> None:
        if self._ending or not post.awaited:
            return
        stream = self._get(post, post.last_event_id)
        stream.retry = post.retry
        post.tries = tries

    def _resumed(self, stream: RemoteStream, post: RemotePost, failure: str) -> None:
        post.last_event_id = stream.last_event_id or post.last_event_id
        if not post.awaited:
            self._posts.pop(post.stream, None)
            return
        post.tries = 0 if stream.heard else post.tries + 1
        if post.tries >= MAX_TRIES or stream.status >= 400:
            self._fail(post, failure or "its stream could not be resumed", "")
        else:
            self._loop.call_later(stream.retry, self._resume, post, post.tries)

    def _answered(self, id: RpcId, first: RemotePost | None) -> RemotePost | None:
        posts = list(self._posts.values())
        for post in [first, *posts] if first is not None else posts:
            if post is not None and post.answers(id):
                if not post.awaited and post.over:
                    self._posts.pop(post.stream, None)
                return post
        return None

    def _cancel(self, id: RpcId) -> None:
        """In the stateless era closing the answer's stream is the cancellation."""
        for post in list(self._posts.values()):
            if any(same_id(key, id) for key in post.awaited):
                self._posts.pop(post.stream, None)
                post.close()

    def _fail(self, post: RemotePost, failure: str, text: str) -> None:
        self._posts.pop(post.stream, None)
        said = self._settings.mask.text(f"{failure}{': ' + text.strip() if text.strip() else ''}")
        name = self._settings.url.netloc
        if post.unreached or post.status >= 400:
            self.crossing.undone(post.stream)
        for asked in list(post.awaited.values()):
            data = failure_answer("upstream", f"{name}: {said}", asked)
            self._journal.append(RecordType.SENT, Dir.TO_CLIENT, self.record.number, post.stream, data)
            self.client.write(data)
        post.awaited.clear()

    def _exchanges(self) -> list[RemoteExchange]:
        return [*self._posts.values(), *self._others.values()]

    async def _leave(self) -> None:
        end = self._loop.time() + GRACE_SECONDS
        while any(post.awaited for post in self._posts.values()) and self._loop.time() < end:
            await asyncio.sleep(0.02)
        if self._known.mcp_id:
            stream = RemoteStream(self, self._streams + 1)
            stream.ask(b"DELETE", self._target, self._known.headers(None))
            end = self._loop.time() + DELETE_SECONDS
            while not stream.over and self._loop.time() < end:
                await asyncio.sleep(0.01)
        end = self._loop.time() + DELETE_SECONDS
        while not self.client.empty and self._loop.time() < end:
            await asyncio.sleep(0.01)
        self._settings.done(0)

    async def _break_off(self) -> None:
        end = self._loop.time() + DELETE_SECONDS
        while not self.client.empty and self._loop.time() < end:
            await asyncio.sleep(0.01)
        self._settings.done(1)

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _target_of(url: SplitResult) -> bytes:
    target = url.path or "/"
    return (f"{target}?{url.query}" if url.query else target).encode("latin-1", "replace")
