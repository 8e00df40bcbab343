"""One recorded call (or what followed a remark) on its way to a live client, step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcpscope.engine.spans import find
from mcpscope.protocol.ids import received_spelling, spelled
from mcpscope.protocol.message import Message, RpcId
from mcpscope.protocol.methods import Method
from mcpscope.protocol.revisions import SUBSCRIPTION_ID
from mcpscope.replay.tape import Call, Event

_PROGRESS = ("params", "progressToken")
_SUBSCRIPTION = ("params", "_meta", SUBSCRIPTION_ID)
_KEY = SUBSCRIPTION_ID.encode()
_ENDED = ("result", "_meta", SUBSCRIPTION_ID)


@dataclass(slots=True, eq=False)
class Playing:
    """``request`` is the live one, None for a remark. ``steps`` are what is left; the answer is None.

    ``due`` is when the next step may go (monotonic ns); ``awaits`` the event whose live answer is waited
    for, until ``patience``.
    """

    call: Call | None
    request: Message | None
    steps: deque[Event | None]
    due: int
    awaits: Event | None = None
    patience: int | None = None
    done: list[Event] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return not self.steps and self.awaits is None

    def next_at(self) -> int | None:
        """When there is something to do; None while the client must speak first."""
        if self.awaits is not None:
            return self.patience
        return self.due if self.steps else None


def steps_of(call: Call) -> Iterator[Event | None]:
    """The script of a call: what came before its answer, the answer, what came after it at its first play."""
    yield from call.during
    if not call.is_silent and call.answer is not None:
        yield None
    if call.played == 0:
        yield from call.later


def answer_for(live: Message, recorded: Message) -> bytes:
    """The recorded answer under the id of the live request, as that was spelled."""
    raw = _put(recorded.raw, ("id",), received_spelling(live).encode())
    if _KEY in raw and find(raw, _ENDED) is not None:
        raw = _put(raw, _ENDED, received_spelling(live).encode())
    return raw


def request_under(id: RpcId, recorded: Message) -> bytes:
    """A recorded request of the server under another id."""
    return recorded.raw if id == recorded.id else _put(recorded.raw, ("id",), spelled(id).encode())


def notification_for(live: Message | None, subscriptions: dict[str, str], recorded: Message) -> bytes | None:
    """A recorded notification under the live client's tokens; None where it has no place for it.

    ``subscriptions`` are the spellings of live listen requests by those of the recorded ones.
    """
    raw = recorded.raw
    if recorded.method == Method.PROGRESS:
        token = None if live is None else find(live.raw, ("params", "_meta", "progressToken"))
        if token is None or live is None:
            return None
        return _put(raw, _PROGRESS, live.raw[slice(*token)])
    place = find(raw, _SUBSCRIPTION) if _KEY in raw else None
    if place is not None:
        known = subscriptions.get(raw[slice(*place)].decode("utf-8", "replace"))
        return None if known is None else _put(raw, _SUBSCRIPTION, known.encode())
    return raw


def _put(raw: bytes, place: tuple[str, ...], value: bytes) -> bytes:
    span = find(raw, place)
    return raw if span is None else raw[: span[0]] + value + raw[span[1] :]
