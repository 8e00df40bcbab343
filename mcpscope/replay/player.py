"""A recorded server: what it answers to a live client, by the tape. No I/O; time comes in as ``now``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from mcpscope.protocol.answers import METHOD_NOT_FOUND, OurCode, answer, error, error_member
from mcpscope.protocol.ids import received_spelling
from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.protocol.methods import Method
from mcpscope.protocol.revisions import PROTOCOL_VERSION, is_known
from mcpscope.replay.choosing import Choosing, Miss
from mcpscope.replay.playing import Playing, answer_for, notification_for, request_under, steps_of
from mcpscope.replay.replies import differs, other_branch
from mcpscope.replay.steps import OF_THE_SESSION, IdKey, id_key
from mcpscope.replay.tape import Call, Event, Remark, Tape
from mcpscope.replay.versions import greeting

STANDING_PATIENCE_NS = 5_000_000_000
"""How long an answer goes on without the client's word on its roots: some have none to give."""
UNSUPPORTED_VERSION = -32022
_SETTINGS = frozenset({Method.SET_LEVEL.value, Method.SUBSCRIBE.value, Method.UNSUBSCRIBE.value})


class Player:
    """Plays ``tape``. ``say`` takes each line for the client; ``missed`` hears of what is not on the tape.

    ``speed`` is None for "at once", 1.0 for the recorded pace. ``hear`` returns the Miss of a request that
    the tape does not have, and has not answered it then.
    """

    def __init__(
        self, tape: Tape, say: Callable[[bytes], None], *, speed: float | None = None, repeats: bool = True
    ) -> None:
        self._tape = tape
        self._choosing = Choosing(tape, repeats=repeats)
        self._say = say
        self._speed = speed
        self._playing: list[Playing] = []
        self._waiting: dict[IdKey, Playing] = {}
        self._used: set[IdKey] = set()
        self._subscriptions: dict[str, str] = {}
        self._asked_once: set[int] = set()
        self._fresh = 0

    def __repr__(self) -> str:
        return f"<Player {self._tape.names} playing={len(self._playing)} waiting={len(self._waiting)}>"

    @property
    def is_idle(self) -> bool:
        return not self._playing

    def next_at(self) -> int | None:
        """When ``wake`` has something to do, None while only the client can go on."""
        times = [at for one in self._playing if (at := one.next_at()) is not None]
        return min(times, default=None)

    def hear(self, message: Message, now: int) -> Miss | None:
        """Take one message of the client."""
        missed = None
        if message.kind is Kind.REQUEST:
            missed = self._requested(message, now)
        elif message.kind is Kind.NOTIFICATION:
            self._noted(message, now)
        elif message.is_answer:
            self._answered(message, now)
        self.wake(now)
        return missed

    def wake(self, now: int) -> None:
        """Do what is due."""
        for one in list(self._playing):
            while not one.is_over and (at := one.next_at()) is not None and at <= now:
                if one.awaits is not None:
                    self._go_on(one, now)
                else:
                    self._step(one, now)
        self._playing = [one for one in self._playing if not one.is_over]

    def refuse(self, message: Message, miss: Miss) -> None:
        """Answer a request that nobody else can answer."""
        said = {"recording": self._tape.names, "nearest": miss.nearest or None}
        self._say(error(message, OurCode.NOT_PLAYED, miss.text, {k: v for k, v in said.items() if v}))

    # -- requests ------------------------------------------------------------------------------------------

    def _requested(self, message: Message, now: int) -> Miss | None:
        if message.method == Method.PING:
            self._say(answer(message, b'"result":{}'))
            return None
        found = self._choosing.choose(message)
        if isinstance(found, Call):
            self._play(found, message, now)
            return None
        return None if self._by_rule(message) else found

    def _by_rule(self, message: Message) -> bool:
        """Whether the specification says what a server that was not recorded would have answered."""
        if message.method in _SETTINGS and self._offers(message.method):
            self._say(answer(message, b'"result":{}'))
        elif message.method == Method.DISCOVER and self._tape.legacy and not self._tape.modern:
            text = f"Method not found: {message.method}"
            self._say(answer(message, error_member(METHOD_NOT_FOUND, text)))
        elif message.method == Method.INITIALIZE and self._tape.modern and not self._tape.legacy:
            asked = message.params.get("protocolVersion")
            about = {"supported": self._versions(), "requested": asked}
            self._say(error(message, UNSUPPORTED_VERSION, "Unsupported protocol version", about))
        else:
            return False
        return True

    def _offers(self, method: str) -> bool:
        found = self._tape.capabilities()
        if method == Method.SET_LEVEL:
            return "logging" in found
        resources = found.get("resources")
        return isinstance(resources, dict) and resources.get("subscribe") is True

    def _versions(self) -> list[str]:
        found = [call.request.meta.get(PROTOCOL_VERSION) for call in self._tape.calls]
        return sorted({version for version in found if isinstance(version, str) and is_known(version)})

    def _play(self, call: Call, live: Message, now: int) -> None:
        if call.request.method == Method.LISTEN:
            self._subscriptions[received_spelling(call.request)] = received_spelling(live)
        one = Playing(call, live, deque(steps_of(call)), now)
        call.played += 1
        self._begin(one, now)

    # -- what the client says beside -------------------------------------------------------------------------

    def _noted(self, message: Message, now: int) -> None:
        if message.method == Method.CANCELLED:
            key = id_key(message.params.get("requestId"))
            for one in self._playing:
                if one.request is not None and id_key(one.request.id) == key:
                    one.steps.clear()
                    one.awaits = None
            return
        for remark in self._tape.remarks:
            if remark.method == message.method and not remark.played:
                self._follow(remark, now)
                return

    def _follow(self, remark: Remark, now: int) -> None:
        remark.played = True
        self._begin(Playing(None, None, deque(remark.later), now), now)

    def _answered(self, message: Message, now: int) -> None:
        one = self._waiting.pop(id_key(message.id), None)
        if one is None or one.awaits is None:
            return
        event = one.awaits
        why = differs(event, message)
        if why and one.call is not None and one.request is not None:
            place = len(one.done) - 1
            branch = other_branch(self._choosing.family(one.call), place, event, message)
            if branch is None:
                text = f"{self._choosing.title(one.call)} goes on otherwise: the recorded client {why}"
                self.refuse(one.request, Miss(text, {"seq": one.call.seq}))
                one.steps.clear()
                one.awaits = None
                return
            one.call, one.steps = branch, deque(list(steps_of(branch))[place + 1 :])
            branch.played += 1
        self._go_on(one, now)

    # -- steps ---------------------------------------------------------------------------------------------

    def _begin(self, one: Playing, now: int) -> None:
        one.due = now + self._pause(one)
        self._playing.append(one)

    def _go_on(self, one: Playing, now: int) -> None:
        one.awaits = one.patience = None
        one.due = now + self._pause(one)

    def _pause(self, one: Playing) -> int:
        """How long the next step waits. A call that was given up keeps its time: else none would be."""
        if not one.steps:
            return 0
        event = one.steps[0]
        gap = event.gap_ns if event is not None else one.call.gap_ns if one.call is not None else 0
        if event is None and one.call is not None and one.call.cancelled:
            return gap
        return 0 if self._speed is None else int(gap / self._speed)

    def _step(self, one: Playing, now: int) -> None:
        event = one.steps.popleft()
        if event is None:
            self._answer(one)
        elif event.message.kind is Kind.REQUEST:
            self._ask(one, event, now)
        else:
            raw = notification_for(one.request, self._subscriptions, event.message)
            if raw is not None:
                self._say(raw)
        if event is not None:
            one.done.append(event)
        if one.awaits is None:
            one.due = now + self._pause(one)

    def _answer(self, one: Playing) -> None:
        call, live = one.call, one.request
        if call is None or live is None or call.answer is None:
            return
        raw = answer_for(live, call.answer)
        self._say(greeting(live, call.answer, raw) if live.method == Method.INITIALIZE else raw)

    def _ask(self, one: Playing, event: Event, now: int) -> None:
        standing = event.message.method in OF_THE_SESSION
        if standing and id(event) in self._asked_once:
            return
        self._asked_once.add(id(event))
        id_ = self._free_id(event.message.id)
        self._say(request_under(id_, event.message))
        if event.answer is None:
            return
        self._waiting[id_key(id_)] = one
        one.awaits = event
        one.patience = now + STANDING_PATIENCE_NS if standing else None

    def _free_id(self, id: RpcId) -> RpcId:
        while id_key(id) in self._used:
            self._fresh += 1
            id = f"mcpscope-{self._fresh}"
        self._used.add(id_key(id))
        return id

    def take_id(self, id: Any) -> RpcId:
        """The id under which somebody else may ask the client; ``id`` itself where nobody has used it."""
        return self._free_id(id)
