"""One replay: sends the plan's steps when their causes are there, answers the server, judges what comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.replay.answering import Answering
from mcpscope.replay.hearing import Hearing
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.links import asks
from mcpscope.replay.own import OWN_SEQ, list_tools, next_page, own_id
from mcpscope.replay.pages import Pages
from mcpscope.replay.plan import Plan, definitions_in, is_destructive
from mcpscope.replay.standing import Standing
from mcpscope.replay.steps import LIST_METHODS, OPENING, IdKey, Step, id_key
from mcpscope.replay.upstream import Arrived, Upstream
from mcpscope.replay.verdicts import Row, Strictness, Verdict, is_slower, judge

MIN_TIMEOUT_SECONDS = 10.0
TIMEOUT_FACTOR = 3
POLL_SECONDS = 0.5
TASK_POLL_LIMIT = 1_000
OPEN_ENDED = frozenset({"subscriptions/listen"})


@dataclass(frozen=True, slots=True)
class Options:
    """How to replay. ``speed`` is None for "as fast as causes allow", 1.0 for the recorded pace.

    ``other_transport``: the upstream is reached in another way than the recorded one.
    """

    strictness: Strictness = Strictness.SEMANTIC
    masks: Sequence[Mask] = ()
    speed: float | None = None
    timeout: float | None = None
    fail_fast: bool = False
    allow_destructive: bool = False
    other_transport: bool = False


@dataclass(slots=True)
class Sent:
    """A request on its way: which step it says, under which id, since when (monotonic ns)."""

    step: Step
    id: RpcId
    at: int
    deadline: float
    polls: int = 0


class Run:
    """A replay under way. ``rows`` fill while it runs; ``told`` hears of each; ``stop()`` ends it early."""

    def __init__(
        self, plan: Plan, upstream: Upstream, options: Options, told: Callable[[Row], None] = lambda row: None
    ) -> None:
        self.plan = plan
        self.rows: list[Row] = []
        self.stopped = ""
        self._upstream = upstream
        self._options = options
        self._told = told
        self._open: dict[IdKey, Sent] = {}
        self._settled: set[int] = set()
        self._done = 0
        self._ids = 0
        self._definitions: dict[str, dict[str, Any]] | None = None
        self._pages = Pages()
        self._standing = Standing(plan)
        self._answering = Answering(plan, self._standing, self._add, comparable=not options.other_transport)
        self._hearing = Hearing(plan, comparable=not options.other_transport)
        self._started = time.monotonic()

    def __repr__(self) -> str:
        return f"<Run rows={len(self.rows)} open={len(self._open)} of {len(self.plan.steps)}>"

    def stop(self, why: str) -> None:
        """End as soon as possible; what was not sent is marked skipped with ``why``."""
        self.stopped = self.stopped or why

    def unannotated(self) -> list[str]:
        """The tools that ran although nobody says whether they destroy anything."""
        found = {row.label for row in self.rows if row.verdict is not Verdict.SKIPPED}
        known = self._definitions or {}
        return sorted(name for name in found & known.keys() if not known[name].get("annotations"))

    def run(self) -> list[Row]:
        """Say everything, wait for what is owed, and return the rows in the recording's order."""
        for step in self.plan.steps:
            self._await(step.after)
            self._await_questions(step)
            if not self._alive():
                self._skip(step, self.stopped)
            else:
                self._pace(step)
                self._take_turn(step)
        self._await(len(self.plan.answered))
        self._linger()
        for sent in list(self._open.values()):
            self._unanswered(sent)
        if not self.stopped:  # else nobody knows what would have come
            for row in [*self._answering.missing(), *self._hearing.rows()]:
                self._add(row)
        self.rows.sort(key=lambda row: row.seq)
        for number, row in enumerate(self.rows, 1):
            row.number = number
        return self.rows

    # -- sending -------------------------------------------------------------------------------------------

    def _take_turn(self, step: Step) -> None:
        if not step.is_request:
            self._upstream.send(self._line(step, step.message.id))
            self._standing.said(step.message)
            return
        why = step.skip or self._reason_to_skip(step)
        if why:
            self._skip(step, why)
            return
        if step.seq in self._settled:
            return  # the live server needed fewer rounds
        self._send(step, step.message.id)

    def _reason_to_skip(self, step: Step) -> str:
        if step.page_of is not None and self._pages.ended(step.page_of):
            self._settle(step)
            return "the live list has fewer pages"
        if not step.tool:
            return ""
        if self._definitions is None:
            self._fetch_definitions()
        if not self._options.allow_destructive and is_destructive((self._definitions or {}).get(step.tool)):
            return "declares itself destructive; --allow-destructive"
        return ""

    def _send(self, step: Step, rpc_id: RpcId) -> None:
        now = time.monotonic()
        sent = Sent(step, rpc_id, time.monotonic_ns(), now + self._patience(step))
        self._open[id_key(rpc_id)] = sent
        if not self._upstream.send(self._line(step, rpc_id)):
            self.stop("the upstream ended")

    def _line(self, step: Step, rpc_id: RpcId) -> bytes:
        params = step.message.body.get("params")
        live = self.plan.echoes.substitute(params) if self.plan.echoes.live else params
        if step.first is not None:
            live = self._answering.rekeyed(step, live)
        if live == params and rpc_id == step.message.id:
            return step.message.raw
        body = {**step.message.body, "params": live}
        if step.is_request:
            body["id"] = rpc_id
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    def _fetch_definitions(self) -> None:
        """Ask the live server for its tools: what is destructive is its word, not the recording's."""
        self._definitions = {}
        asked = list_tools(self.plan, self._own())
        self._send(asked, asked.message.id)
        while id_key(asked.message.id) in self._open and self._alive():
            self._pump(self._next_deadline())

    def _own(self) -> int:
        self._ids += 1
        return self._ids

    def _patience(self, step: Step) -> float:
        if self._options.timeout is not None:
            return self._options.timeout
        return max(MIN_TIMEOUT_SECONDS, TIMEOUT_FACTOR * step.took_ns / 1e9)

    def _pace(self, step: Step) -> None:
        if self._options.speed is None and step.message.method != "notifications/cancelled":
            return
        speed = self._options.speed or 1.0
        due = self._started + (step.at - self.plan.steps[0].at) / 1e9 / speed
        while (left := due - time.monotonic()) > 0 and self._alive():
            self._pump(time.monotonic() + left)

    # -- waiting and receiving -----------------------------------------------------------------------------

    def _alive(self) -> bool:
        if self._upstream.ended and not self.stopped:
            self.stop("the upstream ended")
        return not self.stopped

    def _await(self, count: int) -> None:
        while self._done < count and self._alive():
            if self.plan.answered[self._done].seq in self._settled:
                self._done += 1
                continue
            self._pump(self._next_deadline())

    def _await_questions(self, step: Step) -> None:
        """Let the server ask first what it had asked first; a bounded time, for it may not ask at all."""
        while self._alive():
            running = {sent.step.seq for sent in self._open.values()}
            due = self._standing.awaited(step, running, time.monotonic())
            if due is None:
                return
            self._pump(min(due, self._next_deadline()))

    def _next_deadline(self) -> float:
        return min((sent.deadline for sent in self._open.values()), default=time.monotonic() + POLL_SECONDS)

    def _pump(self, until: float) -> None:
        """Take in one message, or let the time pass until ``until``; settle what has waited too long."""
        arrived = self._upstream.receive(min(until - time.monotonic(), POLL_SECONDS))
        if arrived is not None:
            self._arrived(arrived)
        now = time.monotonic()
        for sent in [sent for sent in self._open.values() if sent.deadline <= now]:
            self._unanswered(sent)

    def _arrived(self, arrived: Arrived) -> None:
        message = arrived.message
        if message.is_answer:
            sent = self._open.pop(id_key(message.id), None)
            self._standing.opened(time.monotonic())
            if sent is not None:
                self._answered(sent, message, arrived.at)
        elif message.kind is Kind.REQUEST:
            said = self._answering.answer(message, time.monotonic())
            if said:
                self._upstream.send(said)
        else:
            self._hearing.hear(message)

    def _linger(self) -> None:
        """Wait as long as the recording did for what the server says on its own and has not said yet."""
        until = time.monotonic() + self._hearing.patience_seconds
        while self._is_lingering() and time.monotonic() < until and self._alive():
            self._pump(until)

    def _is_lingering(self) -> bool:
        if self._options.other_transport:
            return False
        return self._hearing.is_waiting or self._standing.is_waiting(time.monotonic())

    # -- judging -------------------------------------------------------------------------------------------

    def _answered(self, sent: Sent, message: Message, at: int) -> None:
        step = sent.step
        if step.message.method == "tools/list" and isinstance(message.result, dict):
            self._definitions = {**(self._definitions or {}), **definitions_in(message.result)}
        if step.seq == OWN_SEQ:
            return
        if step.polls and self._poll_again(sent, message):
            return
        was = step.answer.message if step.answer is not None else None
        echoes = self.plan.echoes.learn(was.body, message.body) if was is not None else {}
        took = at - sent.at
        if step.message.method in LIST_METHODS and was is not None:
            following = self._pages.take(step, was, message)
            if following is not None:
                self._settle(step)
                self._follow(step, following)
                return
            step, was, message = self._pages.whole(step, was, message)
            self._settle(sent.step)
        self._judge(step, was, message, took, echoes)

    def _judge(
        self, step: Step, was: Message | None, now: Message, took: int, echoes: dict[Any, Any]
    ) -> None:
        was_ns = step.took_ns if was is not None else None
        row = Row(0, step.label, Verdict.SAME, was_ns, took, seq=step.seq, now=now.body, echoes=echoes)
        self._settle(step)
        if was is None:
            if step.cancelled or step.message.method in OPEN_ENDED:
                return
            row.verdict, row.why = Verdict.FIXED, "was never answered, now is"
            self._add(row)
            return
        was, finished = self._answering.leg(step, was, now, self.plan.steps, self._settle)
        if not finished:
            return
        row.was = was.body
        if step.cancelled:
            row.why = "cancelled then and now; either end is right"
            self._add(row)
            return
        row.verdict, row.differences = judge(
            was,
            now,
            strictness=self._options.strictness,
            masks=self._options.masks,
            same=self.plan.echoes.is_same,
        )
        row.why = row.differences[0].where + " " + row.differences[0].why if row.differences else ""
        if asks(now) is not None and asks(was) is None:
            row.verdict, row.why = (
                Verdict.CHANGED,
                "the live server asks for more input than the recorded one",
            )
        opens = step.message.method in OPENING  # its time is the server's start, not its work
        if row.verdict is Verdict.SAME and not opens and is_slower(was_ns, took):
            row.verdict = Verdict.SLOWER
        self._add(row)

    def _masks(self, step: Step) -> list[Mask]:
        return [mask for mask in self._options.masks if mask.is_for(step.label)]

    def _poll_again(self, sent: Sent, message: Message) -> bool:
        """Whether the task is still at work: ask again under an id of ours, as the server wishes."""
        result = message.result if isinstance(message.result, dict) else {}
        if result.get("status") not in ("working", "submitted") or sent.polls >= TASK_POLL_LIMIT:
            return False
        interval = result.get("pollInterval", result.get("pollIntervalMs"))
        wait = interval / 1000 if isinstance(interval, int | float) else 0.2
        until = time.monotonic() + min(max(wait, 0.02), 5.0)
        while time.monotonic() < until and self._alive():
            self._pump(until)
        asked = own_id(self._own())
        self._send(sent.step, asked)
        again = self._open.get(id_key(asked))
        if again is not None:
            again.polls = sent.polls + 1
            again.deadline = max(again.deadline, sent.deadline)
        return True

    def _follow(self, step: Step, cursor: str | None) -> None:
        """Ask for a page that the recording did not have."""
        if step.next_page is not None or cursor is None:
            return
        following = next_page(step, cursor, self._own())
        self._send(following, following.message.id)

    def _unanswered(self, sent: Sent) -> None:
        self._open.pop(id_key(sent.id), None)
        step = sent.step
        if step.seq == OWN_SEQ or step.seq in self._settled:
            return
        self._settle(step)
        if step.cancelled or step.answer is None:
            verdict, why = Verdict.SAME, "not answered, then and now"
        elif self.stopped:
            verdict, why = Verdict.ERROR, f"no answer: {self.stopped}"
        else:
            verdict, why = Verdict.ERROR, f"no answer within {self._patience(step):.0f} s"
        was = step.answer.message.body if step.answer else None
        self._add(Row(0, step.label, verdict, step.took_ns or None, None, why, step.seq, was))

    def _skip(self, step: Step, why: str) -> None:
        if not step.is_request or step.seq in self._settled:
            return
        step.skip = why
        self._settle(step)
        self._add(Row(0, step.label, Verdict.SKIPPED, step.took_ns or None, None, why, step.seq))

    def _settle(self, step: Step) -> None:
        self._settled.add(step.seq)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._told(row)
        if self._options.fail_fast and row.verdict.fails:
            self.stop("stopped at the first difference")
