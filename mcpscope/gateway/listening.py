"""``subscriptions/listen`` of one client, kept up at every upstream that can tell what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcpscope.engine.patch import encode, put
from mcpscope.gateway.link import Link
from mcpscope.gateway.owed import Pending
from mcpscope.protocol.message import Message
from mcpscope.protocol.revisions import SUBSCRIPTION_ID
from mcpscope.session.bridge_ids import id_key
from mcpscope.session.http_sessions import LEGACY, MODERN

if TYPE_CHECKING:
    from mcpscope.gateway.asked import Asked
    from mcpscope.gateway.fan import Fan

_WISHES = {
    "notifications/tools/list_changed": "toolsListChanged",
    "notifications/prompts/list_changed": "promptsListChanged",
    "notifications/resources/list_changed": "resourcesListChanged",
}
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


@dataclass(slots=True, eq=False)
class Listener:
    """One ``listen`` of the client. ``streams`` are those it became at upstreams of its own era."""

    asked: Asked
    wishes: dict[str, Any]
    streams: dict[Link, Pending] = field(default_factory=dict)
    subscribed: list[tuple[Link, str]] = field(default_factory=list)
    acknowledged: bool = False


class Listening:
    """What a client listens to. The gateway acknowledges all that was asked: upstreams come and go."""

    def __init__(self, fan: Fan) -> None:
        self._fan = fan
        self._listeners: list[Listener] = []

    def __repr__(self) -> str:
        return f"<Listening {len(self._listeners)}>"

    def begin(self, asked: Asked) -> None:
        """Acknowledge, then listen at every upstream."""
        wishes = asked.message.params.get("notifications")
        listener = Listener(asked, dict(wishes) if isinstance(wishes, dict) else {})
        self._listeners.append(listener)
        hub = self._fan.hub
        assert hub is not None
        links = [hub.link(upstream.name, asked) for upstream in self._fan.upstreams]

        def known() -> None:
            if asked.over:
                return
            for link in links:
                self._listen(listener, link)
            said = {key: value for key, value in listener.wishes.items() if value}
            self._tell(listener, encode(_notification(_ACKNOWLEDGED, {"notifications": said})))

        hub.when_known(links, known)

    def heard(self, link: Link, message: Message) -> None:
        """An upstream says that something has changed."""
        if link.era == MODERN:
            self._passed_on(link, message)
            return
        for listener in list(self._listeners):
            wish = _WISHES.get(message.method)
            uris = listener.wishes.get("resourceSubscriptions") or ()
            if (wish and listener.wishes.get(wish)) or (
                message.method == "notifications/resources/updated" and message.params.get("uri") in uris
            ):
                self._tell(listener, message.raw)

    def turned(self, link: Link, *, again: bool) -> None:
        """An upstream is there again: it is listened to anew, and may offer something else."""
        if not link.ready or not again:
            return
        for listener in list(self._listeners):
            self._listen(listener, link)
            for method, wish in _WISHES.items():
                if listener.wishes.get(wish) and link.may(method.split("/")[1]):
                    self._tell(listener, encode(_notification(method, {})))

    def end(self, asked: Asked) -> None:
        """The client does not listen any more."""
        for listener in [one for one in self._listeners if one.asked is asked]:
            self._listeners.remove(listener)
            for link, uri in listener.subscribed:
                link.standing.subscribed.pop(uri, None)
                link.ask_own("resources/unsubscribe", {"uri": uri})

    def close(self) -> None:
        for listener in list(self._listeners):
            self.end(listener.asked)

    def _listen(self, listener: Listener, link: Link) -> None:
        if not link.ready:
            return
        if link.era == LEGACY:
            for uri in listener.wishes.get("resourceSubscriptions") or ():
                if self._fan.names.owner_of_uri(str(uri)) in (link.name, None) and link.may("resources"):
                    listener.subscribed.append((link, str(uri)))
                    link.standing.subscribed[str(uri)] = link.ask_own("resources/subscribe", {"uri": uri})
            return
        asked = listener.asked
        pending = link.ask(
            asked.message, asked.message, lambda found: self._ended(listener, link), (self._fan, asked)
        )
        listener.streams[link] = pending
        asked.pendings.append(pending)

    def _ended(self, listener: Listener, link: Link) -> None:
        """An upstream ends its stream; ours stays, for the others and for its next life."""
        listener.streams.pop(link, None)

    def _passed_on(self, link: Link, message: Message) -> None:
        key = id_key(message.meta.get(SUBSCRIPTION_ID))
        for listener in list(self._listeners):
            pending = listener.streams.get(link)
            if pending is not None and id_key(pending.id) == key and message.method != _ACKNOWLEDGED:
                self._tell(listener, message.raw)

    def _tell(self, listener: Listener, raw: bytes) -> None:
        id = listener.asked.message.id
        raw = put(raw, ("params", "_meta", SUBSCRIPTION_ID), encode(id), grow=True)
        self._fan.client.on_line(raw, id)


def _notification(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}
