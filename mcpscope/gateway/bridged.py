"""A client of the stateless era before an upstream of the old one: what each is told of the other."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcpscope import __version__
from mcpscope.engine.patch import cut, encode, put
from mcpscope.gateway.link import Link
from mcpscope.gateway.merging import server_info
from mcpscope.gateway.owed import Pending
from mcpscope.protocol.answers import INVALID_PARAMS, METHOD_NOT_FOUND, REJECTED_SAMPLING, answer, error
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import (
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    LATEST_LEGACY,
    LOG_LEVEL,
    META_PREFIX,
    SERVER_INFO,
)
from mcpscope.transports.loop import Handle

if TYPE_CHECKING:
    import asyncio

    from mcpscope.gateway.asked import Asked
    from mcpscope.gateway.fan import Fan

PARKED_SECONDS = 600.0
MOST_PARKED = 256
_ASKABLE = frozenset({"sampling", "elicitation", "roots"})
_MULTI_ROUND = frozenset({"tools/call", "prompts/get", "resources/read"})
_CACHEABLE = frozenset(
    {"tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"}
)
_NOT_FOUND = -32002


def hello_of(message: Message) -> Message:
    """The ``initialize`` of the old era that says what a request of the new one says of its client."""
    found = message.meta.get(CLIENT_CAPABILITIES)
    capabilities = (
        {key: value for key, value in found.items() if key != "extensions"} if isinstance(found, dict) else {}
    )
    info = message.meta.get(CLIENT_INFO)
    params = {
        "protocolVersion": LATEST_LEGACY,
        "capabilities": capabilities,
        "clientInfo": info if isinstance(info, dict) else {"name": "mcpscope", "version": __version__},
    }
    return parse(encode({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}))


def is_askable(message: Message) -> bool:
    """Whether a server may ask something while it works on this, and has to be known for who asks."""
    found = message.meta.get(CLIENT_CAPABILITIES)
    return message.method in _MULTI_ROUND and isinstance(found, dict) and bool(_ASKABLE & found.keys())


def level_of(message: Message) -> str | None:
    """The log level that a request asks for."""
    found = message.meta.get(LOG_LEVEL)
    return found if isinstance(found, str) else None


def as_legacy(message: Message) -> Message:
    """A request without what only the new era says."""
    raw = message.raw
    for key in message.meta:
        if key.startswith(META_PREFIX):
            raw = cut(raw, ("params", "_meta", key))
    for key in ("inputResponses", "requestState"):
        if key in message.params:
            raw = cut(raw, ("params", key))
    if message.meta and all(key.startswith(META_PREFIX) for key in message.meta):
        raw = cut(raw, ("params", "_meta"))
    return parse(raw)


class Converted:
    """Makes of an answer of the old era one of the new."""

    def __init__(self, method: str, label: str) -> None:
        self._method = method
        self._label = label

    def __call__(self, found: Message) -> bytes:
        raw = found.raw
        if found.kind is Kind.ERROR:
            if found.error.get("code") == _NOT_FOUND:
                raw = put(raw, ("error", "code"), encode(INVALID_PARAMS))
            return raw
        if not isinstance(found.result, dict):
            return raw
        if "resultType" not in found.result:
            raw = put(raw, ("result", "resultType"), b'"complete"')
        if self._method in _CACHEABLE:
            raw = put(raw, ("result", "ttlMs"), b"0")
            raw = put(raw, ("result", "cacheScope"), b'"private"')
        place = ("result", "_meta", SERVER_INFO)
        return put(raw, place, encode(server_info(self._label)), grow=True)


@dataclass(slots=True, eq=False)
class Call:
    """One call at an upstream that has asked something. ``asked`` is the client's request that waits now."""

    pending: Pending
    fan: Fan | None
    asked: Asked | None
    questions: dict[str, Message] = field(default_factory=dict)
    state: str = ""
    answer: Message | None = None
    expiry: Handle | None = None


class Calls:
    """Calls that wait for their client's answers, by the ``requestState`` it was given for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._by_pending: dict[int, Call] = {}
        self._parked: dict[str, Call] = {}

    def __repr__(self) -> str:
        return f"<Calls parked={len(self._parked)}>"

    def questioned(self, link: Link, message: Message, of: Pending | None) -> None:
        """An upstream asks: its client is to answer with its next request."""
        if message.method == "ping":
            link.tell(parse(answer(message, b'"result":{}')))
            return
        pending = of if of is not None and _can_ask(of) else _only(link)
        if pending is None:
            link.tell(parse(error(message, METHOD_NOT_FOUND, "no call is open that this could belong to")))
            return
        call = self._by_pending.get(id(pending))
        if call is None:
            fan, asked = pending.context
            call = self._by_pending[id(pending)] = Call(pending, fan, asked)
            before = pending.answered
            pending.answered = lambda found: self._done(call, found, before)
        call.questions[f"{message.method}-{len(call.questions) + 1}"] = message
        if call.asked is not None:
            self._loop.call_soon(self._ask, call)

    def resume(self, fan: Fan, asked: Asked) -> bool:
        state = asked.message.params.get("requestState")
        call = self._parked.pop(state, None) if isinstance(state, str) else None
        if call is None:
            return False
        if call.expiry is not None:
            call.expiry.cancel()
        responses = asked.message.params.get("inputResponses")
        for key, result in responses.items() if isinstance(responses, dict) else ():
            question = call.questions.pop(key, None)
            if question is not None:
                call.pending.link.tell(parse(answer(question, b'"result":' + encode(result))))
        call.fan, call.asked = fan, asked
        call.pending.asked = asked.message
        call.pending.context = (fan, asked)
        asked.pendings.append(call.pending)
        if call.answer is not None:
            self._give(call, call.answer)
        elif call.questions:
            self._loop.call_soon(self._ask, call)
        return True

    def lost(self, link: Link) -> None:
        """The upstream has another life: what waits for it will not go on."""
        for state, call in list(self._parked.items()):
            if call.pending.link is link and call.answer is None:
                del self._parked[state]

    def close(self) -> None:
        for call in list(self._parked.values()):
            self._expired(call)

    def _ask(self, call: Call) -> None:
        fan, asked = call.fan, call.asked
        if fan is None or asked is None or asked.over or not call.questions:
            return
        call.state = f"mcpscope-{secrets.token_urlsafe(24)}"
        while len(self._parked) >= MOST_PARKED:
            self._expired(next(iter(self._parked.values())))
        self._parked[call.state] = call
        call.expiry = self._loop.call_later(PARKED_SECONDS, self._expired, call)
        call.fan = call.asked = None
        wanted: dict[str, Any] = {
            key: {"method": one.method, "params": one.params} for key, one in call.questions.items()
        }
        result = {"resultType": "input_required", "inputRequests": wanted, "requestState": call.state}
        fan.reply(asked, answer(asked.message, b'"result":' + encode(result)))

    def _done(self, call: Call, found: Message, convert: Callable[[Message], None]) -> None:
        self._by_pending.pop(id(call.pending), None)
        call.answer = found
        if call.asked is not None:
            self._give(call, found)

    def _give(self, call: Call, found: Message) -> None:
        fan, asked = call.fan, call.asked
        if fan is not None and asked is not None:
            raw = put(found.raw, ("id",), encode(asked.message.id))
            fan.reply(asked, Converted(asked.message.method, fan.gateway.label)(parse(raw)))

    def _expired(self, call: Call) -> None:
        self._parked.pop(call.state, None)
        self._by_pending.pop(id(call.pending), None)
        said = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 0}}
        call.pending.link.cancel(call.pending, parse(encode(said)))
        for question in call.questions.values():
            text = "the client did not come back with an answer"
            call.pending.link.tell(parse(error(question, REJECTED_SAMPLING, text)))


def _can_ask(pending: Pending) -> bool:
    return isinstance(pending.context, tuple) and pending.asked.method in _MULTI_ROUND


def _only(link: Link) -> Pending | None:
    """The call that a question of a server that names none belongs to: the newest that may ask."""
    found = [one for one in link.owed if _can_ask(one)]
    return found[-1] if found else None
