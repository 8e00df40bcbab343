"""What those who steer may ask of one proxy: the methods of control.methods, answered from its engines."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from mcpscope.control.methods import EVENTS, METHODS, Param
from mcpscope.control.server import Peer
from mcpscope.engine.catalog import DefinitionKind
from mcpscope.engine.decisions import Decision, Release
from mcpscope.engine.engine import Engine
from mcpscope.engine.events import Decided, Event, Injected, Tick
from mcpscope.engine.holds import Hold, HoldState
from mcpscope.engine.resembling import lookalikes
from mcpscope.engine.steering import Detached, Steering
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.session import acts, wishes
from mcpscope.session.presence import note_presence
from mcpscope.session.ruling import Ruling, refused
from mcpscope.session.seeing import Seeing

if TYPE_CHECKING:
    from mcpscope.session.law import Law


class Conversation(Protocol):
    """One session as the desk needs it."""

    @property
    def number(self) -> int: ...
    @property
    def engine(self) -> Engine | None:
        """None while nothing of it has ever passed the gate."""

    def engage(self) -> Engine:
        """Its engine, made if need be; messages pass the gate from now on."""

    def now(self) -> int:
        """A time of this session: unix ns, strictly rising."""

    def handle(self, event: Event) -> None:
        """Give ``event`` to the engine and carry out what it wants; raises ScopeError as the engine does."""

    def note(self, text: str, kind: str) -> None:
        """Put a line into its record."""

    def describe(self) -> dict[str, Any]:
        """Its number, names, lanes and counts, for ``scope/status``."""


NAMED = (DefinitionKind.TOOL, DefinitionKind.PROMPT)


class Desk:
    """Answers the calls of one proxy's control socket.

    ``tell`` sends an event to those who subscribed; ``about`` are the proxy's own facts for ``scope/status``.
    """

    def __init__(
        self,
        steering: Steering,
        about: Callable[[], dict[str, Any]],
        tell: Callable[[str, int, dict[str, Any]], None],
    ) -> None:
        self.steering = steering
        self.conversations: dict[int, Conversation] = {}
        self._about = about
        self._tell = tell
        self.on_restart: Callable[[str], int] | None = None
        """Lets another server take the place of the one named ("" for all); how many sessions it served."""
        self._methods: dict[str, Callable[[dict[str, Any], Peer], Any]] = {
            "scope/hello": self._hello,
            "scope/methods": _methods,
            "scope/status": self._status,
            "scope/subscribe": self._subscribe,
            "scope/unsubscribe": self._unsubscribe,
            "scope/holds/list": self._list_holds,
            "scope/holds/get": self._get_hold,
            "scope/holds/continue-all": self._continue_all,
            "scope/holds/freeze": lambda params, peer: self._freeze(on=params["on"]),
            "scope/detached/set": self._set_detached,
            "scope/inject": self._inject,
            "scope/restart": self._restart,
        }
        self._ruling = Ruling(steering, tell)
        self._methods |= self._ruling.methods
        self._methods |= Seeing(steering, lambda: self.conversations.values(), tell).methods

    def obey(self, law: Law | None) -> None:
        """Tell of ``law`` as the policy in force."""
        self._ruling.law = law

    def __repr__(self) -> str:
        return f"<Desk sessions={list(self.conversations)} {self.steering!r}>"

    def call(self, method: str, params: dict[str, Any], peer: Peer) -> Any:
        """The result of ``method``; see control.server.Handler."""
        decision = wishes.DECISIONS.get(method)
        if decision is not None:
            result = self._decide(int(params["id"]), decision(params), peer)
        else:
            result = self._methods[method](params, peer)
        if text := acts.act(method, params, peer):
            for conversation in tuple(self.conversations.values()):
                conversation.note(text, acts.ACT)
        return result

    def left(self, peer: Peer) -> None:
        """A connection is gone; what it held open by being there is so no more."""
        if peer.attached:
            peer.subscribed = False
            self.steering.detach(_key(peer))
            self._tell("attached", 0, {"names": self._names()})
            if not self.steering.attached:
                self._freeze(on=False)
                note_presence(self.steering, self.conversations.values())

    # Who is there.

    def _hello(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        peer.name = params["name"][:80] or peer.name
        return {**self._about(), "events": EVENTS, "you": peer.name}

    def _subscribe(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        was = peer.attached
        peer.subscribed, peer.read_only, peer.there = True, params["read_only"], params["attach"]
        if peer.attached and not was:
            first = not self.steering.attached
            self.steering.attach(_key(peer))
            self._tell("attached", 0, {"names": self._names()})
            if first:
                note_presence(self.steering, self.conversations.values())
        elif was and not peer.attached:
            self.steering.detach(_key(peer))
        return {"attached": self._names()}

    def _unsubscribe(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self.left(peer)
        peer.subscribed = False
        return {"attached": self._names()}

    def _restart(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        if self.on_restart is None:
            raise refused(
                "no_restart", "the server is not this proxy's to restart", "restart it where it runs"
            )
        return {"restarted": self.on_restart(params["server"])}

    def _names(self) -> list[str]:
        return sorted(key.partition(" ")[2] for key in self.steering.attached)

    def _status(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        steering = self.steering
        return {
            **self._about(),
            "attached": self._names(),
            "detached": steering.detached.value,
            "freeze": steering.freeze,
            "gated": steering.gated,
            "holds": len(self._holds()),
            "rules": len(steering.rules),
            "policy": self._ruling.policy(),
            "intercept": self._ruling.intercept(),
            "sessions": [conversation.describe() for conversation in self.conversations.values()],
        }

    # Holds.

    def _holds(self) -> list[tuple[Conversation, Hold]]:
        return [
            (conversation, hold)
            for conversation in self.conversations.values()
            if conversation.engine is not None
            for hold in conversation.engine.holds
        ]

    def _list_holds(self, params: dict[str, Any], peer: Peer) -> list[dict[str, Any]]:
        wanted = params["session"]
        return [hold.to_json() for _, hold in self._holds() if wanted in (0, hold.session)]

    def _get_hold(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        conversation, hold = self._find(params["id"])
        passage = hold.passage
        found = hold.to_json()
        found["received"] = _shown(passage.received)
        found["message"] = _shown(passage.message)
        found["request"] = _shown(passage.request) if passage.request is not None else None
        assert conversation.engine is not None
        found["schema"] = conversation.engine.schema_for(passage)
        found["answer_schema"] = conversation.engine.schema_for(passage, answer=True)
        tool = conversation.engine.memory.catalog.tool(passage.tool) if passage.tool else None
        found["description"] = tool.body.get("description", "") if tool is not None else ""
        found["name"] = passage.exchange.name if passage.exchange is not None else ""
        found["last_good"] = conversation.engine.last_good(passage) is not None
        found["attached"] = self._names()
        approved = self.steering.last_approved(passage.method, found["name"])
        if approved is not None:
            message, by, at = approved
            found["last_approved"] = {**_shown(parse(message)), "by": by, "at": at}
        names = [one.name for kind in NAMED for one in conversation.engine.memory.catalog.all(kind)]
        found["lookalikes"] = lookalikes(passage, names, self.steering.rules.ruled)
        return found

    def _decide(self, id: int, decision: Decision, peer: Peer) -> dict[str, Any]:
        conversation, hold = self._find(id)
        conversation.handle(Decided(id, decision, peer.name, conversation.now()))
        now = conversation.engine.holds.get(id) if conversation.engine is not None else None
        if now is not None:
            return {"hold": now.to_json()}
        word, by = self.steering.decision_on(id) or ("", "")
        return {"id": id, "outcome": word, "by": by, "waited_ns": hold.passage.held_ns}

    def _continue_all(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        released, kept = [], []
        for conversation, hold in self._holds():
            if hold.state is HoldState.GAVE_UP or hold.kind.value == "ask":
                kept.append(hold.id)
                continue
            conversation.handle(Decided(hold.id, Release(), peer.name, conversation.now()))
            released.append(hold.id)
        return {"released": released, "kept": kept}

    def _freeze(self, *, on: bool) -> dict[str, Any]:
        """Whether holds stop their sessions; off, what waited for that goes on."""
        if on != self.steering.freeze:
            self.steering.freeze = on
            for conversation in self.conversations.values():
                if conversation.engine is not None:
                    conversation.handle(Tick(conversation.now()))
            self._tell("rules", 0, {"changed": "freeze"})
        return {"freeze": on}

    def _find(self, id: int) -> tuple[Conversation, Hold]:
        for conversation, hold in self._holds():
            if hold.id == id:
                return conversation, hold
        past = self.steering.decision_on(id)
        if past is None:
            raise refused("no_hold", f"there is no hold {id}", "see: mcpscope holds list")
        raise refused("hold_resolved", f"hold {id} was already {past[0]} by {past[1]}")

    def _set_detached(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self.steering.set_detached(Detached(params["mode"]))
        return {"detached": self.steering.detached.value}

    # Messages of one's own.

    def _inject(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        conversation = self._conversation(params["session"])
        body = params["message"]
        engine = conversation.engage()
        if "method" in body and "id" not in body and not str(body["method"]).startswith("notifications/"):
            body = {**body, "id": engine.new_id()}
        message = parse(wishes.encoded({"jsonrpc": "2.0", **body}))
        if message.kind not in (Kind.REQUEST, Kind.NOTIFICATION):
            raise refused("bad_message", "only a request or a notification can be injected")
        at = conversation.now()
        conversation.handle(Injected(Direction(params["dir"]), message, peer.name, at))
        return {"at": at, "id": message.id, "session": conversation.number}

    def _conversation(self, number: int) -> Conversation:
        if number == 0 and len(self.conversations) == 1:
            return next(iter(self.conversations.values()))
        found = self.conversations.get(number)
        if found is None:
            numbers = ", ".join(map(str, self.conversations)) or "none"
            raise refused("no_session", f"there is no session {number} (running: {numbers})")
        return found


def _methods(params: dict[str, Any], peer: Peer) -> list[dict[str, Any]]:
    return [
        {
            "name": method.name,
            "help": method.help,
            "steers": method.steers,
            "params": [_param(param) for param in method.params],
        }
        for method in METHODS.values()
    ]


def _param(param: Param) -> dict[str, Any]:
    said: dict[str, Any] = {"name": param.name, "required": param.default is ...}
    if param.choices:
        said["choices"] = list(param.choices)
    return said


def _shown(message: Message) -> dict[str, Any]:
    """The exact bytes: as text where they are UTF-8, in base64 where not."""
    try:
        return {"text": message.raw.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(message.raw).decode()}


def _key(peer: Peer) -> str:
    return f"{peer.number} {peer.name}"
