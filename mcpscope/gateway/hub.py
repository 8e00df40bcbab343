"""What clients of the stateless era share: one set of links for each who asks, on whatever connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpscope.engine.patch import encode, put
from mcpscope.gateway.bridged import Calls, Converted, as_legacy, hello_of, is_askable, level_of
from mcpscope.gateway.link import Link
from mcpscope.gateway.owed import Pending
from mcpscope.gateway.upstream import FAILED
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import LOG_LEVEL, META_PREFIX, SUBSCRIPTION_ID
from mcpscope.session.bridge_ids import id_key
from mcpscope.session.http_sessions import LEGACY, MODERN, Identity

if TYPE_CHECKING:
    from mcpscope.gateway.asked import Asked
    from mcpscope.gateway.fan import Fan
    from mcpscope.gateway.gateway import Gateway

MOST_LINKS = 16  # to one upstream, so that what it asks can be told apart; beyond it calls wait
MOST_WAITING = 1000  # beyond it calls are refused
_ENVELOPE = ("protocolVersion", "clientInfo", "clientCapabilities")


class Hub:
    """The links of one identity. To an upstream of the old era it is a client of that era."""

    def __init__(self, gateway: Gateway, identity: Identity, number: int) -> None:
        self._gateway = gateway
        self._identity = identity
        self._number = number
        self._fans: set[Fan] = set()
        self._links: dict[str, list[Link]] = {}
        self._waiting: list[tuple[list[Link], Callable[[], None]]] = []
        self._turns: dict[str, deque[tuple[Asked, Callable[[Link], None]]]] = {}
        self.calls = Calls(gateway.loop)

    def __repr__(self) -> str:
        return f"<Hub links={self.links()} fans={len(self._fans)}>"

    def joined(self, fan: Fan) -> None:
        self._fans.add(fan)

    def left(self, fan: Fan) -> None:
        """Without a fan there is no client, and nothing to keep links for."""
        self._fans.discard(fan)
        if not self._fans:
            self._turns.clear()
            self.calls.close()
            self._gateway.forget(self._identity)
            for link in self.links():
                link.close()

    def links(self) -> list[Link]:
        return [link for links in self._links.values() for link in links]

    def link(self, name: str, asked: Asked) -> Link:
        """A link that requests go through together."""
        fitting = self._fitting(name, asked)
        return fitting[0] if fitting else self._made(name, asked)

    def own(self, name: str, asked: Asked) -> Link | None:
        """The link that a request goes through; one for itself where the upstream may ask something meanwhile
        and would not say what about. None: there is none, and it has to ``wait``.
        """
        upstream = self._gateway.upstream(name)
        fitting = self._fitting(name, asked)
        if not fitting or upstream.era != LEGACY or not is_askable(asked.message):
            return self.link(name, asked)
        free = next((one for one in fitting if not len(one.owed)), None)
        if free is not None:
            return free
        if len(fitting) < MOST_LINKS:
            return self._made(name, asked)
        if upstream.spec.url:  # a question comes on the stream of its call
            return min(fitting, key=lambda one: len(one.owed))
        given_up = next((one for one in fitting if one.owed.is_given_up), None)
        if given_up is None:
            return None
        self._links[name].remove(given_up)
        given_up.close()
        return self._made(name, asked)

    def wait(self, name: str, asked: Asked, then: Callable[[Link], None]) -> bool:
        """Call ``then`` when there is a link for ``asked``; False where too many wait already."""
        waiting = self._turns.setdefault(name, deque())
        if len(waiting) >= MOST_WAITING:
            return False
        waiting.append((asked, then))
        return True

    def direct(self, name: str) -> Link | None:
        """The link that every request to an upstream of the new era goes through, once it is ready."""
        links = self._links.get(name)
        ready = links and links[0].ready and links[0].era == links[0].upstream.era == MODERN
        return links[0] if links and ready else None

    def when_known(self, links: list[Link], then: Callable[[], None]) -> None:
        """Call ``then`` when each of ``links`` is ready or broken, or has had its time."""
        entry = (links, then)
        self._waiting.append(entry)
        self._gateway.loop.call_later(self._gateway.start_seconds, self._known, entry, True)
        self._known(entry)

    def passing(
        self, link: Link, asked: Asked, message: Message
    ) -> tuple[Message, Callable[[Message], bytes] | None]:
        """What of ``message`` goes to the upstream, and what is made of its answer."""
        if not self._is_legacy(link):
            return message, None
        level = level_of(asked.message)
        if level is not None and link.may("logging"):
            link.set_level(level)
        return as_legacy(message), Converted(message.method, self._gateway.label)

    def is_over(self, link: Link, message: Message) -> bool:
        """Whether ``message`` goes on with a call that nothing is left of: its upstream began anew, or its
        time is up. A server of the old era would take it for another call, and do a second time what it did.
        """
        goes_on = "requestState" in message.params or "inputResponses" in message.params
        return goes_on and self._is_legacy(link)

    def resume(self, fan: Fan, asked: Asked) -> bool:
        """``asked`` goes on with a call that waits for the client's answers; False where it does not."""
        return self.calls.resume(fan, asked)

    # what the links say

    def came(self, link: Link, message: Message, of: Pending | None) -> None:
        if link.era == LEGACY and message.kind is Kind.REQUEST:
            self.calls.questioned(link, message, of)
            return
        subscription = message.meta.get(SUBSCRIPTION_ID)
        if subscription is not None and link.era == MODERN:
            found = link.owed.of_id(subscription)
            if found is not None and isinstance(found.context, tuple):
                self._subscribed(link, message, found)
            return
        if message.method == "notifications/progress":
            if of is not None:
                _fan(of).came(link, message, of)
            return
        if message.method == "notifications/message":
            found = of or _newest(link)
            if found is not None and LOG_LEVEL in _asked(found).message.meta:
                _fan(found).client.on_line(message.raw, _asked(found).message.id)
            return
        for fan in list(self._fans):
            fan.listening.heard(link, message)

    def _subscribed(self, link: Link, message: Message, of: Pending) -> None:
        fan, asked = _fan(of), _asked(of).message
        if not fan.plain:
            fan.listening.heard(link, message)
            return
        raw = message.raw
        if id_key(of.id) != id_key(asked.id):
            raw = put(raw, ("params", "_meta", SUBSCRIPTION_ID), encode(asked.id))
        fan.client.on_line(raw, asked.id)

    def turned(self, link: Link, *, again: bool) -> None:
        for entry in list(self._waiting):
            self._known(entry)
        if not link.ready:
            self.calls.lost(link)
        for fan in list(self._fans):
            fan.listening.turned(link, again=again)

    def stalled(self, *, stalled: bool) -> None:
        for fan in list(self._fans):
            fan.client.on_stall(stalled=stalled)

    def _is_legacy(self, link: Link) -> bool:
        return link.era != MODERN or (not link.ready and link.upstream.era == LEGACY)

    def _fitting(self, name: str, asked: Asked) -> list[Link]:
        """The links to an upstream that said of their client, once for all in the old era, the same."""
        links = self._links.setdefault(name, [])
        if self._gateway.upstream(name).era != LEGACY:
            return links
        hello = hello_of(asked.message)
        return [one for one in links if one.hello is not None and one.hello.params == hello.params]

    def _made(self, name: str, asked: Asked) -> Link:
        made = Link(self._gateway.loop, self._gateway.upstream(name), self._identity, self._number, self)
        made.hello, made.probe, made.welcomed = hello_of(asked.message), _probe(asked.message), True
        made.freed = lambda: self._freed(name)
        self._links[name].append(made)
        made.begin()
        return made

    def _freed(self, name: str) -> None:
        """A link has nothing to do any more, or only what nobody wants: whoever waits for one may have it."""
        waiting = self._turns.get(name)
        while waiting:
            asked, then = waiting[0]
            link = None if asked.over else self.own(name, asked)
            if link is None and not asked.over:
                return
            waiting.popleft()
            if link is not None:
                then(link)

    def _known(self, entry: tuple[list[Link], Callable[[], None]], late: bool = False) -> None:
        links, then = entry
        if entry in self._waiting and (late or all(one.ready or one.word == FAILED for one in links)):
            self._waiting.remove(entry)
            then()


def _probe(message: Message) -> Message:
    """``server/discover`` in the words of the client."""
    envelope = {
        META_PREFIX + key: message.meta[META_PREFIX + key]
        for key in _ENVELOPE
        if META_PREFIX + key in message.meta
    }
    body = {"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": envelope}}
    return parse(encode(body))


def _fan(pending: Pending) -> Fan:
    fan: Fan = pending.context[0]
    return fan


def _asked(pending: Pending) -> Asked:
    asked: Asked = pending.context[1]
    return asked


def _newest(link: Link) -> Pending | None:
    """The request that a log line of a server that names none most likely belongs to."""
    wanted = [one for one in link.owed if isinstance(one.context, tuple)]
    return wanted[-1] if wanted else None
