"""A message in the gate as the filter language sees it: the leg that is being judged, as it would leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Phase
from mcpscope.protocol.message import Kind, Message

_KINDS = {Kind.REQUEST: "request", Kind.NOTIFICATION: "notification", Kind.MALFORMED: "malformed"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a session's filter fields answer."""

    session_names: tuple[str, ...] = ()
    client_names: tuple[str, ...] = ()
    server_names: tuple[str, ...] = ()


class Live:
    """One leg of a live exchange; see engine.filter.subject for what each member means.

    ``memo`` is where conditions keep what they have worked out of it.
    """

    __slots__ = ("_at", "_facts", "_passage", "answer", "memo", "method", "request", "tool")

    def __init__(self, passage: Passage, facts: Facts, at: int) -> None:
        self._passage = passage
        self._facts = facts
        self._at = at
        self.memo: dict[Any, Any] = {}
        # Asked for by every rule, so worked out once; after an edit there is another Live.
        self.method = passage.method
        self.tool = passage.tool
        answers = passage.phase is Phase.ANSWER
        self.request: Message | None = passage.request if answers else passage.message
        self.answer: Message | None = passage.message if answers else None

    def __repr__(self) -> str:
        return f"<Live {self._passage.phase} {self.method} {self.tool}>"

    @property
    def seq(self) -> int:
        exchange = self._passage.exchange
        return exchange.id if exchange else self._passage.at

    @property
    def kinds(self) -> Sequence[str]:
        if self._passage.phase is Phase.ANSWER:
            return ("response",)
        return (_KINDS.get(self._passage.message.kind, "malformed"),)

    @property
    def caller(self) -> str:
        """Whose token came with it over HTTP; where nobody was asked for one, what the client says it is."""
        names = self._facts.client_names
        return self._passage.caller or (names[0] if names else "")

    @property
    def dir(self) -> str:
        return opening_direction(self._passage)

    @property
    def name(self) -> str:
        found = self._param("name") or self._ref("name")
        return found or (self._passage.exchange.name if self._passage.exchange else "")

    @property
    def uri(self) -> str:
        return self._param("uri") or self._ref("uri")

    @property
    def rpc_id(self) -> str:
        return self._passage.rpc_id

    @property
    def status(self) -> str:
        answer = self.answer
        return status_of(answer) if answer is not None else "waiting"

    @property
    def code(self) -> int | None:
        answer = self.answer
        code = answer.error.get("code") if answer is not None else None
        return code if isinstance(code, int) else None

    @property
    def flags(self) -> Sequence[str]:
        flags = ["edited"] if self._passage.changed else []
        return [*flags, *self._passage.tags]

    @property
    def opened_at(self) -> int:
        exchange = self._passage.exchange
        return exchange.opened_at if exchange else self._passage.at

    @property
    def dur_ns(self) -> int | None:
        return self._at - self.opened_at if self._passage.phase is Phase.ANSWER else None

    @property
    def wait_ns(self) -> int | None:
        return self._passage.held_ns or None

    @property
    def req_bytes(self) -> int | None:
        request = self.request
        return len(request.raw) if request is not None else None

    @property
    def res_bytes(self) -> int | None:
        answer = self.answer
        return len(answer.raw) if answer is not None else None

    @property
    def session_names(self) -> Sequence[str]:
        return self._facts.session_names

    @property
    def client_names(self) -> Sequence[str]:
        return self._facts.client_names

    @property
    def server_names(self) -> Sequence[str]:
        return self._facts.server_names

    @property
    def rules(self) -> Sequence[str]:
        return sorted(self._passage.let_go | self._passage.applied)

    @property
    def bodies(self) -> Sequence[bytes]:
        return [self._passage.message.raw]

    @property
    def notes(self) -> Sequence[str]:
        return ()

    def _ref(self, key: str) -> str:
        """What a request for completions is about."""
        request = self.request
        ref = request.params.get("ref") if request is not None else None
        found = ref.get(key) if isinstance(ref, dict) else None
        return found if isinstance(found, str) else ""

    def _param(self, key: str) -> str:
        request = self.request
        found = request.params.get(key) if request is not None else None
        return found if isinstance(found, str) else ""


def opening_direction(passage: Passage) -> str:
    """The direction of the exchange: that of what opened it."""
    direction = passage.direction
    return (direction.other if passage.phase is Phase.ANSWER else direction).value


def status_of(answer: Message) -> str:
    """The status word of an answer (ux.md 2.4)."""
    if answer.kind is Kind.ERROR:
        return "rpc-error"
    result = answer.result
    if not isinstance(result, dict):
        return "ok"
    if result.get("isError") is True:
        return "tool-error"
    return {"input_required": "input", "task": "task"}.get(str(result.get("resultType")), "ok")
