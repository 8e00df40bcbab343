"""One server process behind HTTP: which of its lines belongs to which exchange (mcp-wire 10.8)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import orjson

from mcpscope.engine.outcomes import UNCHANGED_FLAG
from mcpscope.protocol.message import Direction, Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import CLIENT_CAPABILITIES, PROTOCOL_VERSION, SUBSCRIPTION_ID
from mcpscope.session.bridge_ids import IdKey, id_key, same_id
from mcpscope.session.bridge_life import Life, Rebirth
from mcpscope.session.bridge_post import BridgeExchange, BridgePost, BridgeStanding
from mcpscope.session.child import LineServer
from mcpscope.session.crossing import Crossing, one_line
from mcpscope.session.http_local import JSON_LINE, local_failure
from mcpscope.session.http_log import JournalRecord, NotRecorded
from mcpscope.session.http_sessions import MODERN, Session
from mcpscope.store.layout import MESSAGE, TO_CLIENT, TO_SERVER
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.http_head import Headers, ResponseHead

if TYPE_CHECKING:
    from mcpscope.session.bridge_proxy import BridgeProxy

BACKLOG_MESSAGES = 1000
_ECHOES = 4096
_ERROR = Kind.ERROR  # to look it up costs more than to compare
_MODERN_STATUS = {-32601: 404, -32020: 400, -32021: 400, -32022: 400}


class ChildSession:
    """Routes between one ServerProcess and its open exchanges. ``mcp_id`` is empty in the stateless era."""

    def __init__(self, proxy: BridgeProxy, record: Session, mcp_id: bytes) -> None:
        self._proxy = proxy
        self.record = record
        self.mcp_id = mcp_id
        self.lines: Headers = [JSON_LINE, *([(b"Mcp-Session-Id", mcp_id)] if mcp_id else [])]
        """Those of an answer's head."""
        self._heads: dict[int, ResponseHead] = {}
        self.modern = record.era == MODERN
        self.version = ""
        self.process: LineServer
        self.crossing: Crossing
        self.gone = False
        self.closing = False
        self._exchanges: dict[int, BridgeExchange] = {}
        self._waiting: dict[IdKey, list[BridgePost]] = {}
        self._tokens: dict[IdKey, BridgePost] = {}
        self._standing: BridgeStanding | None = None
        self._backlog: deque[bytes] = deque(maxlen=BACKLOG_MESSAGES)
        self._held: set[int] = set()
        self._echoes: dict[str, None] = {}
        self.life = Life(self)
        self.rebirth = Rebirth(self, proxy)

    def __repr__(self) -> str:
        return f"<ChildSession {self.record.number} open={len(self._exchanges)} gone={self.gone}>"

    @property
    def idle(self) -> bool:
        return not self._exchanges

    @property
    def exchanges(self) -> list[BridgeExchange]:
        return list(self._exchanges.values())

    def free_for(self, message: Message) -> bool:
        """No open request has the ids or progress tokens of ``message``."""
        wanted = [item for item in (message.items or (message,)) if item.kind is Kind.REQUEST]
        return not any(id_key(item.id) in self._waiting or _token(item) in self._tokens for item in wanted)

    @property
    def is_plain(self) -> bool:
        """What comes and goes now is forwarded as it is, at once."""
        return not self.closing and not self.gone and self.rebirth.again.idle and not self.crossing.gated

    def head(self, status: int) -> ResponseHead:
        """That of an answer, but for its length."""
        found = self._heads.get(status)
        if found is None:
            found = self._heads[status] = self._proxy.head(status, self.lines)
        return found

    def knows(self, echo: str) -> bool:
        """``echo`` (a requestState, a task) was minted by this process."""
        return echo in self._echoes

    # from HTTP

    def post(self, post: BridgePost, message: Message, caller: str) -> None:
        """A message for the process; ``post`` has begun here."""
        self.take(post, message)
        try:
            beside = None if post.log is None else (post.log, False)
            self.crossing.received(Direction.TO_SERVER, message, post.stream, caller, beside=beside)
        except NotRecorded as fault:
            status, headers, body = local_failure("not recorded", str(fault), message.raw)
            self._forget(post)
            post._answer(status, headers, body)

    def take(self, post: BridgePost, message: Message) -> None:
        """``post`` waits from now on for what ``message`` asks."""
        post.expect(message)
        self._exchanges[post.stream] = post
        for item in message.items or (message,):
            if item.kind is Kind.REQUEST:
                post.awaited += 1
                self._waiting.setdefault(id_key(item.id), []).append(post)
                if (token := _token(item)) is not None:
                    self._tokens[token] = post
                if self.modern and not {PROTOCOL_VERSION, CLIENT_CAPABILITIES} <= item.meta.keys():
                    post.lacks_envelope = True

    def take_call(self, post: BridgePost, message: Message) -> tuple[JournalRecord, ...]:
        """``post`` begins here and waits for what ``message`` asks: one request without a progress token, all
        of its envelope there. What the journal has to be told; nothing, and nothing is done, where another
        with its id is open.
        """
        key = id_key(message.id)
        if key in self._waiting:
            return ()
        opened = post.begin_shortly(self)
        post.message = message
        post.awaited = 1
        post.forwarded = True
        stream = post.stream
        self._exchanges[stream] = post
        self._waiting[key] = [post]
        return opened, (MESSAGE, TO_SERVER, self.record.number, stream, message.raw, UNCHANGED_FLAG)

    def answer(self, post: BridgePost, message: Message, records: tuple[JournalRecord, ...], at: int) -> None:
        """Give ``post``, which began so, its answer; ``records`` say how that came to be ``at`` a moment."""
        key, stream = id_key(message.id), post.stream
        result = message.body.get("result")
        said = (MESSAGE, TO_CLIENT, self.record.number, stream, message.raw, UNCHANGED_FLAG)
        teaches = isinstance(result, dict) and ("requestState" in result or "taskId" in result)
        if self._waiting.get(key) != [post] or teaches:
            if post.log is not None:
                post.log.beside((*records, said), at)
            self._deliver(message, stream)
            return
        del self._waiting[key]
        self._exchanges.pop(stream, None)
        self.rebirth.again.answered(message)
        self.record.last = self._proxy.now()
        status = self._status(post, message) if message.kind is _ERROR else 200
        post.answer_whole(message.raw, status, (*records, said), at)

    def stand(self, standing: BridgeStanding) -> bool:
        """Open the standing stream; False where there is one."""
        if self._standing is not None:
            return False
        self._standing = standing
        self._exchanges[standing.stream] = standing
        standing.open_stream()
        while self._backlog:
            standing.event(self._backlog.popleft())
        return True

    def exchange_gone(self, exchange: BridgeExchange) -> None:
        """Its client has left. In the stateless era that is how a request is cancelled."""
        if exchange is self._standing:
            self._standing = None
        self._exchanges.pop(exchange.stream, None)
        self.crossing.left(Direction.TO_SERVER, exchange.stream)
        if not isinstance(exchange, BridgePost) or exchange.message is None:
            return
        if not self.modern:
            return  # leaving is no cancel: what is still to come of it has nowhere to go
        for item in exchange.message.items or (exchange.message,):
            if item.kind is Kind.REQUEST and exchange in self._waiting.get(id_key(item.id), ()):
                self._cancel(exchange, item.id)
        self._forget(exchange)

    def hold(self, stream: int, *, paused: bool) -> None:
        """A client does not keep up: the process waits with it."""
        if paused == (stream in self._held):
            return
        if paused:
            self._held.add(stream)
        else:
            self._held.discard(stream)
        if not self.gone:
            self.process.hold_reading(paused=bool(self._held))

    def born(self) -> Life:
        """Who is to listen to a process that begins now."""
        self.life = Life(self)
        return self.life

    def leave(self) -> None:
        """The client ends its session: what it still had open ends without an answer, as it expects."""
        for exchange in self.exchanges:
            if isinstance(exchange, BridgePost) and exchange.message is not None and exchange.takes_events:
                exchange.open_stream()
                exchange.end("client")
                self._forget(exchange)
        self.close()

    def close(self) -> None:
        """End the process; what is open breaks off when it has gone."""
        self.closing = True
        self.process.close()

    # from the process

    def on_line(self, raw: bytes, of: RpcId = None, said: Message | None = None) -> None:
        """A message of the server; ``of`` is the id of the request it belongs to, where that is known."""
        message = parse(raw) if said is None else said
        if self.rebirth.absorbs(message):
            return
        try:
            stream = self._route(message, of)
            post = self._exchanges.get(stream)
            if post is None or post.log is None or not message.is_answer:
                self.crossing.received(Direction.TO_CLIENT, message, stream)
                return
            # The answer's own HTTP is in the journal with it, before any of it leaves.
            self.crossing.received(Direction.TO_CLIENT, message, stream, beside=(post.log, True))
            post.log.commit()
        except NotRecorded:
            self.closing = True
            self.process.terminate()

    def on_stderr(self, data: bytes) -> None:
        self._proxy.stderr(self.record, data)

    def on_stall(self, *, stalled: bool) -> None:
        for exchange in self.exchanges:
            exchange.incoming.hold_reading(paused=stalled)

    def on_exit(self, code: int) -> None:
        self.gone = True
        self.record.exit_code = code
        self.crossing.left(Direction.TO_CLIENT)
        for exchange in self.exchanges:
            if isinstance(exchange, BridgePost) and not exchange.streaming and exchange.message is not None:
                text = f"the server: it exited with code {code}"
                exchange._answer(*local_failure("exit", text, exchange.message.raw))
            else:
                exchange.abort()
        self._exchanges.clear()
        self.crossing.ended()
        self._proxy.child_gone(self)

    # what the crossing asks for

    def forward(self, direction: Direction, message: Message, stream: int, of: int, *, changed: bool) -> None:
        if direction is Direction.TO_CLIENT:
            self._deliver(message, stream, spoiled=changed and message.kind is Kind.MALFORMED)
            return
        for item in message.items or (message,):
            self.rebirth.again.said(item)
        self.rebirth.write(one_line(message.raw), message)
        post = self._exchanges.get(stream)
        if isinstance(post, BridgePost):
            post.forwarded = True
            if post.awaited == 0:
                post.accepted()
                self._forget(post)

    def send(self, direction: Direction, data: bytes, stream: int, answers: int) -> bool:
        if direction is Direction.TO_SERVER:
            self.rebirth.write(one_line(data))
        else:
            self._deliver(parse(data), stream)
        return True

    def swallowed(self, direction: Direction, stream: int, of: int) -> None:
        post = self._exchanges.get(stream)
        if direction is Direction.TO_SERVER and isinstance(post, BridgePost) and post.awaited == 0:
            post.accepted()
            self._forget(post)

    def close_channel(self, direction: Direction, stream: int) -> None:
        if direction is Direction.TO_SERVER:
            self.close()
        elif (exchange := self._exchanges.pop(stream, None)) is not None:
            exchange.abort("mcpscope", "")

    # helpers

    def _route(self, message: Message, of: RpcId = None) -> int:
        """The stream of a line of the process; 0 for what has no open exchange."""
        first = message.items[0] if message.items else message
        if first.is_answer:
            waiting = self._find(first.id)
            return waiting[-1].stream if waiting else 0
        known = self._find(of) if of is not None else []
        post = known[-1] if known else self._related(first)
        if post is not None and post.takes_events:
            return post.stream
        return 0 if self._standing is None else self._standing.stream

    def _related(self, message: Message) -> BridgePost | None:
        """The request a notification or a request of the server belongs to, as far as that can be told."""
        params = message.params
        if message.method == "notifications/progress":
            return self._tokens.get(id_key(params.get("progressToken")))
        subscription = message.meta.get(SUBSCRIPTION_ID)
        if subscription is not None:
            waiting = self._find(subscription)
            return waiting[-1] if waiting else None
        if message.method == "notifications/cancelled" and self.modern:
            waiting = self._find(params.get("requestId"))
            return waiting[-1] if waiting else None
        open_posts = [
            post for post in self._exchanges.values() if isinstance(post, BridgePost) and post.awaited
        ]
        if self.modern:
            plain = [
                post for post in open_posts if post.message and post.message.method != "subscriptions/listen"
            ]
            return plain[-1] if plain else None
        return open_posts[0] if len(open_posts) == 1 else None

    def _find(self, id: RpcId) -> list[BridgePost]:
        """Posts that wait for an answer with ``id``: the same id, else one that a peer would take for it."""
        exact = self._waiting.get(id_key(id))
        if exact:
            return exact
        for key, posts in self._waiting.items():
            if posts and same_id(key, id):
                return posts
        return []

    def _deliver(self, message: Message, stream: int, *, spoiled: bool = False) -> None:
        """``spoiled``: it was an answer until a fault struck it, and goes where that would have gone."""
        exchange = self._exchanges.get(stream) or (self._standing if stream == 0 else None)
        answers = [item for item in (message.items or (message,)) if item.is_answer]
        for item in answers:
            self.rebirth.again.answered(item)
        if isinstance(exchange, BridgePost) and spoiled:
            exchange.answer(message.raw)
            if exchange.over:
                self._forget(exchange)
        elif isinstance(exchange, BridgePost) and answers:
            self._learn(exchange, message)
            for item in answers:
                self._answered(exchange, item.id)
            status = self._status(exchange, message)
            exchange.answer(message.raw, status=status, count=len(answers))
            if exchange.over:
                self._forget(exchange)
        elif exchange is not None:
            exchange.event(message.raw)
        elif self._standing is not None and not answers:
            self._standing.event(message.raw)
        elif not answers and message.kind is not Kind.MALFORMED and not self.modern:
            self._backlog.append(message.raw)

    def _learn(self, post: BridgePost, message: Message) -> None:
        result = message.result
        if not isinstance(result, dict):
            return
        if post.message is not None and post.message.method == "initialize":
            self.record.established = True
            found = result.get("protocolVersion")
            self.version = found if isinstance(found, str) else ""
        for name in ("requestState", "taskId"):
            echo = result.get(name)
            if isinstance(echo, str):
                if len(self._echoes) >= _ECHOES:
                    del self._echoes[next(iter(self._echoes))]
                self._echoes[echo] = None
        if post.message is not None and post.message.method == "tools/list":
            self._proxy.tools_listed(result)

    def _status(self, post: BridgePost, message: Message) -> int:
        if not self.modern:
            return 200
        code = message.error.get("code")
        if code == -32602 and post.lacks_envelope:
            return 400
        return _MODERN_STATUS.get(code, 200) if isinstance(code, int) else 200

    def _answered(self, post: BridgePost, id: RpcId) -> None:
        waiting = self._find(id)
        if post in waiting:
            waiting.remove(post)
        for key in [key for key, posts in self._waiting.items() if not posts]:
            del self._waiting[key]

    def _forget(self, post: BridgePost) -> None:
        self._exchanges.pop(post.stream, None)
        for key, posts in list(self._waiting.items()):
            if post in posts:
                posts.remove(post)
            if not posts:
                del self._waiting[key]
        for token in [token for token, owner in self._tokens.items() if owner is post]:
            del self._tokens[token]
        self.record.last = self._proxy.now()

    def _cancel(self, post: BridgePost, id: RpcId) -> None:
        if not post.forwarded or self.gone:
            return
        said = {"requestId": id, "reason": "the client closed the request's stream"}
        data = orjson.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": said})
        self._proxy.journal.append(RecordType.SENT, Dir.TO_SERVER, self.record.number, post.stream, data)
        self.process.write(data)


def _token(message: Message) -> IdKey | None:
    token = message.meta.get("progressToken")
    return None if token is None else id_key(token)
