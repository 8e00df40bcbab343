"""Tasks in a replay: how often one is asked for differs between runs, where it ends does not.

Of the recorded polls of a task stay those that found it somewhere: at its end, or waiting for input. Each of
them is asked anew, as often as the live server wishes, until the task is as far as it was then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mcpscope.protocol.message import Message
from mcpscope.replay.steps import Step

MIN_PAUSE_SECONDS = 0.02
USUAL_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 5.0
AT_WORK = frozenset({"working", "submitted"})
WAITING = "input_required"


def fold_polls(steps: Sequence[Step]) -> None:
    """Mark the polls among the steps, and skip those that found their task at work."""
    begun: dict[str, int] = {}
    before: dict[str, Step] = {}
    for step in steps:
        task = step.message.params.get("taskId")
        if not isinstance(task, str):
            continue
        if step.message.method == "tasks/update":
            before.pop(task, None)
        if step.message.method != "tasks/get":
            continue
        step.polls = True
        if step.answer is not None:
            step.polled_ns = step.answer.at - begun.setdefault(task, step.at)
        last = before.get(task)
        if last is not None and (_status_then(last) in AT_WORK or _status_then(last) == _status_then(step)):
            last.skip = last.skip or "an earlier poll of the same task"
        before[task] = step


def is_on_its_way(step: Step, answer: Message) -> bool:
    """Whether the live task is not yet as far as the recorded one was at this poll."""
    then, now = _status_then(step), _status(answer)
    if then in AT_WORK:
        return False
    return now in AT_WORK or (now == WAITING and then != WAITING)


def was_at_work(step: Step) -> bool:
    """Whether the recorded client saw this task at work and never looked again: a matter of time."""
    return step.polls and _status_then(step) in AT_WORK


@dataclass(slots=True)
class Polls:
    """Polls that wait for their time: when (monotonic seconds), which step, until when it is worth while."""

    waiting: list[tuple[float, Step, float]] = field(default_factory=list)

    def add(self, step: Step, answer: Message, now: float, deadline: float) -> None:
        """Ask again after the pause that the server wishes, but not behind ``deadline``."""
        result = answer.result if isinstance(answer.result, dict) else {}
        wished = result.get("pollInterval", result.get("pollIntervalMs"))
        pause = wished / 1000 if isinstance(wished, int | float) else USUAL_PAUSE_SECONDS
        pause = min(max(pause, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        self.waiting.append((min(now + pause, deadline), step, deadline))

    def due(self, now: float) -> list[tuple[Step, float]]:
        """Take out those whose time has come: the step and its deadline."""
        found = [(step, deadline) for at, step, deadline in self.waiting if at <= now]
        self.waiting = [one for one in self.waiting if one[0] > now]
        return found

    def next(self) -> float | None:
        """When the first is due."""
        return min((at for at, _, _ in self.waiting), default=None)


def _status_then(step: Step) -> str:
    return _status(step.answer.message) if step.answer is not None else ""


def _status(answer: Message) -> str:
    result = answer.result
    status = result.get("status") if isinstance(result, dict) else None
    return status if isinstance(status, str) else ""
