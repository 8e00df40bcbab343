"""What upstreams ask of a client of the old era: each question under an id that no other has."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from mcpscope.engine.patch import encode, put
from mcpscope.engine.spans import find
from mcpscope.protocol.message import Message, RpcId
from mcpscope.protocol.parsing import parse
from mcpscope.session.bridge_ids import IdKey, id_key, same_id

if TYPE_CHECKING:
    from mcpscope.gateway.link import Link

MOST_OPEN = 4096
MOST_TASKS = 4096


class Questions:
    """Open requests of upstreams, by the id that the client was given."""

    def __init__(self) -> None:
        self._open: dict[IdKey, tuple[Link, Message]] = {}
        self._tokens: dict[IdKey, tuple[Link, object]] = {}
        self._tasks: dict[str, Link] = {}
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<Questions open={len(self._open)}>"

    def put(self, link: Link, message: Message) -> bytes:
        """``message`` as the client gets it."""
        if len(self._open) >= MOST_OPEN:
            self._take(next(iter(self._open)))
        raw, id = message.raw, message.id
        if id_key(id) in self._open:
            id = f"{link.name}-{next(self._numbers)}"
            raw = put(raw, ("id",), encode(id))
        self._open[id_key(id)] = (link, message)
        token = message.meta.get("progressToken")
        if token is not None:
            given = token
            if id_key(token) in self._tokens:
                given = f"{link.name}-{next(self._numbers)}"
                raw = put(raw, ("params", "_meta", "progressToken"), encode(given))
            self._tokens[id_key(given)] = (link, token)
        return raw

    def answered(self, answer: Message) -> bool:
        """Give the client's ``answer`` to who asked; False where nobody did."""
        key = self._key(answer.id)
        if key is None:
            return False
        link, asked = self._take(key)
        task = answer.result.get("task") if isinstance(answer.result, dict) else None
        if isinstance(task, dict) and isinstance(task.get("taskId"), str):
            if len(self._tasks) >= MOST_TASKS:
                del self._tasks[next(iter(self._tasks))]
            self._tasks[task["taskId"]] = link
        link.tell(parse(_with_spelled(answer.raw, ("id",), asked.raw, ("id",))))
        return True

    def progressed(self, said: Message) -> bool:
        """Give the client's progress to who asked for it."""
        found = self._tokens.get(id_key(said.params.get("progressToken")))
        if found is None:
            return False
        link, token = found
        link.tell(parse(put(said.raw, ("params", "progressToken"), encode(token))))
        return True

    def task_went_on(self, said: Message) -> None:
        """Tell how a task of the client does to who asked for it, and to nobody else."""
        link = self._tasks.get(str(said.params.get("taskId")))
        if link is not None:
            link.tell(said)

    def withdrawn(self, link: Link, said: Message) -> bytes | None:
        """The upstream cancels a question: what the client is told, None where it was not asked."""
        wanted = id_key(said.params.get("requestId"))
        for key, (who, asked) in self._open.items():
            if who is link and id_key(asked.id) == wanted:
                return put(said.raw, ("params", "requestId"), encode(key[1]))
        return None

    def gone(self, link: Link) -> list[RpcId]:
        """``link`` has another server now, which has asked nothing; the ids of what the old one asked."""
        keys = [key for key, (who, _) in self._open.items() if who is link]
        for key in keys:
            self._take(key)
        self._tasks = {task: who for task, who in self._tasks.items() if who is not link}
        return [key[1] for key in keys]

    def _take(self, key: IdKey) -> tuple[Link, Message]:
        """One that is not open any more, nor is its progress token."""
        link, asked = self._open.pop(key)
        for token in [token for token, (who, own) in self._tokens.items() if _is(who, own, link, asked)]:
            del self._tokens[token]
        return link, asked

    def _key(self, id: RpcId) -> IdKey | None:
        if id_key(id) in self._open:
            return id_key(id)
        return next((key for key in self._open if same_id(key, id)), None)


def _is(who: Link, own: object, link: Link, asked: Message) -> bool:
    return who is link and own == asked.meta.get("progressToken")


def _with_spelled(raw: bytes, place: tuple[str, ...], source: bytes, where: tuple[str, ...]) -> bytes:
    """``raw`` with the value at ``place`` as it is spelled in ``source``."""
    there = find(source, where)
    return raw if there is None else put(raw, place, source[there[0] : there[1]])
