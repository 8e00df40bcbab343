"""A conversation with the engine: what arrives, what leaves, on a clock that only the test moves."""

from __future__ import annotations

import json

from mcpscope.engine.commands import Close, Forward, Note, Record, Send, Tell
from mcpscope.engine.conditions import condition_of
from mcpscope.engine.decisions import Decision
from mcpscope.engine.engine import Engine
from mcpscope.engine.events import Decided, Ended, Injected, Left, Oversized, Received, Tick
from mcpscope.engine.rule import Action, On, Rule
from mcpscope.engine.steering import Detached, Steering
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

SECOND = 1_000_000_000
C2S, S2C = Direction.TO_SERVER, Direction.TO_CLIENT


class Talk:
    """``to_server`` and ``to_client`` are the bytes that left, ``outcomes`` maps a message to its words."""

    def __init__(self, *, attached=True, detached="pass", timeout=None, client="demo"):
        limit = None if timeout is None else int(timeout * SECOND)
        self.steering = Steering(detached=Detached(detached), client_timeout_ns=limit)
        if attached:
            self.steering.attach("ui")
        self.engine = Engine(self.steering)
        self.at = 1_000 * SECOND
        self.to_server: list[bytes] = []
        self.to_client: list[bytes] = []
        self.told: list[tuple[str, dict]] = []
        self.notes: list[str] = []
        self.outcomes: dict[int, list] = {}
        self.received: list[int] = []
        self.plain: set[int] = set()
        self.client(initialize(client))
        self.to_server.clear()
        self.plain.clear()
        self.received.clear()

    def rule(self, action, filter="", *, name="", **more):
        name = name or self.steering.rules.new_name("r")
        rule = Rule(name, Action(action), condition_of(filter), **more)
        self.steering.rules.add(rule)
        return name

    def breakpoint(self, filter="", on="request", **more):
        return self.rule("break", filter, on=On(on), origin="breakpoint", **more)

    def now(self):
        self.at += 1000
        return self.at

    def run(self, event):
        commands = self.engine.handle(event)
        for command in commands:
            match command:
                case Forward():
                    self._leaves(command.direction, command.message.raw)
                    if command.plain:
                        assert commands[0] is command and not command.changed
                        self.plain.add(command.of)
                    else:
                        assert self.outcomes[command.of][-1].word.final
                case Send():
                    self._leaves(command.direction, command.data)
                case Record(outcome):
                    self.outcomes.setdefault(outcome.of, []).append(outcome)
                case Tell(event_name, data):
                    json.dumps(data)
                    self.told.append((event_name, data))
                case Note(_, text):
                    self.notes.append(text)
                case Close():
                    pass
        return commands

    def _leaves(self, direction, raw):
        (self.to_server if direction is C2S else self.to_client).append(raw)

    def says(self, direction, body, *, stream=0):
        """One message arrives; returns its ``at``."""
        raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        at = self.now()
        self.received.append(at)
        self.run(Received(direction, parse(raw), at, stream))
        return at

    def client(self, body, **more):
        return self.says(C2S, body, **more)

    def server(self, body, **more):
        return self.says(S2C, body, **more)

    def decide(self, decision: Decision, hold=None, actor="ui pts/3"):
        id = hold if hold is not None else next(iter(self.engine.holds)).id
        return self.run(Decided(id, decision, actor, self.now()))

    def passes(self, seconds):
        """Time passes; the runner ticks whenever the engine is due."""
        end = self.at + int(seconds * SECOND)
        while self.engine.due is not None and self.engine.due <= end:
            self.at = max(self.at, self.engine.due)
            self.run(Tick(self.at))
        self.at = end

    def leaves(self, direction, stream=None):
        self.run(Left(direction, self.now(), stream))

    def ends(self):
        self.run(Ended(self.now()))

    def inject(self, direction, body):
        self.run(Injected(direction, parse(json.dumps(body).encode()), "cli", self.now()))

    def oversized(self, direction, head):
        at = self.now()
        self.run(Oversized(direction, head, at))
        return at

    def words(self, at):
        if at in self.plain:
            assert at not in self.outcomes
            return ["plain"]
        return [outcome.word.value for outcome in self.outcomes.get(at, [])]

    def last(self, at):
        return self.outcomes[at][-1]

    @property
    def held(self):
        return [hold.id for hold in self.engine.holds]


def initialize(client, id="init"):
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": client, "version": "1"},
    }
    return {"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params}


def call(id=1, tool="search", meta=None, **arguments):
    params = {"name": tool, "arguments": arguments}
    if meta:
        params["_meta"] = meta
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


def result(id=1, text="fine", **more):
    return {"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}], **more}}


def cancel(id=1):
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


def as_json(raw):
    return json.loads(raw)
