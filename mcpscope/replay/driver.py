"""One replay: sends the plan's steps when their causes are there, answers the server, judges what comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from mcpscope.protocol.message import Kind, Message, RpcId
from mcpscope.replay.answering import Answering
from mcpscope.replay.hearing import Hearing
from mcpscope.replay.judging import UPSTREAM_ENDED, Judging
from mcpscope.replay.options import Options
from mcpscope.replay.own import OWN_SEQ, list_tools, next_page, own_id
from mcpscope.replay.pages import Pages
from mcpscope.replay.plan import Plan, definitions_in, is_destructive
from mcpscope.replay.polling import Polls, is_on_its_way
from mcpscope.replay.questions import in_recorded_keys
from mcpscope.replay.silence import SILENT, Silence
from mcpscope.replay.standing import Standing
from mcpscope.replay.steps import LIST_METHODS, TIMED, IdKey, Sent, Step, id_key
from mcpscope.replay.upstream import Arrived, Upstream
from mcpscope.replay.verdicts import Row

POLL_SECONDS = 0.5


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
        self._answering = Answering(plan, self._standing, options, self._add)
        self._judging = Judging(plan, options)
        self._polls = Polls()
        self._silence = Silence()
        self._hearing = Hearing(plan, comparable=not options.other_transport)
        self._started = time.monotonic()

    def __repr__(self) -> str:
        return f"<Run rows={len(self.rows)} open={len(self._open)} of {len(self.plan.steps)}>"

    def stop(self, why: str) -> None:
        """End as soon as possible; what was not sent is marked skipped with ``why``."""
        self.stopped = self.stopped or why

    @property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """The tools of the live server, as far as they were listed."""
        return self._definitions or {}

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

    def attend(self, until: Callable[[], bool]) -> None:
        """Behind the run: go on answering the server from the recording until somebody has had enough."""
        self._told = lambda row: None
        while not until() and self._alive():
            self._pump(time.monotonic() + POLL_SECONDS)

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
        if not self._options.allow_destructive and is_destructive(self.definitions.get(step.tool)):
            return "declares itself destructive; --allow-destructive"
        return ""

    def _send(self, step: Step, rpc_id: RpcId, deadline: float | None = None) -> None:
        until = time.monotonic() + self._patience(step) if deadline is None else deadline
        self._open[id_key(rpc_id)] = Sent(step, rpc_id, time.monotonic_ns(), until)
        if not self._upstream.send(self._line(step, rpc_id)):
            self.stop(UPSTREAM_ENDED)

    def _patience(self, step: Step) -> float:
        return self._options.patience(step, starting=not self._standing.is_open)

    def _line(self, step: Step, rpc_id: RpcId) -> bytes:
        params = step.message.body.get("params")
        live = self.plan.echoes.spoken(step.message.body, step.label) if self.plan.echoes.live else params
        if step.first is not None or step.message.method == "tasks/update":
            live = self._answering.rekeyed(step, live)
        if live == params and rpc_id == step.message.id:
            return step.message.raw
        body = {**step.message.body, "params": live, **({"id": rpc_id} if step.is_request else {})}
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

    def _pace(self, step: Step) -> None:
        if self._options.speed is None and step.message.method not in TIMED:
            return
        speed = self._options.speed or 1.0
        due = self._started + (step.at - self.plan.steps[0].at) / 1e9 / speed
        while (left := due - time.monotonic()) > 0 and self._alive():
            self._pump(time.monotonic() + left)

    # -- waiting and receiving -----------------------------------------------------------------------------

    def _alive(self) -> bool:
        if self._upstream.ended and not self.stopped:
            self.stop(UPSTREAM_ENDED)
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
        first = min((sent.deadline for sent in self._open.values()), default=time.monotonic() + POLL_SECONDS)
        poll = self._polls.next()
        return first if poll is None else min(first, poll)

    def _pump(self, until: float) -> None:
        """Take in one message, or let the time pass until ``until``; settle what has waited too long."""
        arrived = self._upstream.receive(min(until - time.monotonic(), POLL_SECONDS))
        if arrived is not None:
            self._arrived(arrived)
        now = time.monotonic()
        for step, deadline in self._polls.due(now):
            self._send(step, own_id(self._own()), deadline)
        for sent in [sent for sent in self._open.values() if sent.deadline <= now]:
            self._unanswered(sent)

    def _arrived(self, arrived: Arrived) -> None:
        message = arrived.message
        self._silence.heard()
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
        owed = self._hearing.is_waiting or self._standing.is_waiting(time.monotonic())
        return owed and not self._options.other_transport

    # -- judging -------------------------------------------------------------------------------------------

    def _answered(self, sent: Sent, message: Message, at: int) -> None:
        step = sent.step
        if step.message.method == "tools/list" and isinstance(message.result, dict):
            self._definitions = {**self.definitions, **definitions_in(message.result)}
        if step.seq == OWN_SEQ:
            return
        if step.polls:
            self._answering.polled(step, message)
            now = time.monotonic()
            if is_on_its_way(step, message) and now < sent.deadline:
                self._polls.add(step, message, now, sent.deadline)
                return
        was = step.answer.message if step.answer is not None else None
        echoes: dict[Any, Any] = {}
        if was is not None:
            echoes = self.plan.echoes.learn(was.body, in_recorded_keys(was, message), step.label)
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
        self._settle(step)
        if was is None:
            row = self._judging.first_answer(step, now, took, echoes)
            if row is not None:
                self._add(row)
            return
        was, finished = self._answering.leg(step, was, now, self.plan.steps, self._settle)
        row = self._judging.answered(step, was, now, took, echoes)
        if finished or row.verdict.fails:  # a round that asks what it asked then is no row of its own
            self._add(row)

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
        self._add(self._judging.unanswered(step, self.stopped, self._patience(step)))
        if step.answer is not None and not step.cancelled and self._silence.missed():
            self.stop(SILENT)

    def _skip(self, step: Step, why: str) -> None:
        if not step.is_request or step.seq in self._settled:
            return
        step.skip = why
        self._settle(step)
        self._add(self._judging.skipped(step, why))

    def _settle(self, step: Step) -> None:
        self._settled.add(step.seq)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._told(row)
        if self._options.fail_fast and row.verdict.fails:
            self.stop("stopped at the first difference")
