"""What an upstream owes answers to: each request under an id and a progress token that no other has there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from mcpscope.engine.patch import encode, put
from mcpscope.protocol.message import Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.bridge_ids import IdKey, id_key, same_id

if TYPE_CHECKING:
    from mcpscope.gateway.link import Link

GIVEN_UP = 64  # requests that were cancelled and may be answered all the same


@dataclass(slots=True, eq=False)
class Pending:
    """One request that the upstream owes an answer. ``id`` is the one it knows, ``asked`` the client's."""

    link: Link
    asked: Message
    sent: Message
    answered: Callable[[Message], None]
    token: object = None
    tries: int = 0
    context: Any = None
    """What who asked wants to find again."""
    key: IdKey = ("null", None)
    """Its id as ``Owed`` finds it."""

    @property
    def id(self) -> RpcId:
        return self.sent.id


class Owed:
    """The open requests of one link."""

    def __init__(self) -> None:
        self._by_id: dict[IdKey, Pending] = {}
        self._by_token: dict[IdKey, Pending] = {}
        self._given_up: deque[Pending] = deque()
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<Owed {len(self)}>"

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Pending]:
        return iter(tuple(self._by_id.values()))

    def __contains__(self, pending: Pending) -> bool:
        return self._by_id.get(pending.key) is pending

    @property
    def is_given_up(self) -> bool:
        """Nobody waits for anything of it any more; it may be answered all the same."""
        return all(one in self._given_up for one in self._by_id.values())

    def new_id(self, words: str = "mcpscope") -> str:
        """An id for a request of our own."""
        return f"{words}-{next(self._numbers)}"

    def add(self, pending: Pending) -> Message:
        """Take ``pending`` in; its request as it is to be sent."""
        sent = pending.sent = self.name(pending)
        token = sent.meta.get("progressToken")
        if token is not None:
            if id_key(token) in self._by_token:
                token = self.new_id()
                sent = parse(put(sent.raw, ("params", "_meta", "progressToken"), encode(token)))
            pending.token = token
            self._by_token[id_key(token)] = pending
        pending.sent = sent
        return sent

    def name(self, pending: Pending) -> Message:
        """Take one in that has no progress token; its request under an id that no other has."""
        sent = pending.sent
        key = id_key(sent.id)
        if key in self._by_id:
            id = self.new_id()
            raw = put(sent.raw, ("id",), encode(id))
            sent = pending.sent = replace(sent, raw=raw, id=id, body={**sent.body, "id": id})
            key = id_key(id)
        pending.key = key
        self._by_id[key] = pending
        return sent

    def again(self, pending: Pending) -> None:
        """It is to be sent once more as it is."""
        self._by_id[pending.key] = pending
        if pending.token is not None:
            self._by_token[id_key(pending.token)] = pending

    def of_id(self, id: RpcId) -> Pending | None:
        """The request with this id, or one that a loose peer takes it for."""
        found = self._by_id.get(id_key(id))
        if found is not None:
            return found
        return next((one for key, one in self._by_id.items() if same_id(key, id)), None)

    def of_token(self, token: object) -> Pending | None:
        return self._by_token.get(id_key(token))

    def forget(self, pending: Pending) -> None:
        """No answer is expected any more."""
        self._by_id.pop(pending.key, None)
        if pending.token is not None:
            self._by_token.pop(id_key(pending.token), None)

    def give_up(self, pending: Pending) -> None:
        """It was cancelled: an answer may come all the same, of the last few of these."""
        self._given_up.append(pending)
        if len(self._given_up) > GIVEN_UP:
            self.forget(self._given_up.popleft())


def restored(answer: Message, pending: Pending) -> Message:
    """``answer`` under the id that the client knows."""
    if answer.id == pending.asked.id and type(answer.id) is type(pending.asked.id):
        return answer
    return parse(put(answer.raw, ("id",), encode(pending.asked.id)))
