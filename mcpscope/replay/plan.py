"""What a replay will say: the client messages of a recording in order, each with what it waits for.

A message may go out when every answer and server request that its client had seen before it is there again
(happened-before, mcp-wire.md 11): overlaps of the recording stay, and so does its order of cause.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.replay.echoes import Echoes
from mcpscope.replay.likeness import is_masked
from mcpscope.replay.links import link_legs, link_pages
from mcpscope.replay.polling import fold_polls
from mcpscope.replay.steps import (
    DEFINING,
    OF_THE_SESSION,
    OPENING,
    ROOTS_CHANGED,
    IdKey,
    QuestionKey,
    Recorded,
    ServerRequest,
    Step,
    id_key,
    question_key,
)


@dataclass(slots=True)
class Plan:
    """All of a replay: its steps, the server's requests to answer from the recording, and the echoes.

    ``replied`` are those of the server's requests that the client answered, in the order of its answers;
    ``opened_at`` is when the first answer came (unix ns), ``lasted_ns`` the time from then to the end.
    """

    steps: list[Step]
    answered: list[Step]
    server_requests: list[ServerRequest]
    replied: list[ServerRequest]
    echoes: Echoes
    standing: list[Message]
    definitions: dict[str, dict[str, Any]]
    era: str
    opened_at: int
    lasted_ns: int

    def tools(self) -> dict[str, int]:
        """How many calls to which tool the plan has."""
        counts: dict[str, int] = {}
        for step in self.steps:
            if step.tool:
                counts[step.tool] = counts.get(step.tool, 0) + 1
        return counts


def make_plan(
    recording: Iterable[Recorded], only: Collection[int] | None = None, *, echoes: bool = True
) -> Plan:
    """Read a recording in its order; ``only`` are the exchanges to replay (the handshake always stays).

    Without ``echoes`` what flows from one answer into the next request is not looked for.
    """
    reader = _Reader(echoes=echoes)
    for recorded in recording:
        reader.take(recorded)
    plan = reader.plan()
    if only is not None:
        for step in plan.steps:
            if (
                step.is_request
                and step.message.method not in OPENING
                and (step.first or step).seq not in only
            ):
                step.skip = "not selected"
    return plan


def is_destructive(definition: dict[str, Any] | None) -> bool:
    """Whether a tool declares itself destructive: said outright, or a writer that does not deny it."""
    hints = (definition or {}).get("annotations")
    if not isinstance(hints, dict):
        return False
    if isinstance(hints.get("destructiveHint"), bool):
        return bool(hints["destructiveHint"]) and hints.get("readOnlyHint") is not True
    return hints.get("readOnlyHint") is False


class _Reader:
    def __init__(self, *, echoes: bool) -> None:
        self.steps: list[Step] = []
        self.answered: list[Step] = []
        self.server_requests: list[ServerRequest] = []
        self.replied: list[ServerRequest] = []
        self.echoes = Echoes(reads=echoes)
        self.standing: list[Message] = []
        self.definitions: dict[str, dict[str, Any]] = {}
        self.era = "legacy"
        self._open: dict[IdKey, Step] = {}
        self._asked: dict[IdKey, ServerRequest] = {}
        self._tokens: dict[str, Step] = {}
        self._seen: dict[QuestionKey, Message] = {}
        self._epoch = 0
        self._last_at = 0

    def take(self, recorded: Recorded) -> None:
        self._last_at = recorded.at
        if recorded.direction is Direction.TO_SERVER:
            if not recorded.ours:
                self._client(recorded)
        else:
            self._server(recorded)

    def plan(self) -> Plan:
        link_legs(self.steps)
        fold_polls(self.steps)
        link_pages(self.steps)
        first = self.answered[0].answer if self.answered else None
        opened_at = first.at if first is not None else self._last_at
        return Plan(
            self.steps,
            self.answered,
            self.server_requests,
            self.replied,
            self.echoes,
            self.standing,
            self.definitions,
            self.era,
            opened_at,
            self._last_at - opened_at,
        )

    def _client(self, recorded: Recorded) -> None:
        message = recorded.message
        if message.is_answer:
            if (asked := self._asked.pop(id_key(message.id), None)) is not None:
                asked.answer = message
                self.replied.append(asked)
                self.echoes.client_said(message.body, asked.message.method)
            return
        if message.kind not in (Kind.REQUEST, Kind.NOTIFICATION):
            return
        step = Step(recorded.seq, recorded.at, message, after=len(self.answered), replied=len(self.replied))
        self.echoes.client_said(message.body, step.label)
        if recorded.redacted or is_masked(message):
            step.skip = "the recording holds it redacted"
        self.steps.append(step)
        if message.kind is Kind.NOTIFICATION:
            self._notified(message)
            return
        if "io.modelcontextprotocol/protocolVersion" in message.meta:
            self.era = "modern"
        self._open[id_key(message.id)] = step
        token = message.meta.get("progressToken")
        if token is not None:
            self._tokens[json.dumps(token)] = step

    def _notified(self, message: Message) -> None:
        if message.method == ROOTS_CHANGED:
            self._epoch += 1
        if message.method == "notifications/cancelled":
            step = self._open.get(id_key(message.params.get("requestId")))
            if step is not None:
                step.cancelled = True

    def _server(self, recorded: Recorded) -> None:
        message = recorded.message
        if message.kind is Kind.REQUEST:
            if self._is_repeated(message):
                return
            asked = ServerRequest(recorded.seq, recorded.at, message, standing=self._is_standing(message))
            asked.during, asked.epoch = tuple(self._open.values()), self._epoch
            self.server_requests.append(asked)
            self._asked[id_key(message.id)] = asked
            self.echoes.server_said(message.body, message.method)
        elif message.is_answer:
            step = self._open.pop(id_key(message.id), None)
            self.echoes.server_said(_minting(step, message), step.label if step is not None else "")
            if step is not None and step.answer is None:
                step.answer = recorded
                self.answered.append(step)
                self._learn(step, message)
        elif message.kind is Kind.NOTIFICATION:
            self._heard(message)

    def _is_repeated(self, message: Message) -> bool:
        """Whether a resumed stream brings a question once more: no server asks twice under one id."""
        before = self._seen.setdefault(question_key(message, self._epoch), message)
        return before is not message and before.raw == message.raw

    def _is_standing(self, message: Message) -> bool:
        return message.method in OF_THE_SESSION or not self._open

    def _heard(self, message: Message) -> None:
        self.echoes.server_said(message.body)
        if message.method == "notifications/progress":
            step = self._tokens.get(json.dumps(message.params.get("progressToken")))
            if step is not None:
                step.notifications.append(message)
            return
        (self.standing if not self._open else self._newest().notifications).append(message)

    def _newest(self) -> Step:
        return next(reversed(self._open.values()))

    def _learn(self, step: Step, answer: Message) -> None:
        result = answer.result
        if step.message.method == "tools/list" and isinstance(result, dict):
            self.definitions.update(definitions_in(result))


def _minting(step: Step | None, answer: Message) -> dict[str, Any]:
    """What of an answer may be minted: definitions and the opening are the same in each run."""
    if step is None or step.message.method not in DEFINING or not isinstance(answer.result, dict):
        return answer.body
    return {"result": {"nextCursor": answer.result.get("nextCursor")}}


def definitions_in(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tools of one page of ``tools/list`` by their names."""
    tools = result.get("tools")
    found = tools if isinstance(tools, Sequence) else ()
    return {
        tool["name"]: tool for tool in found if isinstance(tool, dict) and isinstance(tool.get("name"), str)
    }
