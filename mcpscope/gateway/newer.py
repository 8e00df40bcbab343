"""A client of the old era before an upstream that speaks the stateless one only: what each is told."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from mcpscope.engine.patch import cut, encode, put
from mcpscope.gateway.owed import Pending
from mcpscope.protocol.answers import INVALID_PARAMS, answer, error
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import (
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    LATEST,
    LATEST_LEGACY,
    LOG_LEVEL,
    PROTOCOL_VERSION,
    REVISIONS,
    SERVER_INFO,
    SUBSCRIPTION_ID,
)

if TYPE_CHECKING:
    from mcpscope.gateway.link import Link

MOST_ROUNDS = 16
MOST_SUBSCRIBED = 1024
LISTEN_AGAIN_SECONDS = 1.0
_NOT_FOUND = -32002
_ONLY_HERE = ("resultType", "ttlMs", "cacheScope")
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
_WISHES = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}


class _Round:
    """What a call waits for before it goes on: its answers by the keys of the questions."""

    def __init__(self, pending: Pending, state: object, number: int) -> None:
        self.pending = pending
        self.state = state
        self.number = number
        self.missing: set[str] = set()
        self.given: dict[str, Any] = {}


class Newer:
    """Between ``link``, which says what a client of the old era says, and its line.

    ``hello`` is that client's ``initialize``. Questions come to the client as requests of the upstream; their
    answers come back through ``outgoing`` and continue the call, which is owed until it is over.
    """

    def __init__(self, link: Link, hello: Message) -> None:
        self._link = link
        self._hello = hello
        self._level = "debug"  # until told otherwise, servers of the old era say all
        self._subscribed: dict[str, None] = {}
        self._listen: Message | None = None
        self._rounds: dict[int, _Round] = {}
        self._questions: dict[str, tuple[_Round, str, Message]] = {}
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<Newer level={self._level!r} questions={len(self._questions)}>"

    @property
    def probe(self) -> Message:
        """``server/discover`` on behalf of the client."""
        return self._enveloped(parse(b'{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{}}'))

    def greeting(self, discovered: Message) -> Message:
        """The answer to the client's ``initialize`` that says what ``discovered`` says."""
        found = discovered.result
        asked = self._hello.params.get("protocolVersion")
        meta = found.get("_meta")
        info = meta.get(SERVER_INFO) if isinstance(meta, dict) else None
        offered = found.get("capabilities")
        capabilities = dict(offered) if isinstance(offered, dict) else {}
        capabilities.pop("extensions", None)
        result = {
            "protocolVersion": asked if asked in REVISIONS[:-1] else LATEST_LEGACY,
            "capabilities": capabilities,
            "serverInfo": info if isinstance(info, dict) else {"name": self._link.name, "version": ""},
        }
        if isinstance(found.get("instructions"), str):
            result["instructions"] = found["instructions"]
        return parse(answer(self._hello, b'"result":' + encode(result)))

    def outgoing(self, message: Message) -> Message | None:
        """What the upstream is told of ``message``; None where that is nothing, or comes later."""
        if message.is_answer:
            self._answered(message)
            return None
        if message.kind is Kind.NOTIFICATION:
            return message if message.method == "notifications/cancelled" else None
        if message.method in ("ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"):
            self._keep(message)
            self._link.later(0.0, lambda: self._link.heard(parse(answer(message, b'"result":{}')), None))
            return None
        return self._enveloped(message)

    def incoming(self, message: Message) -> Message | None:
        """A notification as the client gets it; None where it is none of its."""
        if message.method == _ACKNOWLEDGED:
            return None
        if SUBSCRIPTION_ID not in message.meta:
            return message
        return parse(cut(message.raw, ("params", "_meta", SUBSCRIPTION_ID)))

    def asks(self, pending: Pending, found: Message) -> bool:
        """Whether ``found`` asks the client something; then the call goes on when that is answered."""
        result = found.result
        if not isinstance(result, dict) or result.get("resultType") != "input_required":
            self._rounds.pop(id(pending), None)
            return False
        before = self._rounds.pop(id(pending), None)
        number = 1 if before is None else before.number + 1
        wanted = result.get("inputRequests")
        asked = wanted if isinstance(wanted, dict) else {}
        if number > MOST_ROUNDS or any(not isinstance(one, dict) for one in asked.values()):
            return False
        this = self._rounds[id(pending)] = _Round(pending, result.get("requestState"), number)
        this.missing = set(asked)
        for key, question in asked.items():
            told = {"jsonrpc": "2.0", "id": f"mcpscope-{self._link.name}-{next(self._numbers)}"}
            body = {**told, "method": str(question.get("method")), "params": question.get("params") or {}}
            message = parse(encode(body))
            self._questions[str(message.id)] = (this, key, message)
            self._link.question(message, pending)
        if not asked:
            self._link.later(0.0, lambda: self._go_on(this))
        return True

    def restored(self, found: Message, pending: Pending) -> Message:
        """An answer as servers of the old era give it."""
        raw = found.raw
        if found.kind is Kind.ERROR:
            is_missing = (
                pending.asked.method == "resources/read" and found.error.get("code") == INVALID_PARAMS
            )
            return parse(put(raw, ("error", "code"), encode(_NOT_FOUND))) if is_missing else found
        if not isinstance(found.result, dict):
            return found
        if found.result.get("resultType") == "input_required":
            text = f"mcpscope: {self._link.name} asked {MOST_ROUNDS} times, or what nobody can answer"
            return parse(error(found, INVALID_PARAMS, text))
        for key in _ONLY_HERE:
            if key in found.result:
                raw = cut(raw, ("result", key))
        return parse(raw)

    def begin(self) -> None:
        """Its server is there: what the client is to hear of its own accord comes on one stream."""
        self._listen_anew()

    # helpers

    def _enveloped(self, message: Message) -> Message:
        capabilities = self._hello.params.get("capabilities")
        envelope: dict[str, Any] = {
            PROTOCOL_VERSION: LATEST,
            CLIENT_CAPABILITIES: capabilities if isinstance(capabilities, dict) else {},
            LOG_LEVEL: self._level,
        }
        if isinstance(self._hello.params.get("clientInfo"), dict):
            envelope[CLIENT_INFO] = self._hello.params["clientInfo"]
        raw = message.raw
        for key, value in envelope.items():
            raw = put(raw, ("params", "_meta", key), encode(value), grow=True)
        return parse(raw)

    def _keep(self, message: Message) -> None:
        if message.method == "logging/setLevel":
            self._level = str(message.params.get("level"))
            return
        uri = str(message.params.get("uri"))
        if message.method == "resources/unsubscribe":
            self._subscribed.pop(uri, None)
        elif message.method == "resources/subscribe" and len(self._subscribed) < MOST_SUBSCRIBED:
            self._subscribed[uri] = None
        if message.method != "ping":
            self._listen_anew()

    def _listen_anew(self) -> None:
        if self._listen is not None:
            self._link.withdraw(self._listen)
        wishes: dict[str, Any] = {
            wish: True
            for surface, wish in _WISHES.items()
            if (self._link.capabilities.get(surface) or {}).get("listChanged")
        }
        if self._subscribed:
            wishes["resourceSubscriptions"] = list(self._subscribed)
        self._listen = None
        if wishes:
            params = {"notifications": wishes}
            self._listen = self._link.ask_own("subscriptions/listen", params, self._ended)

    def _ended(self, found: Message) -> None:
        """The stream is over, and not because we ended it."""
        ended = self._listen

        def again() -> None:
            if self._listen is ended and self._link.ready:
                self._listen_anew()

        if found.kind is not Kind.ERROR:
            self._link.later(LISTEN_AGAIN_SECONDS, again)

    def _answered(self, said: Message) -> None:
        found = self._questions.pop(str(said.id), None)
        if found is None:
            return
        this, key, question = found
        this.missing.discard(key)
        if this.pending not in self._link.owed or self._rounds.get(id(this.pending)) is not this:
            return  # nobody waits for the call any more
        if said.kind is Kind.ERROR and question.method != "elicitation/create":
            self._rounds.pop(id(this.pending))
            self._link.settle(
                this.pending, error(this.pending.asked, said.error["code"], said.error["message"])
            )
            return
        this.given[key] = {"action": "cancel"} if said.kind is Kind.ERROR else said.result
        if not this.missing:
            self._go_on(this)

    def _go_on(self, this: _Round) -> None:
        raw = put(this.pending.sent.raw, ("params", "inputResponses"), encode(this.given), grow=True)
        if this.state is not None:
            raw = put(raw, ("params", "requestState"), encode(this.state))
        self._link.say_again(parse(raw))
