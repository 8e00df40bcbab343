"""The row of one exchange: what a live answer, or its absence, says beside the recorded one."""

from __future__ import annotations

from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.replay.links import asks
from mcpscope.replay.options import Options
from mcpscope.replay.plan import Plan
from mcpscope.replay.polling import was_at_work
from mcpscope.replay.silence import SILENT
from mcpscope.replay.steps import OPENING, Step
from mcpscope.replay.verdicts import Row, Verdict, is_slower, judge

UPSTREAM_ENDED = "the upstream ended"
OPEN_ENDED = frozenset({"subscriptions/listen"})


class Judging:
    """Makes the rows of one run."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self._plan = plan
        self._options = options

    def first_answer(self, step: Step, now: Message, took: int, echoes: dict[Any, Any]) -> Row | None:
        """The row of a request that was never answered in the recording; None where that was right."""
        if step.cancelled or step.message.method in OPEN_ENDED:
            return None
        why = "was never answered, now is"
        return Row(0, step.label, Verdict.FIXED, None, took, why, step.seq, now=now.body, echoes=echoes)

    def answered(self, step: Step, was: Message, now: Message, took: int, echoes: dict[Any, Any]) -> Row:
        """The row of a request that was answered then and now."""
        row = Row(0, step.label, Verdict.SAME, step.took_ns, took, "", step.seq, was.body, now.body)
        row.echoes = echoes
        if step.cancelled:
            row.why = "cancelled then and now; either end is right"
            return row
        if was_at_work(step):
            row.why = "the task was at work when it was last asked for"
            return row
        row.verdict, row.differences = judge(
            was,
            now,
            strictness=self._options.strictness,
            masks=[mask for mask in self._options.masks if mask.is_for(step.label)],
            same=self._plan.echoes.is_same,
        )
        row.why = row.differences[0].where + " " + row.differences[0].why if row.differences else ""
        if asks(now) is not None and asks(was) is None:
            row.verdict = Verdict.CHANGED
            row.why = "the live server asks for more input than the recorded one"
        elif row.verdict is Verdict.SAME and asks(now) is None and _asked_then(step):
            row.verdict = Verdict.CHANGED
            row.why = "the live server asks for less input than the recorded one"
        timed = step.message.method not in OPENING and not step.polls  # a server's start is not its work
        if row.verdict is Verdict.SAME and timed and is_slower(row.was_ns, took):
            row.verdict = Verdict.SLOWER
        return row

    def unanswered(self, step: Step, stopped: str, waited: float) -> Row:
        """The row of a request without a live answer; ``stopped`` says why the run ended, if it did.

        ``waited`` are the seconds that it was given.
        """
        if step.cancelled or step.answer is None:
            verdict, why = Verdict.SAME, "not answered, then and now"
        elif stopped and stopped not in (UPSTREAM_ENDED, SILENT):  # nobody knows what would have come
            verdict, why = Verdict.SKIPPED, stopped
        elif stopped:
            verdict, why = Verdict.ERROR, f"no answer: {stopped}"
        else:
            what = "the task is not done" if step.polls else "no answer"
            verdict, why = Verdict.ERROR, f"{what} within {waited:.3g} s"
        was = step.answer.message.body if step.answer else None
        return Row(0, step.label, verdict, step.took_ns or None, None, why, step.seq, was)

    def skipped(self, step: Step, why: str) -> Row:
        """The row of a request that was not said again."""
        return Row(0, step.label, Verdict.SKIPPED, step.took_ns or None, None, why, step.seq)


def _asked_then(step: Step) -> bool:
    return step.answer is not None and asks(step.answer.message) is not None
