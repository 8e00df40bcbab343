"""The server's own questions: answered from the recording, under the ids and keys of the live server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.replay.compare import compare, worst
from mcpscope.replay.json_paths import ASKED
from mcpscope.replay.links import asks
from mcpscope.replay.options import Options
from mcpscope.replay.plan import Plan
from mcpscope.replay.questions import paired_keys, questions_of
from mcpscope.replay.standing import Standing
from mcpscope.replay.steps import OF_THE_SESSION, QuestionKey, ServerRequest, Step, question_key
from mcpscope.replay.verdicts import Row, Verdict


class Answering:
    """Matches live server requests, and the legs of ``input_required``, to recorded ones."""

    def __init__(self, plan: Plan, standing: Standing, options: Options, told: Callable[[Row], None]) -> None:
        self._options = options
        self._plan = plan
        self._standing = standing
        self._told = told
        self._answered: dict[QuestionKey, tuple[bytes, bytes]] = {}
        self._keys: dict[int, dict[str, str]] = {}
        self._task_keys: dict[str, dict[str, str]] = {}

    def answer(self, request: Message, now: float) -> bytes:
        """The answer to one live server request (empty: none); what the recording has not becomes a row."""
        key = question_key(request, self._standing.epoch)
        if (again := self._answered.get(key)) is not None and again[0] == request.raw:
            return again[1]  # a resumed stream brings it once more
        said = self._answer_to(request, now)
        self._answered[key] = (request.raw, said)
        return said

    def _answer_to(self, request: Message, now: float) -> bytes:
        recorded = self._standing.match(request)
        if recorded is None:
            if request.method != "ping":
                self._told(self._new(request, now))
            return _encode(request, _default(request.method))
        recorded.used = True
        self._plan.echoes.learn(recorded.message.body, request.body, request.method)
        self._compare(recorded, request)
        if recorded.answer is None:
            return _encode(request, _default("ping")) if request.method == "ping" else b""
        body = recorded.answer.body
        if "error" in body:
            return _encode(request, {"error": body["error"]})
        return _encode(request, {"result": self._plan.echoes.spoken(body, request.method)})

    def missing(self) -> list[Row]:
        """A row for each recorded question that the live server did not ask."""
        why = "the live server did not ask"
        rows = []
        for asked in self._plan.server_requests:
            if asked.message.method != "ping" and self._standing.is_missing(asked):
                verdict = self._verdict(Verdict.MISSING, standing=asked.standing)
                label = ASKED + asked.message.method
                rows.append(Row(0, label, verdict, why=why, seq=asked.seq, was=asked.message.body))
        return rows

    def _new(self, request: Message, now: float) -> Row:
        standing = request.method in OF_THE_SESSION
        verdict = self._verdict(Verdict.NEW, standing=standing)
        why = "the live server asks what the recorded one did not"
        if standing and self._standing.is_late(now):
            verdict, why = Verdict.SKIPPED, "asked later than the recorded session lasted"
        return Row(0, ASKED + request.method, verdict, why=why, now=request.body)

    def _verdict(self, verdict: Verdict, *, standing: bool) -> Verdict:
        return Verdict.SKIPPED if standing and self._options.other_transport else verdict

    def leg(
        self, step: Step, was: Message, now: Message, steps: Sequence[Step], settle: Callable[[Step], None]
    ) -> tuple[Message, bool]:
        """What to compare a live answer with, and whether the exchange is over with it.

        A live server that needs fewer rounds is compared with the recorded end; the rounds left are settled.
        """
        was_asked, now_asks = asks(was), asks(now)
        later = [other for other in steps if other.first is (step.first or step) and other.seq > step.seq]
        if was_asked is None or not later:
            return was, True
        if now_asks is not None:
            self._keys[later[0].seq] = paired_keys(was_asked, now_asks)
            return was, False
        for other in later:
            settle(other)
        last = later[-1].answer
        return (last.message if last is not None else was), True

    def polled(self, step: Step, now: Message) -> None:
        """Note under which keys a live task asks what the recorded one asked (extension for tasks)."""
        was_asked, now_asks = questions_of(step.answer.message if step.answer else None), questions_of(now)
        if was_asked and now_asks:
            self._task_keys[step.message.params["taskId"]] = paired_keys(was_asked, now_asks)

    def rekeyed(self, step: Step, params: Any) -> Any:
        """The params of a retry, or of an update of a task, with the live keys in ``inputResponses``."""
        keys = self._keys.get(step.seq) or self._task_keys.get(str(step.message.params.get("taskId")))
        responses = params.get("inputResponses") if isinstance(params, dict) else None
        if not keys or not isinstance(responses, dict):
            return params
        return {**params, "inputResponses": {keys.get(key, key): value for key, value in responses.items()}}

    def _compare(self, recorded: ServerRequest, request: Message) -> None:
        row = Row(0, ASKED + request.method, Verdict.CHANGED, seq=recorded.seq)
        row.was, row.now = recorded.message.body, request.body
        masks = [mask for mask in self._options.masks if mask.is_for(row.label)]
        row.differences = compare(row.was, row.now, masks=masks, same=self._plan.echoes.is_same)
        level = worst(row.differences)
        if level is not None and level >= self._options.strictness.from_level:
            row.why = f"{row.differences[0].where} {row.differences[0].why}"
            self._told(row)


def _default(method: str) -> dict[str, Any]:
    if method == "elicitation/create":
        return {"result": {"action": "cancel"}}
    if method == "roots/list":
        return {"result": {"roots": []}}
    if method == "ping":
        return {"result": {}}
    if method == "sampling/createMessage":
        return {"error": {"code": -1, "message": "the recording has no answer for this"}}
    return {"error": {"code": -32601, "message": f"the recording knows no {method}"}}


def _encode(request: Message, said: dict[str, Any]) -> bytes:
    body = {"jsonrpc": "2.0", "id": request.id, **said}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
