"""A recording as a stand-in plays it: each request with what the server said to it, before and after it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.revisions import PROTOCOL_VERSION, SUBSCRIPTION_ID
from mcpscope.replay.likeness import key_of
from mcpscope.replay.steps import IdKey, Recorded, id_key


@dataclass(slots=True, eq=False)
class Event:
    """Something the server said beside its answers. ``gap_ns`` is the pause before it.

    ``answer`` is what the recorded client said to a request of the server, None where it said nothing.
    """

    message: Message
    gap_ns: int
    answer: Message | None = None


@dataclass(slots=True, eq=False)
class Call:
    """One recorded request: ``during`` came before its answer, ``later`` between that and the client's next.

    ``seq`` is its number in the recording; ``gap_ns`` the pause before the answer; ``played`` how often it
    was the answer to a live request.
    """

    recording: str
    seq: int
    request: Message
    answer: Message | None = None
    gap_ns: int = 0
    cancelled: bool = False
    during: list[Event] = field(default_factory=list)
    later: list[Event] = field(default_factory=list)
    played: int = 0

    @property
    def is_silent(self) -> bool:
        """Whether nothing but silence can be played: a subscription, or a call that was given up."""
        return self.answer is None and (self.cancelled or self.request.method == Method.LISTEN)

    @property
    def name(self) -> str:
        """The tool, prompt, URI or task that it is about, "" for none."""
        return name_of(self.request)


@dataclass(slots=True, eq=False)
class Remark:
    """One recorded notification of the client, and what the server said because of it or just after it."""

    method: str
    later: list[Event] = field(default_factory=list)
    played: bool = False


@dataclass(slots=True)
class Tape:
    """All calls and remarks of one or more recordings, in their order. ``names`` are the recordings'."""

    names: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    modern: bool = False
    legacy: bool = False

    def add(self, name: str, recording: Iterable[Recorded], *, anew: bool = False) -> None:
        """Append one recording; made ``anew``, it takes the place of earlier calls that ask for the same."""
        if name not in self.names:
            self.names.append(name)
        before, self.calls = self.calls, []
        reader = _Reader(self, name)
        for recorded in recording:
            if not recorded.ours:
                for item in recorded.message.items or (recorded.message,):
                    reader.take(recorded, item)
        if anew:
            asked = {key_of(call.request) for call in self.calls if call.answer is not None}
            before = [call for call in before if key_of(call.request) not in asked]
        self.calls = before + self.calls

    def capabilities(self) -> dict[str, object]:
        """What the recorded server said that it can do."""
        for call in self.calls:
            result = call.answer.result if call.answer is not None else None
            if call.request.method in (Method.INITIALIZE, Method.DISCOVER) and isinstance(result, dict):
                found = result.get("capabilities")
                return found if isinstance(found, dict) else {}
        return {}


def name_of(request: Message) -> str:
    """The tool, prompt, URI or task that a request names, "" for none."""
    for key in ("name", "uri", "taskId"):
        found = request.params.get(key)
        if isinstance(found, str):
            return found
    return ""


class _Reader:
    """Tells, of each thing the server said, what it belongs to."""

    def __init__(self, tape: Tape, name: str) -> None:
        self._tape = tape
        self._name = name
        self._open: dict[IdKey, Call] = {}
        self._streams: dict[int, Call] = {}
        self._tokens: dict[str, Call] = {}
        self._asked: dict[IdKey, tuple[Event, list[int]]] = {}
        self._given_up: list[Call] = []
        self._last: Call | Remark | None = None
        self._clocks: dict[int, list[int]] = {}  # by the call or remark: when its script was last at work

    def take(self, recorded: Recorded, message: Message) -> None:
        """Read a message, or one element of a batch (2025-03-26)."""
        if recorded.direction is Direction.TO_SERVER:
            self._client(recorded, message)
        else:
            self._server(recorded, message)

    def _client(self, recorded: Recorded, message: Message) -> None:
        if message.is_answer:
            event, clock = self._asked.pop(id_key(message.id), (None, []))
            if event is not None:
                event.answer = message
                clock[:] = [recorded.at]
        elif message.kind is Kind.REQUEST:
            call = Call(self._name, recorded.seq, message, cancelled=recorded.given_up)
            self._tape.calls.append(call)
            self._open[id_key(message.id)] = call
            if recorded.stream:
                self._streams[recorded.stream] = call
            token = message.meta.get("progressToken")
            if token is not None:
                self._tokens[json.dumps(token)] = call
            if PROTOCOL_VERSION in message.meta:
                self._tape.modern = True
            elif message.method == Method.INITIALIZE:
                self._tape.legacy = True
            self._begin(call, recorded.at)
        elif message.kind is Kind.NOTIFICATION:
            self._remarked(recorded, message)

    def _remarked(self, recorded: Recorded, message: Message) -> None:
        if message.method == Method.CANCELLED:
            given_up = self._open.get(id_key(message.params.get("requestId")))
            if given_up is not None:
                given_up.cancelled = True
                self._given_up.append(given_up)
            return
        remark = Remark(message.method)
        self._tape.remarks.append(remark)
        self._begin(remark, recorded.at)

    def _begin(self, one: Call | Remark, at: int) -> None:
        self._last = one
        self._clocks[id(one)] = [at]

    def _server(self, recorded: Recorded, message: Message) -> None:
        if message.is_answer:
            self._answered(recorded, message)
        elif message.kind in (Kind.REQUEST, Kind.NOTIFICATION):
            owner = self._owner(recorded, message)
            if owner is None:
                return  # before the client had said anything: nothing can bring it about again
            event = Event(message, self._gap(owner, recorded.at))
            script = owner.later
            if isinstance(owner, Call) and owner.answer is None:
                script = owner.during
            script.append(event)
            if message.kind is Kind.REQUEST:
                self._asked[id_key(message.id)] = (event, self._clocks[id(owner)])

    def _answered(self, recorded: Recorded, message: Message) -> None:
        call = self._open.pop(id_key(message.id), None)
        if call is None:
            return
        call.gap_ns = self._gap(call, recorded.at)
        call.answer = message
        self._last = call

    def _gap(self, owner: Call | Remark, at: int) -> int:
        clock = self._clocks[id(owner)]
        gap, clock[0] = max(0, at - clock[0]), at
        return gap

    def _owner(self, recorded: Recorded, message: Message) -> Call | Remark | None:
        if message.method == Method.PROGRESS:
            return self._tokens.get(json.dumps(message.params.get("progressToken")))
        working = [call for call in self._open.values() if self._is_working(call)]
        if message.method == Method.ACKNOWLEDGED:
            return self._open.get(id_key(message.meta.get(SUBSCRIPTION_ID)), self._last)
        on_stream = self._streams.get(recorded.stream)
        if on_stream is not None and on_stream in working:
            return on_stream
        return working[-1] if working else self._last

    def _is_working(self, call: Call) -> bool:
        """Whether the server may be at work on it. Over HTTP no message tells that a call was given up."""
        if call.request.method == Method.LISTEN or call in self._given_up:
            return False
        return not call.cancelled or call is self._last
