"""One message on its way through the gate: what was received, what would leave, what happened on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mcpscope.engine.exchange import Exchange
from mcpscope.engine.rule import Phase, Rule
from mcpscope.protocol.message import Direction, Kind, Message

CANCELLED = "notifications/cancelled"
PROGRESS = "notifications/progress"


@dataclass(slots=True, eq=False)
class Passage:
    """``received`` came in, ``message`` is what would leave now; they are the same object until an edit.

    ``exchange`` is where the message belongs, ``request`` what opened it as it was sent (for answers).
    ``parts`` are the elements of a batch. ``let_go`` are rules that held it or were approved, ``applied``
    rules that are done with it, ``counted`` those whose hit is counted. ``fault`` is the action of the fault
    that struck it, ``jitter_ns`` what is added to its delay (-1: not drawn). ``saw`` is what the rules of the
    policy that acted looked at, ``said`` what people told of their decision. ``shadowed`` are
    rules in shadow whose limits it would count for.
    """

    direction: Direction
    received: Message
    message: Message
    at: int
    stream: int
    phase: Phase
    exchange: Exchange | None = None
    request: Message | None = None
    caller: str = ""
    parts: tuple[Passage, ...] = ()
    let_go: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    actor: str = ""
    rule: str = ""
    held_ns: int = 0
    injected: bool = False
    fault: str = ""
    jitter_ns: int = -1
    saw: dict[str, Any] = field(default_factory=dict)
    said: dict[str, object] = field(default_factory=dict)
    shadowed: list[Rule] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return self.message is not self.received

    @property
    def plain(self) -> bool:
        """Nothing stopped, changed or marked it."""
        return self.message is self.received and not (self.actor or self.tags or self.injected)

    def allowed_by(self, rule: Rule | None) -> None:
        """A rule of the policy lets it pass, which is for the record, too."""
        if rule is not None and not self.actor:
            self.actor, self.rule = "rule", rule.name

    @property
    def goes_to_server(self) -> bool:
        return self.direction is Direction.TO_SERVER

    @property
    def phase_streams(self) -> bool:
        """Whether its stream keeps its order: what a server sends, one event after the other."""
        return self.direction is Direction.TO_CLIENT

    @property
    def is_request(self) -> bool:
        return self.received.kind is Kind.REQUEST

    @property
    def method(self) -> str:
        """Its own method, or for an answer the request's."""
        if self.phase is Phase.ANSWER:
            return self.request.method if self.request else self.exchange.method if self.exchange else ""
        return self.message.method

    @property
    def tool(self) -> str:
        """The tool called, as the server will read it."""
        source = self.request if self.phase is Phase.ANSWER else self.message
        if source is None:
            return self.exchange.tool if self.exchange else ""
        return tool_of(source)

    @property
    def rpc_id(self) -> str:
        return json.dumps(self.received.id) if self.received.has_id else ""

    @property
    def progress_token(self) -> Any:
        """The token under which its sender wants to hear of progress, or None."""
        token = self.received.meta.get("progressToken") if self.is_request else None
        return token if isinstance(token, str | int) and not isinstance(token, bool) else None


def tool_of(message: Message) -> str:
    """The name of the tool that ``message`` calls, "" for all else."""
    if message.method != "tools/call":
        return ""
    name = message.params.get("name")
    return name if isinstance(name, str) else ""
