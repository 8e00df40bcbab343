"""What a client has with one upstream: its handshake, what is asked and owed, and how it begins anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mcpscope.engine.patch import encode, put
from mcpscope.gateway.ear import Ear
from mcpscope.gateway.lines import Line
from mcpscope.gateway.newer import Newer
from mcpscope.gateway.owed import Owed, Pending, restored
from mcpscope.gateway.refusals import MODERN_CODES, OF_NEWER, is_not_there, reason_of
from mcpscope.gateway.upstream import FAILED, IDLE, READY, STARTING, CannotOpen, Upstream
from mcpscope.gateway.waiting import Waiting
from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.http_local import failure_answer
from mcpscope.session.http_sessions import LEGACY, MODERN, Identity
from mcpscope.transports.loop import Handle

if TYPE_CHECKING:
    import asyncio

PROBE_SECONDS = 15.0
BACKOFF_SECONDS = 0.5
MOST_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 10.0
_PROBE_ID = "mcpscope-probe"


class Owner(Protocol):
    """Whose link it is."""

    def came(self, link: Link, message: Message, of: Pending | None) -> None:
        """What the upstream says of its own accord; ``of`` is the request it belongs to, if that shows."""

    def turned(self, link: Link, *, again: bool) -> None:
        """It is ready (``again``: not for the first time), or is so no more."""

    def stalled(self, *, stalled: bool) -> None:
        """An upstream does not keep up (or does again)."""


@dataclass(slots=True)
class Standing:
    """What is said again to a server that takes the place of another: the level, the subscriptions."""

    level: Message | None = None
    subscribed: dict[str, Message] = field(default_factory=dict)


class Link:
    """``hello`` is the ``initialize`` it is opened with; ``probe`` a ``server/discover`` to be tried before.

    While it begins, requests wait; while it is broken they are answered so, and it begins anew by itself.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstream: Upstream,
        identity: Identity,
        client_session: int,
        owner: Owner,
    ) -> None:
        self._loop = loop
        self.upstream = upstream
        self.name = upstream.name
        self._identity = identity
        self._client_session = client_session
        self._owner = owner
        self.hello: Message | None = None
        self.probe: Message | None = None
        self.welcomed = False
        """The client has said that it is initialized; so it is said to every server after the first, too."""
        self.word = ""
        self.why = ""
        self.era = LEGACY
        self.result: dict[str, Any] = {}
        self.greeting: Message | None = None
        self.standing = Standing()
        self.owed = Owed()
        self._newer: Newer | None = None
        """Where the server speaks the stateless era only, and the client does not."""
        self.freed: Callable[[], None] = lambda: None
        """Called when something of what it owes is over."""
        self._line: Line | None = None
        self._ear = Ear(self)
        self._waiting = Waiting()
        self._tries = 0
        self._was_ready = False
        self._ready_at = 0.0
        self._timer: Handle | None = None
        self._closed = False
        self._held = False
        upstream.links.add(self)

    def __repr__(self) -> str:
        return f"<Link {self.name} {self.word} {self.owed!r}>"

    @property
    def ready(self) -> bool:
        return self.word == READY

    @property
    def capabilities(self) -> dict[str, Any]:
        found = self.result.get("capabilities")
        return found if isinstance(found, dict) else {}

    def may(self, capability: str) -> bool:
        """Whether the server can do this, as far as it is known."""
        return not self.result or capability in self.capabilities

    @property
    def line(self) -> Line | None:
        """What it speaks through as it is, once the handshake is over."""
        return self._line if self.word is READY and self._newer is None else None

    # what its owner does

    def begin(self) -> None:
        """Open a line and shake hands."""
        if self._closed or self._line is not None:
            return
        self._turn(STARTING)
        era = MODERN if self.probe is not None and self.upstream.era != LEGACY else LEGACY
        try:
            self._ear = Ear(self)
            self._line = self.upstream.open(self._ear, self._identity, era, self._client_session)
        except CannotOpen as error:
            self._broken(str(error))
            return
        self._line.hold_reading(paused=self._held)
        self._greet()

    def welcome(self, said: Message) -> None:
        """The client is initialized: what waits may go."""
        self.welcomed = True
        if self.greeting is None or self._line is None or self.era != LEGACY:
            return
        self._line.say(said)
        if not self.ready:
            self._go()

    def proceed(self) -> None:
        """The client asks something without having said that: so do we."""
        if self.greeting is not None and self._line is not None and not self.ready and not self.welcomed:
            self._go()

    def ask(
        self,
        asked: Message,
        sent: Message,
        answered: Callable[[Message], None],
        context: Any = None,
    ) -> Pending:
        """Send a request; its answer comes with the id that ``asked`` has."""
        pending = Pending(self, asked, sent, answered, context=context)
        sent = self.owed.add(pending)
        if self.ready:
            self._say(sent)
        elif self.word != STARTING:
            self._loop.call_soon(self._fail, pending, self.why or "it is not there")
        elif not self._waiting.keep(sent):
            self._loop.call_soon(self._fail, pending, "it is slow to start, and too much waits for it")
        return pending

    def tell(self, message: Message) -> None:
        """Send what is owed no answer."""
        if self.ready:
            self._say(message)
        elif self.word == STARTING and message.kind is Kind.NOTIFICATION:
            self._waiting.keep(message)

    def ask_own(
        self, method: str, params: dict[str, Any], answered: Callable[[Message], None] = lambda found: None
    ) -> Message:
        """Ask something of our own accord."""
        id = self.owed.new_id("mcpscope-own")
        message = parse(encode({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
        self.ask(message, message, answered)
        return message

    def withdraw(self, asked: Message) -> None:
        """What ``ask_own`` asked is not wanted any more."""
        pending = self.owed.of_id(asked.id)
        if pending is not None:
            self.cancel(pending, parse(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}'))

    def set_level(self, level: str) -> None:
        """Have it log from ``level`` on."""
        held = self.standing.level
        if held is None or held.params.get("level") != level:
            self.standing.level = self.ask_own("logging/setLevel", {"level": level})

    def cancel(self, pending: Pending, said: Message) -> None:
        """The client wants ``pending`` no more."""
        if pending not in self.owed:
            return
        self.tell(parse(put(said.raw, ("params", "requestId"), encode(pending.id))))
        if self.era == MODERN:
            self.owed.forget(pending)
        else:
            self.owed.give_up(pending)
        self.freed()

    def restart(self, why: str) -> None:
        """Begin anew at once, whatever it is doing; what it owes is answered so."""
        if self._closed:
            return
        self._leave()
        self._fail_all(why)
        self._tries = 0
        self.begin()

    def hold_reading(self, *, paused: bool) -> None:
        self._held = paused
        if self._line is not None:
            self._line.hold_reading(paused=paused)

    def close(self) -> None:
        self._closed = True
        self.upstream.links.discard(self)
        self._leave()
        if not self.upstream.links:
            self.upstream.is_now(IDLE)

    # what is told an upstream that speaks another era than the client

    def later(self, seconds: float, callback: Callable[[], object]) -> None:
        self._loop.call_later(seconds, callback)

    def question(self, message: Message, of: Pending) -> None:
        """Ask the client on behalf of the upstream."""
        self._owner.came(self, message, of)

    def say_again(self, message: Message) -> None:
        """A request that is owed already, with what has been learned meanwhile."""
        self._say(message)

    def settle(self, pending: Pending, raw: bytes) -> None:
        """Answer ``pending`` in the upstream's stead."""
        self.owed.forget(pending)
        pending.answered(parse(raw))
        self.freed()

    # from the line

    def heard(self, message: Message, of: RpcId) -> None:
        for item in message.items or (message,):
            if item.is_answer:
                self._answered(item)
            elif item.kind is not Kind.MALFORMED:
                told = item if self._newer is None else self._newer.incoming(item)
                if told is not None:
                    self._owner.came(self, told, self._related(told, of))

    def lost(self, reason: str) -> None:
        self._line = None
        self._ear.close()
        self._broken(reason)

    def forgotten(self, message: Message) -> None:
        """The server does not know the session any more: begin another, and say ``message`` again."""
        self._leave()
        found = self.owed.of_id(message.id) if message.has_id else None
        again = found if found is not None and not found.tries else None
        if again is not None:
            again.tries += 1
            self.owed.forget(again)
        self._fail_all("it has lost the session")
        if again is not None:
            self.owed.again(again)
            self._waiting.keep(again.sent)
        self.begin()

    def stalled(self, *, stalled: bool) -> None:
        self._owner.stalled(stalled=stalled)

    def wrote(self, data: bytes) -> None:
        if self._line is not None:
            self.upstream.wrote(self._line.record, data)

    # helpers

    def _greet(self) -> None:
        """Ask which era it speaks, where that is open, or shake hands."""
        self.era = LEGACY
        if self.probe is not None and self.upstream.era != LEGACY:
            self.era = MODERN
            if self.upstream.era == MODERN and self.result:
                self._go()
                return
            probe = parse(put(self.probe.raw, ("id",), encode(_PROBE_ID)))
            self._internal(probe, self._probed)
            self._timer = self._loop.call_later(PROBE_SECONDS, self._silent)
        elif self.hello is not None:
            self._newer = None
            self._internal(self.hello, self._greeted)
        else:
            self._go()

    def _internal(self, message: Message, answered: Callable[[Message], None]) -> None:
        assert self._line is not None
        self._line.say(self.owed.add(Pending(self, message, message, answered, context=self)))

    def _probed(self, answer: Message) -> None:
        self._untime()
        if self._line is None:
            return
        result = answer.result
        if isinstance(result, dict) or answer.error.get("code") in MODERN_CODES:
            self.upstream.era = MODERN
            if self._newer is not None and isinstance(result, dict):
                answer = self._newer.greeting(answer)
                result = self.upstream.introduced = answer.result
            self.result = result if isinstance(result, dict) else {}
            self.greeting = answer
            self._go()
        elif is_not_there(answer):
            return  # what is lost says so
        else:
            self._silent()

    def _silent(self) -> None:
        """No answer, or one that no server of the new era gives."""
        for pending in self.owed:
            if pending.context is self:
                self.owed.forget(pending)
        self.upstream.era = LEGACY
        self._greet()

    def _greeted(self, answer: Message) -> None:
        if not isinstance(answer.result, dict):
            self._leave()
            if self._may_be_newer(answer):
                return
            self._broken(reason_of(answer))
            return
        self.greeting = answer
        self.result = self.upstream.introduced = answer.result
        if self.welcomed and self._line is not None:
            self._line.say(parse(b'{"jsonrpc":"2.0","method":"notifications/initialized"}'))
            self._go()
        else:
            self.upstream.is_now(READY)
            self._owner.turned(self, again=False)

    def _may_be_newer(self, refused: Message) -> bool:
        """Begin anew in the stateless era, where the server may speak that alone."""
        code = refused.error.get("code")
        if self.probe is not None or self.hello is None or code not in OF_NEWER:
            return False
        self._newer = Newer(self, self.hello)
        self.probe = self._newer.probe
        if self.upstream.era == LEGACY:
            self.upstream.era = ""
        self.begin()
        return True

    def _go(self) -> None:
        """Whatever waited goes now."""
        again, self._was_ready = self._was_ready, True
        self._ready_at = self._loop.time()
        self._turn(READY)
        for message in (self.standing.level, *self.standing.subscribed.values()):
            if message is not None and again and self.era == LEGACY:
                self.ask(message, message, lambda answer: None)
        while self._waiting and self.ready:
            self._say(self._waiting.take())
        if self._newer is not None:
            self._newer.begin()
        self._owner.turned(self, again=again)

    def _say(self, message: Message) -> None:
        said = message if self._newer is None else self._newer.outgoing(message)
        if self._line is not None and said is not None:
            self._line.say(said)

    def _answered(self, answer: Message) -> None:
        pending = self.owed.of_id(answer.id)
        if pending is None:
            return  # nobody waits for it
        if self._newer is not None and pending.context is not self:
            if self._newer.asks(pending, answer):
                return
            answer = self._newer.restored(answer, pending)
        self.owed.forget(pending)
        pending.answered(restored(answer, pending))
        self.freed()

    def _related(self, message: Message, of: RpcId) -> Pending | None:
        if message.method == "notifications/progress":
            return self.owed.of_token(message.params.get("progressToken"))
        return None if of is None else self.owed.of_id(of)

    def _broken(self, why: str) -> None:
        """It is not there: who waits is told, and it is tried again after a while."""
        if self._ready_at and self._loop.time() - self._ready_at > STEADY_SECONDS:
            self._tries = 0
        self._ready_at = 0.0
        wait = min(BACKOFF_SECONDS * 2**self._tries, MOST_BACKOFF_SECONDS)
        self._tries += 1
        self._untime()
        self._turn(FAILED, why)
        self._fail_all(why)
        if not self._closed:
            self._timer = self._loop.call_later(wait, self.begin)
            self._owner.turned(self, again=False)

    def _fail_all(self, why: str) -> None:
        self._waiting.clear()
        for pending in self.owed:
            self.owed.forget(pending)
            if pending.context is not self:
                self._fail(pending, why)

    def _fail(self, pending: Pending, why: str) -> None:
        self.owed.forget(pending)
        text = failure_answer("upstream", f"{self.name}: {why}", pending.asked)
        pending.answered(parse(text))
        self.freed()

    def _turn(self, word: str, why: str = "") -> None:
        self.word, self.why = word, why
        self.upstream.is_now(word, why)

    def _leave(self) -> None:
        self._untime()
        line, self._line = self._line, None
        self._ear.close()
        if line is not None:
            line.leave()

    def _untime(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
