"""The real server behind a stand-in: started when something must go to it, greeted as we were."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mcpscope.engine.spans import find
from mcpscope.protocol.answers import OurCode, error
from mcpscope.protocol.ids import spelled
from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.protocol.methods import Method
from mcpscope.replay.steps import IdKey, id_key
from mcpscope.replay.upstream import Upstream

GREETING_ID = "mcpscope-initialize"
POLL_SECONDS = 60.0
MAX_MINTED = 10_000
MOST_ASKED = 1000
"""Beyond it requests are answered so, and what waits for the handshake is lost."""
_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'


class Beyond:
    """``target`` as Upstream takes it. What it says is handed to ``arrived`` (None at its end), on a thread
    of its own, and comes back through ``said``; ``write`` takes lines for the client, ``take_id`` gives ids
    under which the client may be asked.
    """

    def __init__(
        self,
        target: Sequence[str],
        options: Sequence[str],
        arrived: Callable[[Message | None], None],
        write: Callable[[bytes], None],
        take_id: Callable[[RpcId], RpcId],
    ) -> None:
        self._target, self._options = target, options
        self._arrived = arrived
        self._write = write
        self._take_id = take_id
        self._upstream: Upstream | None = None
        self._hello: Message | None = None
        self._greeted = False
        self._queue: list[Message] = []
        self._asked: dict[IdKey, Message] = {}
        self._questions: dict[IdKey, RpcId] = {}
        self._minted: set[str] = set()

    def __repr__(self) -> str:
        return f"<Beyond {self._upstream!r} asked={len(self._asked)} greeted={self._greeted}>"

    def is_for(self, message: Message) -> bool:
        """Whether a message of the client continues something that this server said or was asked."""
        if message.is_answer:
            return id_key(message.id) in self._questions
        if message.method == Method.CANCELLED:
            return id_key(message.params.get("requestId")) in self._asked
        values = (message.params.get(name) for name in ("requestState", "taskId", "cursor"))
        return any(isinstance(value, str) and value in self._minted for value in values)

    def heard(self, message: Message) -> None:
        """The client says something that the recording answers; what belongs to the session is kept."""
        if message.method == Method.INITIALIZE:
            self._hello = message
        elif message.kind is Kind.NOTIFICATION and message.method != Method.INITIALIZED and self._greeted:
            self._send(message.raw)

    def ask(self, message: Message) -> None:
        """Pass a message of the client on."""
        if message.is_answer:
            asked_as = self._questions.pop(id_key(message.id))
            self._send(_under(asked_as, message.raw))
            return
        if message.kind is Kind.REQUEST:
            if len(self._asked) >= MOST_ASKED:
                why = "the server behind the recording owes too many answers"
                self._write(error(message, OurCode.UPSTREAM_GONE, why))
                return
            self._asked[id_key(message.id)] = message
        if message.method == Method.INITIALIZE:
            self._hello, self._greeted = message, True
        if self._upstream is None:
            self._open()
        if not self._greeted:
            if len(self._queue) < 2 * MOST_ASKED:  # every request of them, and as much besides
                self._queue.append(message)
        elif not self._send(message.raw):
            self._gone()

    def said(self, message: Message | None) -> None:
        """Take what the server said; None: it has gone."""
        if message is None:
            self._gone()
        elif message.is_answer and message.id == GREETING_ID:
            self._welcomed(message)
        elif message.is_answer:
            if self._asked.pop(id_key(message.id), None) is not None:
                self._note(message)
                self._write(message.raw)
        elif message.kind is Kind.REQUEST:
            shown = self._take_id(message.id)
            if len(self._questions) >= MOST_ASKED:
                del self._questions[next(iter(self._questions))]
            self._questions[id_key(shown)] = message.id
            self._write(_under(shown, message.raw))
        else:
            self._write(message.raw)

    def close(self) -> None:
        """End the server, if there is one."""
        if self._upstream is not None:
            self._upstream.close()

    def _open(self) -> None:
        self._upstream = Upstream(self._target, self._options)
        threading.Thread(target=self._pump, args=(self._upstream,), daemon=True).start()
        if self._greeted or self._hello is None:
            self._greeted = True
            return
        self._send(_under(GREETING_ID, self._hello.raw))

    def _pump(self, upstream: Upstream) -> None:
        while not upstream.ended:
            arrived = upstream.receive(POLL_SECONDS)
            if arrived is not None:
                self._arrived(arrived.message)
        self._arrived(None)

    def _welcomed(self, message: Message) -> None:
        self._greeted = True
        if message.kind is Kind.ERROR:
            self._refuse_all(f"the server refused the client's handshake: {message.error.get('message')}")
            return
        self._send(_INITIALIZED)
        waiting, self._queue = self._queue, []
        for one in waiting:
            self._send(one.raw)

    def _note(self, answer: Message) -> None:
        result = answer.result
        for name in ("requestState", "taskId", "nextCursor"):
            value = result.get(name) if isinstance(result, dict) else None
            if isinstance(value, str) and len(self._minted) < MAX_MINTED:
                self._minted.add(value)

    def _send(self, line: bytes) -> bool:
        return self._upstream is not None and self._upstream.send(line)

    def _gone(self) -> None:
        said = list(self._upstream.said) if self._upstream is not None else []
        last = next((line for line in reversed(said) if line.strip()), "")
        self._refuse_all("the server behind the recording has ended" + (f": {last}" if last else ""))

    def _refuse_all(self, why: str) -> None:
        asked, self._asked = self._asked, {}
        self._queue.clear()
        for message in asked.values():
            self._write(error(message, OurCode.UPSTREAM_GONE, why))


def _under(id: RpcId, raw: bytes) -> bytes:
    span = find(raw, ("id",))
    return raw if span is None else raw[: span[0]] + spelled(id).encode() + raw[span[1] :]
