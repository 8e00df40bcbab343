"""A stdio server on HTTP: who may come in, which process a request belongs to, how many there may be."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import PROTOCOL_VERSION, declared, is_known
from mcpscope.session.bridge_checks import modern_refusal
from mcpscope.session.bridge_child import ChildSession
from mcpscope.session.bridge_post import BridgePost, BridgeStanding
from mcpscope.session.child import LineServer, ServerProcess
from mcpscope.session.conversation import Conversation, Helmed
from mcpscope.session.http_facts import NONE, Facts
from mcpscope.session.http_local import local_failure
from mcpscope.session.http_log import Journal, StreamLog
from mcpscope.session.http_sessions import LEGACY, MODERN, Identity, Session, Sessions, client_info, era_of
from mcpscope.session.tool_schemas import keep_schemas
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.connect.process import StartFailed
from mcpscope.transports.http_head import Headers, RequestHead, ResponseHead, response
from mcpscope.transports.listen.http_guard import Guard
from mcpscope.transports.listen.http_incoming import IGNORED, Incoming, Sink
from mcpscope.transports.secret_mask import Mask, MaskedFlow

MAX_CHILDREN = 64
IDLE_SECONDS = 600.0
SWEEP_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 15.0
KEPT_HEADS = 256
NOT_STARTED = 127
_DECLARES = PROTOCOL_VERSION.encode()
_BACKSLASH = 0x5C
BATCH_REVISION = "2025-03-26"


@dataclass(slots=True)
class BridgeSettings:
    """How a stdio server is put on HTTP. ``command`` and ``env`` are our command line's, never the wire's."""

    command: list[str]
    env: dict[str, str]
    cwd: str | None
    guard: Guard
    mask: Mask
    clock: Callable[[], int]
    stderr: Callable[[bytes], None]
    path: bytes = b"/mcp"
    start: Callable[[ChildSession], LineServer] | None = None
    """Makes the server of a session where that is no process of ``command``."""
    short: Callable[[BridgePost, ChildSession, Message], bool] = field(default=lambda *call: False)
    """Takes what can go a shorter way to the server of a session; False where it has not."""
    most: int = MAX_CHILDREN
    numbers: Iterator[int] | None = None
    opened: Callable[[Session], None] = field(default=lambda session: None)
    closed: Callable[[Session, str], None] = field(default=lambda session, reason: None)
    helmed: Helmed = field(default_factory=Helmed)


class BridgeProxy:
    """One child per MCP session of the old era, or per caller and client identity in the stateless one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: BridgeSettings, journal: Journal) -> None:
        self._loop = loop
        self._settings = settings
        self.journal = journal
        self.now = loop.time
        self._facts = Facts(settings.mask)
        self._sessions = Sessions(loop.time, settings.opened, settings.closed, settings.numbers)
        self._streams = 0
        self._legacy: dict[bytes, ChildSession] = {}
        self._modern: dict[Identity, list[ChildSession]] = {}
        self._children: set[ChildSession] = set()
        self._schemas: dict[str, Any] = {}
        self._heads: dict[tuple[int, tuple[tuple[bytes, bytes], ...]], ResponseHead] = {}
        self._stderrs: dict[int, MaskedFlow] = {}
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)
        self._ended = asyncio.Event()

    def __repr__(self) -> str:
        return f"<BridgeProxy children={len(self._children)}>"

    def on_request(self, incoming: Incoming) -> Sink:
        """Guard, path, method, content type; then the body."""
        head = incoming.head
        refusal = self._settings.guard.check(head)
        if refusal is not None:
            text = (b"Content-Type", b"text/plain; charset=utf-8")
            incoming.answer(refusal.status, [text, *refusal.headers], refusal.text, close=True)
            return IGNORED
        if head.target != self._settings.path and head.path != self._settings.path:
            return _refused(
                BridgePost(self, incoming), 404, f"only {self._settings.path.decode()} is served here"
            )
        if head.method == b"GET":
            return self._get(BridgeStanding(self, incoming))
        if head.method == b"DELETE":
            return self._delete(BridgePost(self, incoming))
        if head.method != b"POST":
            post = BridgePost(self, incoming)
            post.refuse(405, "POST, GET or DELETE", headers=[(b"Allow", b"POST, GET, DELETE")])
            return IGNORED
        return self._post(BridgePost(self, incoming))

    def posted(self, post: BridgePost, body: bytes) -> None:
        """The body of a POST is whole."""
        message = parse(body)
        head = post.incoming.head
        if message.kind is Kind.MALFORMED:
            refusal = local_failure("malformed", "it is not a JSON-RPC message", body)
            post._answer(400, refusal[1], refusal[2])
            return
        version = head.index.get(b"mcp-protocol-version")
        # The word itself is looked for first: an escape may spell it otherwise.
        may_declare = body.find(_DECLARES) >= 0 or _BACKSLASH in body
        if era_of(version) == MODERN or (may_declare and declared(message.meta)):
            self._posted_modern(post, message, body)
        else:
            self._posted_legacy(post, message, version)

    def next_stream(self) -> int:
        self._streams += 1
        return self._streams

    def log(self, record: Session, stream: int) -> StreamLog:
        settings = self._settings
        return StreamLog(
            self.journal,
            self._facts,
            settings.mask,
            session=record.number,
            stream=stream,
            clock=settings.clock,
        )

    def opening(self, incoming: Incoming, era: str) -> bytes:
        """What the record says of a request's head; its messages are told on their own."""
        head = incoming.head
        return self._facts.opened(head, era=era, body=NONE, peer=incoming.peer, caller=self.caller(head))

    def said_of(self, head: ResponseHead) -> bytes:
        """The same of the head of an answer."""
        return self._facts.answered(head, body=NONE)

    def head(self, status: int, headers: Headers) -> ResponseHead:
        """The head of an answer of ours, which is written down; the same for the same lines."""
        key = (status, tuple(headers))
        found = self._heads.get(key)
        if found is None:
            if len(self._heads) >= KEPT_HEADS:
                self._heads.clear()
            found = self._heads[key] = response(status, list(headers))
        return found

    def caller(self, head: RequestHead) -> str:
        return self._settings.guard.caller(head) or ""

    def stderr(self, record: Session, data: bytes) -> None:
        """What a server wrote to its standard error: recorded, and passed on to ours."""
        flow = self._stderrs.get(record.number)
        if flow is None:
            flow = self._stderrs[record.number] = self._settings.mask.flow(messages=False)
        self._said(record, flow.feed(data, last=False)[1])

    def tools_listed(self, result: dict[str, Any]) -> None:
        """A list of tools passed: their schemas say which arguments are mirrored in headers."""
        keep_schemas(self._schemas, result)

    def child_gone(self, child: ChildSession) -> None:
        self._forget(child)
        self._children.discard(child)
        rest = self._stderrs.pop(child.record.number, None)
        if rest is not None:
            self._said(child.record, rest.feed(b"", last=True)[1])
        self._sessions.close(child.record, "clean" if child.closing else "server exit")
        if not self._children:
            self._ended.set()

    async def close(self, reason: str) -> None:
        """End every process (within the ladder's time) and every session."""
        self._sweeper.cancel()
        for child in list(self._children):
            child.close()
        while self._children:
            self._ended.clear()
            await self._ended.wait()
        self._sessions.close_all(reason)

    # helpers

    def _said(self, record: Session, data: bytes) -> None:
        if data:
            self.journal.append(RecordType.STDERR, Dir.NONE, record.number, 0, data)
            self._settings.stderr(data)

    def _post(self, post: BridgePost) -> Sink:
        if not post.says_json:
            return _refused(post, 415, "the content type must be application/json")
        if not post.takes_anything:
            return _refused(post, 406, "the answer is application/json or text/event-stream")
        if post.incoming.expects_continue:
            post.incoming.send_continue()
        return post

    def _posted_legacy(self, post: BridgePost, message: Message, version: bytes | None) -> None:
        head = post.incoming.head
        if version is not None and not is_known(version.decode("latin-1")):
            post.refuse(400, "this MCP-Protocol-Version is not known")
            return
        if message.method == "initialize":
            child = self._start(LEGACY, post, b"", secrets.token_hex(16).encode())
        else:
            mcp_id = head.index.get(b"mcp-session-id")
            if mcp_id is None:
                post.refuse(400, "Mcp-Session-Id is missing; begin with initialize")
                return
            child = self._legacy.get(mcp_id)
            if child is None:
                post.refuse(404, "this session is not known, or over")
                return
            if message.kind is Kind.BATCH and child.version != BATCH_REVISION:
                post.refuse(400, f"a batch is no message of revision {child.version}")
                return
        if child is not None:
            self._begin(post, child, message, LEGACY)

    def _posted_modern(self, post: BridgePost, message: Message, body: bytes) -> None:
        head = post.incoming.head
        post.modern = True
        refusal = modern_refusal(head, message, self._schemas)
        if refusal is not None:
            status, answer = refusal
            post._answer(status, [(b"Content-Type", b"application/json")], answer)
            return
        if message.kind in (Kind.BATCH, Kind.RESULT, Kind.ERROR):
            post.refuse(400, "a POST of this revision is one request or notification")
            return
        child = self._modern_child(post, message, client_info(body))
        if child is not None:
            self._begin(post, child, message, MODERN)

    def _begin(self, post: BridgePost, child: ChildSession, message: Message, era: str) -> None:
        if not self._settings.short(post, child, message):
            post.begin(child, era=era, more=True)
            child.post(post, message, self.caller(post.incoming.head))

    def _modern_child(self, post: BridgePost, message: Message, info: bytes) -> ChildSession | None:
        """A process of this client whose open requests share no id with this one: ids are never rewritten."""
        identity = self._identity(post.incoming, info)
        mine = [child for child in self._modern.get(identity, []) if not child.closing and not child.gone]
        for name in ("requestState", "taskId"):
            echo = message.params.get(name)
            minted = [child for child in mine if isinstance(echo, str) and child.knows(echo)]
            if minted and minted[0].free_for(message):
                return minted[0]
        for child in mine:
            if child.free_for(message):
                return child
        return self._start(MODERN, post, info, b"")

    def _get(self, standing: BridgeStanding) -> Sink:
        head = standing.incoming.head
        version = head.index.get(b"mcp-protocol-version")
        mcp_id = head.index.get(b"mcp-session-id")
        if era_of(version) == MODERN or (
            mcp_id is None and b"text/event-stream" not in head.index.get(b"accept", b"")
        ):
            standing.refuse(405, "this revision has no GET", headers=[(b"Allow", b"POST")])
            return IGNORED
        if b"text/event-stream" not in head.index.get(b"accept", b"").lower():
            return _refused(standing, 406, "a GET is answered with text/event-stream")
        child = None if mcp_id is None else self._legacy.get(mcp_id)
        if child is None:
            known = mcp_id is not None
            return _refused(standing, 404 if known else 400, "this session is not known, or over")
        standing.begin(child, era=LEGACY)
        if not child.stand(standing):
            return _refused(standing, 409, "this session has a standing stream already")
        return standing

    def _delete(self, post: BridgePost) -> Sink:
        head = post.incoming.head
        if era_of(head.index.get(b"mcp-protocol-version")) == MODERN:
            post.refuse(405, "this revision has no DELETE", headers=[(b"Allow", b"POST")])
            return IGNORED
        mcp_id = head.index.get(b"mcp-session-id")
        child = None if mcp_id is None else self._legacy.get(mcp_id)
        if child is None:
            return _refused(post, 400 if mcp_id is None else 404, "this session is not known, or over")
        post.begin(child, era=LEGACY)
        self._forget(child)
        post._answer(200, [], b"")
        child.leave()
        return IGNORED

    def _start(self, era: str, post: BridgePost, info: bytes, mcp_id: bytes) -> ChildSession | None:
        """A new process, or None and an answer that says why not."""
        if not self._make_room():
            post.refuse(503, "too many server processes", headers=[(b"Retry-After", b"5")])
            return None
        identity = self._identity(post.incoming, info)
        record = self._sessions.fresh(identity, post.incoming.peer, era=era)
        child = ChildSession(self, record, mcp_id)
        settings = self._settings
        try:
            self.begin_process(child)
        except StartFailed as error:
            self._sessions.close(record, "not started")
            status, headers, body = local_failure("exec", f"{settings.command[0]}: {error}", b"{}")
            post._answer(status, headers, body)
            return None
        child.crossing = Conversation(
            self._loop, self.journal, settings.helmed, record.number, child, settings.mask, identity[0]
        )
        self._children.add(child)
        if mcp_id:
            self._legacy[mcp_id] = child
            self._sessions.adopt(record, mcp_id)
        else:
            self._modern.setdefault(identity, []).append(child)
        return child

    def begin_process(self, child: ChildSession) -> None:
        """Give ``child`` a server. Raises StartFailed."""
        settings = self._settings
        if settings.start is not None:
            child.process = settings.start(child)
            return
        life = child.born()
        child.process = ServerProcess(self._loop, settings.command, settings.env, settings.cwd, life)

    def later(self, seconds: float, callback: Callable[..., None], *args: object) -> None:
        """Call it when the time has passed."""
        self._loop.call_later(seconds, callback, *args)

    def restart(self) -> int:
        """Let another process take the place of each that runs; how many did."""
        running = [child for child in self._children if not child.gone and not child.closing]
        for child in running:
            try:
                child.rebirth.begin()
            except StartFailed:
                child.on_exit(NOT_STARTED)
        return len(running)

    def _make_room(self) -> bool:
        """Below the cap, after ending the child that has been idle longest if need be."""
        if len(self._children) < self._settings.most:
            return True
        idle = [child for child in self._children if child.idle and not child.closing and child.modern]
        if not idle:
            return False
        oldest = min(idle, key=lambda child: child.record.last)
        self._forget(oldest)
        oldest.close()
        return True

    def _forget(self, child: ChildSession) -> None:
        if child.mcp_id:
            self._legacy.pop(child.mcp_id, None)
            return
        mine = self._modern.get(child.record.identity, [])
        if child in mine:
            mine.remove(child)
        if not mine:
            self._modern.pop(child.record.identity, None)

    def _identity(self, incoming: Incoming, info: bytes) -> Identity:
        host = incoming.peer.rpartition(":")[0]
        return (self.caller(incoming.head), host, incoming.head.index.get(b"user-agent", b""), info)

    def _sweep(self) -> None:
        now = self.now()
        for child in list(self._children):
            for exchange in child.exchanges:
                exchange.keep_alive(now - KEEP_ALIVE_SECONDS)
            limit = IDLE_SECONDS if child.modern else 6 * IDLE_SECONDS
            if child.idle and not child.closing and now - child.record.last > limit:
                self._forget(child)
                child.close()
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)


def _refused(exchange: BridgePost | BridgeStanding, status: int, text: str) -> Sink:
    exchange.refuse(status, text)
    return IGNORED
