"""What is said again to a server that takes the place of another behind a live client."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import SUBSCRIPTION_ID, declared

MOST_REMEMBERED = 1024
_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
_SURFACES = ("tools", "prompts", "resources")
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


class Again:
    """Listens to what a client says; ``begin`` says the standing part of it to another server.

    What that answers is nobody's: ``absorbs`` keeps it from the client. ``ready`` says that the client's own
    messages may pass.
    """

    def __init__(self) -> None:
        self.ready = True
        self.modern = False
        self.capabilities: dict[str, Any] = {}
        self._hello = b""
        self._level = b""
        self._subscribed: dict[str, bytes] = {}
        self._listens: dict[str, bytes] = {}
        self._awaited: dict[str, str] = {}
        self._numbers = 0

    def __repr__(self) -> str:
        return f"<Again ready={self.ready} awaited={len(self._awaited)}>"

    @property
    def knows(self) -> bool:
        """Something has been said that a new server could be told."""
        return bool(self._hello) or self.modern

    @property
    def awaits(self) -> bool:
        """Something that was said again has no answer yet."""
        return bool(self._awaited)

    @property
    def idle(self) -> bool:
        """No server is being told again what the one before it knew."""
        return self.ready and not self._awaited

    def said(self, message: Message) -> None:
        """The client said ``message``."""
        method = message.method
        if not self.modern and declared(message.meta):
            self.modern = True
        if method == "initialize":
            self._hello, self.modern = message.raw, False
        elif method == "logging/setLevel":
            self._level = message.raw
        elif method in ("resources/subscribe", "resources/unsubscribe"):
            uri = str(message.params.get("uri"))
            if method == "resources/unsubscribe":
                self._subscribed.pop(uri, None)
            elif len(self._subscribed) < MOST_REMEMBERED:
                self._subscribed[uri] = message.raw
        elif method == "subscriptions/listen" and len(self._listens) < MOST_REMEMBERED:
            self._listens[_key(message.id)] = message.raw
        elif method == "notifications/cancelled":
            self._listens.pop(_key(message.params.get("requestId")), None)

    def answered(self, message: Message) -> None:
        """The server answered; a listen that has an answer is over."""
        if self._listens:
            self._listens.pop(_key(message.id), None)

    def listens(self, id: RpcId) -> bool:
        """``id`` is that of a stream that is opened again."""
        return _key(id) in self._listens

    def begin(self) -> list[bytes]:
        """What a new server hears first."""
        self._awaited.clear()
        if self._hello and not self.modern:
            self.ready = False
            return [self._own(self._hello, "initialize")]
        self.ready = True
        self._awaited = {_key_of(raw): "listen" for raw in self._listens.values()}
        return list(self._listens.values())

    def absorbs(self, message: Message) -> list[bytes] | None:
        """What to say next where ``message`` answers what was said again; None where it is the client's."""
        if not self._awaited:
            return None
        if message.method == _ACKNOWLEDGED:
            found = self._awaited.pop(_key(message.meta.get(SUBSCRIPTION_ID)), None)
            return None if found is None else []
        if not message.is_answer or self._awaited.get(_key(message.id), "listen") == "listen":
            return None
        what = self._awaited.pop(_key(message.id))
        if what != "initialize":
            return []
        self.ready = True
        result = message.result
        found = result.get("capabilities") if isinstance(result, dict) else None
        self.capabilities = found if isinstance(found, dict) else {}
        more = [self._own(raw, "standing") for raw in (self._level, *self._subscribed.values()) if raw]
        return [_INITIALIZED, *more]

    def changes(self) -> list[bytes]:
        """What the client is told, where it can hear it: the lists may be others now."""
        if self.modern:
            return [told for raw in self._listens.values() for told in _changes_for(raw)]
        named = [surface for surface in _SURFACES if surface in self.capabilities]
        return [
            b'{"jsonrpc":"2.0","method":"notifications/%b/list_changed"}' % surface.encode()
            for surface in named
        ]

    def _own(self, raw: bytes, what: str) -> bytes:
        self._numbers += 1
        id = f"mcpscope-again-{self._numbers}"
        self._awaited[_key(id)] = what
        body = parse(raw)
        assert body.kind is Kind.REQUEST
        return json.dumps({**body.body, "id": id}, ensure_ascii=True, separators=(",", ":")).encode()


def _changes_for(raw: bytes) -> list[bytes]:
    """What the client of a ``listen`` hears: every list it asked about may have changed."""
    message = parse(raw)
    wishes = message.params.get("notifications")
    told = []
    for surface in _SURFACES:
        if isinstance(wishes, dict) and wishes.get(f"{surface}ListChanged"):
            params = {"_meta": {SUBSCRIPTION_ID: message.id}}
            body = {"jsonrpc": "2.0", "method": f"notifications/{surface}/list_changed", "params": params}
            told.append(json.dumps(body, separators=(",", ":")).encode())
    return told


def _key(id: object) -> str:
    return json.dumps(id, default=str)


def _key_of(raw: bytes) -> str:
    return _key(parse(raw).id)
