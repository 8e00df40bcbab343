"""A server that stands for several: what one client says goes to the upstreams it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from mcpscope.engine.patch import encode, put
from mcpscope.gateway import gathering, introducing
from mcpscope.gateway.asked import Asked, Client
from mcpscope.gateway.hub import Hub
from mcpscope.gateway.link import Link
from mcpscope.gateway.listening import Listening
from mcpscope.gateway.naming import LISTINGS, Names, OwnName
from mcpscope.gateway.owed import Pending
from mcpscope.gateway.questions import Questions
from mcpscope.gateway.routing import called_there, way_of, way_of_tool
from mcpscope.gateway.upstream import READY
from mcpscope.protocol.answers import METHOD_NOT_FOUND, answer, error
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import declared
from mcpscope.session.bridge_ids import id_key, same_id
from mcpscope.session.http_local import failure_answer
from mcpscope.session.http_sessions import LEGACY, Identity
from mcpscope.transports.loop import Handle

if TYPE_CHECKING:
    from mcpscope.gateway.gateway import Gateway

TASKS = 4096
_CHANGED = {
    "notifications/tools/list_changed": ("tools",),
    "notifications/prompts/list_changed": ("prompts",),
    "notifications/resources/list_changed": ("resources", "resourceTemplates"),
}


class Fan:
    """Serves one client: a session of the old era, or one that says all with every request."""

    def __init__(self, gateway: Gateway, client: Client, identity: Identity, number: int) -> None:
        self.gateway = gateway
        self.client = client
        self.identity = identity
        self.number = number
        self.upstreams = [one for one in gateway.upstreams if one.allows(identity[0])]
        self.names = Names(self.upstreams)
        self.plain = len(self.upstreams) == 1 and not self.names.changes
        """One upstream under its own names: nothing is to be merged."""
        self.links: dict[str, Link] = {}
        self.questions = Questions()
        self.listening = Listening(self)
        self.hub: Hub | None = None
        self.introduced: set[str] = set()
        self._welcomed = False
        self._greeting: Asked | None = None
        self._greeted_at: Handle | None = None
        self._open: list[Asked] = []
        self._tasks: dict[str, str] = {}
        self._over = False
        self._own = count(1)

    def __repr__(self) -> str:
        return f"<Fan {self.number} open={len(self._open)} links={list(self.links.values())}>"

    def new_id(self) -> str:
        """An id for a request of our own."""
        return f"mcpscope-look-{next(self._own)}"

    # the server that the client's side sees

    def write(self, line: bytes, said: Message | None = None) -> None:
        """One message of the client."""
        message = parse(line) if said is None else said
        for item in message.items or (message,):
            self._take(item)

    def hold_reading(self, *, paused: bool) -> None:
        for link in self._all_links():
            link.hold_reading(paused=paused)

    def close(self) -> None:
        """The client has gone."""
        if self._over:
            return
        self._over = True
        for asked in list(self._open):
            self._withdraw(asked, b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}')
        self.listening.close()
        for link in self.links.values():
            link.close()
        if self.hub is not None:
            self.hub.left(self)
        self.gateway.loop.call_soon(self.client.on_exit, 0)

    def terminate(self) -> None:
        self.close()

    # from the client

    def _take(self, message: Message) -> None:
        if message.kind is Kind.REQUEST:
            modern = bool(declared(message.meta)) or message.method == "server/discover"
            self._request(self.began(message, modern=modern))
        elif message.is_answer:
            self.questions.answered(message)
        elif message.kind is Kind.NOTIFICATION:
            self._notification(message)

    def _notification(self, message: Message) -> None:
        match message.method:
            case "notifications/initialized":
                self._welcomed = True
                for link in self.links.values():
                    link.welcome(message)
            case "notifications/cancelled":
                wanted = message.params.get("requestId")
                for asked in [one for one in self._open if same_id(id_key(one.message.id), wanted)][-1:]:
                    self._withdraw(asked, message.raw)
            case "notifications/progress":
                self.questions.progressed(message)
            case "notifications/tasks/status":
                self.questions.task_went_on(message)
            case _:
                for link in self._all_links():
                    link.tell(message)

    def _request(self, asked: Asked) -> None:
        if asked.modern and self.hub is None:
            self.hub = self.gateway.hub(self)
        if asked.modern and self.hub is not None:
            links = [self.hub.link(one.name, asked) for one in self.upstreams if not one.era]
            if links:
                self.hub.when_known(links, lambda: self._dispatch(asked))
                return
        self._dispatch(asked)

    def _dispatch(self, asked: Asked) -> None:
        message = asked.message
        if asked.over or (self.hub is not None and asked.modern and self.hub.resume(self, asked)):
            return
        if message.method not in ("initialize", "ping"):
            self._proceed()
        if message.method == "initialize":
            self._greeting = asked
            introducing.begin(self, message)
            self._greeted_at = self.gateway.loop.call_later(self.gateway.start_seconds, self.introduce, True)
        elif message.method == "ping" and not self.plain:
            self.reply(asked, answer(message, b'"result":{}'))
        elif self.plain and (not asked.modern or self.upstreams[0].era != LEGACY):
            self.ask(asked, self.upstreams[0].name, message)
        else:
            self._of_all(asked)

    def _of_all(self, asked: Asked) -> None:
        """What several upstreams may have a say in."""
        message = asked.message
        if not self.upstreams:
            self.reply(asked, error(message, METHOD_NOT_FOUND, "no server is there for this caller"))
        elif message.method == "server/discover" and self.plain:
            self.reply(asked, error(message, METHOD_NOT_FOUND, "Method not found: server/discover"))
        elif message.method == "server/discover":
            introducing.discover(self, asked)
        elif message.method == "subscriptions/listen":
            self.listening.begin(asked)
        elif message.method in LISTINGS:
            gathering.list_all(self, asked)
        elif message.method == "logging/setLevel":
            gathering.set_level(self, asked)
        else:
            self.named(asked)

    def introduce(self, late: bool = False) -> None:
        """Answer the handshake when all upstreams have (or ``late``: with those that have)."""
        asked = self._greeting
        if asked is None or not (late or introducing.is_complete(self)):
            return
        self._greeting = None
        if self._greeted_at is not None:
            self._greeted_at.cancel()
        self.reply(asked, introducing.answered(self, asked.message))

    def named(self, asked: Asked, *, listed: bool = False) -> None:
        message = asked.message
        way = way_of(message, self.names, self._tasks)
        if way is None:
            self.reply(asked, error(message, METHOD_NOT_FOUND, f"Method not found: {message.method}"))
        elif way.to and way.message is not None:
            self.ask(asked, way.to, way.message)
        elif way.lists and not listed:
            gathering.look(self, asked, way.lists)
        elif "uri" in message.params and (alone := self._only_one_with("resources", asked)):
            self.ask(asked, alone, message)
        else:
            self.reply(asked, error(message, *introducing.unknown(message, modern=asked.modern)))

    def _only_one_with(self, capability: str, asked: Asked) -> str:
        """The one upstream that can do this, "" where several can or none."""
        able = [
            one.name
            for one in self.upstreams
            if (link := self._link(one.name, asked)) and link.may(capability)
        ]
        return able[0] if len(able) == 1 else ""

    # to upstreams

    def ask(self, asked: Asked, name: str, message: Message) -> None:
        """Send a request to one upstream, and its answer to the client."""
        if self.hub is None or not asked.modern:
            link = self.links.get(name)
            if link is None:
                self.reply(asked, error(message, METHOD_NOT_FOUND, "the session has not begun: initialize"))
            else:
                self._ask(asked, link, message)
            return
        link = self.hub.own(name, asked)
        if link is not None:
            self._ask(asked, link, message)
        elif not self.hub.wait(name, asked, lambda link: self._ask(asked, link, message)):
            text = f"{name}: too many calls wait for it that it may ask something about"
            self.reply(asked, failure_answer("upstream", text, message))

    def _ask(self, asked: Asked, link: Link, message: Message) -> None:
        if message.method in ("resources/subscribe", "resources/unsubscribe"):
            _remember(link, message)
        sent, convert = message, None
        if self.hub is not None and asked.modern:
            if self.hub.is_over(link, message):
                text = (
                    f"{link.name}: the call that this goes on with is over and not made again: make a new one"
                )
                self.reply(asked, failure_answer("upstream", text, message))
                return
            sent, convert = self.hub.passing(link, asked, message)
        answered = partial(self._answered, link, asked, convert)
        asked.pendings.append(link.ask(asked.message, sent, answered, (self, asked)))

    def ask_all(
        self,
        asked: Asked,
        names: Sequence[str],
        sent: Callable[[str], Message],
        done: Callable[[dict[str, Message]], None],
        *,
        capability: str = "",
    ) -> None:
        """Ask several upstreams the same; ``done`` gets the answers in their order."""
        links = [link for name in names if (link := self._link(name, asked)) is not None]
        able = [link for link in links if not capability or link.may(capability)]
        if not able and links:
            done({links[0].name: parse(error(asked.message, METHOD_NOT_FOUND, "Method not found"))})
            return
        answers: dict[str, Message] = {}

        def answered(link: Link, found: Message) -> None:
            answers[link.name] = found
            if len(answers) == len(able) and not asked.over:
                done({one.name: answers[one.name] for one in able})

        if not able:
            done({})
        for link in able:
            message = sent(link.name)
            if self.hub is not None and asked.modern:
                message = self.hub.passing(link, asked, message)[0]
            pending = link.ask(asked.message, message, lambda found, link=link: answered(link, found))  # type: ignore[misc]
            pending.context = (self, asked)
            asked.pendings.append(pending)

    def reply(self, asked: Asked, raw: bytes, said: Message | None = None) -> None:
        """The client gets its answer."""
        if asked.over:
            return
        self.settled(asked)
        self.client.on_line(raw, None, said)

    def _answered(
        self, link: Link, asked: Asked, convert: Callable[[Message], bytes] | None, found: Message
    ) -> None:
        self.learn(link, found)
        if convert is None:
            self.reply(asked, found.raw, found)
        else:
            self.reply(asked, convert(found))

    # the steps of the short way

    def direct(self, message: Message, *, modern: bool) -> tuple[Link, Message] | None:
        """Through which link a call goes at once, and what it says there; None where that is not known."""
        name: OwnName | None = None
        if self.plain:
            who = self.upstreams[0].name
        else:
            name = way_of_tool(message.body["params"].get("name"), self.names)
            if name is None:
                return None
            who = name.who
        link: Link | None = None
        if modern and self.hub is not None:
            link = self.hub.direct(who)
        elif not modern:
            link = self.links.get(who)
            if not self._welcomed:
                self._proceed()
        if link is None:
            return None
        return link, message if name is None or name.own == name.here else called_there(message, name)

    def began(self, message: Message, *, modern: bool) -> Asked:
        """``message`` is a request of the client that is open now."""
        asked = Asked(message, modern, [])
        self._open.append(asked)
        return asked

    def pend(self, link: Link, asked: Asked, sent: Message) -> Pending:
        """``link`` owes the answer to ``asked``, which is ``sent``."""
        answered = partial(self._answered, link, asked, None)
        pending = Pending(link, asked.message, sent, answered, context=(self, asked))
        link.owed.name(pending)
        asked.pendings.append(pending)
        return pending

    def settled(self, asked: Asked) -> None:
        """``asked`` has its answer."""
        asked.over = True
        if asked in self._open:
            self._open.remove(asked)

    # from upstreams

    def came(self, link: Link, message: Message, of: Pending | None) -> None:
        """What an upstream says of its own accord."""
        asked = of.asked if of is not None else None
        id = asked.id if asked is not None else None
        if message.kind is Kind.REQUEST:
            self.client.on_line(self.questions.put(link, message), id)
            return
        raw: bytes | None = message.raw
        if message.method == "notifications/progress":
            if asked is None:
                return
            token = asked.meta.get("progressToken")
            if id_key(token) != id_key(message.params.get("progressToken")):
                raw = put(message.raw, ("params", "progressToken"), encode(token))
        elif message.method == "notifications/cancelled":
            raw = self.questions.withdrawn(link, message)
        elif message.method in _CHANGED:
            self.names.outdated(_CHANGED[message.method])
        if raw is not None:
            self.client.on_line(raw, id)

    def turned(self, link: Link, *, again: bool) -> None:
        """A link is ready, or is so no more."""
        if self._greeting is not None:
            self.introduce()
            return
        for id in self.questions.gone(link) if not link.ready else ():
            said = {"requestId": id, "reason": f"{link.name} has gone"}
            cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": said}
            self.client.on_line(encode(cancelled))
        if link.ready and self._welcomed and (again or link.name not in self.introduced):
            self.introduced.add(link.name)
            for method in _CHANGED:
                if link.may(method.split("/")[1]):
                    self.client.on_line(encode({"jsonrpc": "2.0", "method": method}))

    def stalled(self, *, stalled: bool) -> None:
        self.client.on_stall(stalled=stalled)

    # helpers

    def _proceed(self) -> None:
        """A client that asks is initialized, whether it has said so or not."""
        if not self._welcomed:
            for link in self.links.values():
                if link.word != READY and not link.welcomed:
                    link.proceed()

    def _all_links(self) -> list[Link]:
        return [*self.links.values(), *(self.hub.links() if self.hub is not None else ())]

    def _link(self, name: str, asked: Asked) -> Link | None:
        if asked.modern and self.hub is not None:
            return self.hub.link(name, asked)
        return self.links.get(name)

    def _withdraw(self, asked: Asked, said: bytes) -> None:
        for pending in asked.pendings:
            pending.link.cancel(pending, parse(said))
        if asked.modern:
            asked.over = True
            self.listening.end(asked)
            if asked in self._open:
                self._open.remove(asked)

    def learn(self, link: Link, found: Message) -> None:
        """Whose the resources and tasks are that an answer names."""
        if found.raw.find(b'"uri"') >= 0:
            for uri in introducing.uris(found.result):
                self.names.learn(uri, link.name)
        if found.raw.find(b'"taskId"') >= 0:
            task = introducing.task_id(found.result)
            if task:
                if len(self._tasks) >= TASKS:
                    del self._tasks[next(iter(self._tasks))]
                self._tasks.setdefault(task, link.name)


def _remember(link: Link, message: Message) -> None:
    """What is to be said again to a server that takes the place of this one."""
    uri = str(message.params.get("uri"))
    if message.method == "resources/subscribe":
        link.standing.subscribed[uri] = message
    else:
        link.standing.subscribed.pop(uri, None)
