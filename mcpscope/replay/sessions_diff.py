"""Two recorded sessions side by side: which exchange stands for which, and what differs."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mcpscope.engine.drift import Danger, danger_of
from mcpscope.replay.compare import MISSING, Difference, Level, compare
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.plan import Plan
from mcpscope.replay.steps import Step
from mcpscope.replay.verdicts import Row, Strictness, Verdict, is_slower, judge

_LEVELS = {Danger.HARMLESS: Level.INFO, Danger.LOOK: Level.WARNING, Danger.DANGEROUS: Level.ERROR}
_DANGER = {level: danger.value for danger, level in _LEVELS.items()}


def diff_sessions(was: Plan, now: Plan, *, strictness: Strictness, masks: Sequence[Mask] = ()) -> list[Row]:
    """A row for each request of either session, in the order of the first."""
    rows: list[Row] = []
    for old, new in _pairs(_requests(was), _requests(now)):
        row = _row(old, new, was, strictness, masks)
        row.number = len(rows) + 1
        rows.append(row)
    return rows


def diff_tools(was: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> list[Row]:
    """The tool surface: a row a tool that is new, gone or changed; dangerous changes are errors."""
    rows: list[Row] = []
    for name in sorted(was.keys() | now.keys()):
        old, new = was.get(name), now.get(name)
        row = Row(len(rows) + 1, name, Verdict.SAME, was=old, now=new)
        if old is None:
            row.verdict, row.why = Verdict.NEW, "the tool is new"
        elif new is None:
            row.verdict, row.why = Verdict.MISSING, "the tool is gone"
        else:
            row.differences = definition_changes(old, new)
            if row.differences:
                worst = max(item.level for item in row.differences)
                row.verdict = Verdict.CHANGED
                row.why = _DANGER[worst]
        rows.append(row)
    return rows


def definition_changes(was: dict[str, Any], now: dict[str, Any]) -> list[Difference]:
    """What changed in one definition. Dangerous (ERROR): what it may do or must be given, and its words."""
    found = compare({"result": {"tool": was}}, {"result": {"tool": now}})
    own = [item for item in found if len(item.path) > 2]
    return [Difference(item.path[2:], _danger(item), item.was, item.now, item.why) for item in own]


def _danger(item: Difference) -> Level:
    return _LEVELS[danger_of(item.path[2:], new=item.was is MISSING)]


def _requests(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.is_request and step.first is None]


def _pairs(was: list[Step], now: list[Step]) -> Iterable[tuple[Step | None, Step | None]]:
    """The same request first, each once and in order; then what is left by its label, in order."""
    partner = _match(was, now, _key)
    taken = {step.seq for step in partner.values()}
    left = [step for step in was if step.seq not in partner]
    partner |= _match(left, [step for step in now if step.seq not in taken], lambda step: step.label)
    for step in was:
        yield step, partner.get(step.seq)
    taken = {step.seq for step in partner.values()}
    for step in now:
        if step.seq not in taken:
            yield None, step


def _match(was: list[Step], now: list[Step], key: Callable[[Step], str]) -> dict[int, Step]:
    waiting: dict[str, deque[Step]] = defaultdict(deque)
    for step in now:
        waiting[key(step)].append(step)
    found: dict[int, Step] = {}
    for step in was:
        if queue := waiting[key(step)]:
            found[step.seq] = queue.popleft()
    return found


def _key(step: Step) -> str:
    params = {key: value for key, value in step.message.params.items() if key != "_meta"}
    return json.dumps([step.message.method, params], sort_keys=True, default=str)


def _row(old: Step | None, new: Step | None, was: Plan, strictness: Strictness, masks: Sequence[Mask]) -> Row:
    if old is None or new is None:
        step = old or new
        assert step is not None
        verdict = Verdict.MISSING if new is None else Verdict.NEW
        why = "only in the first session" if new is None else "only in the second session"
        return Row(0, step.label, verdict, seq=step.seq, why=why)
    row = Row(0, old.label, Verdict.SAME, old.took_ns or None, new.took_ns or None, seq=old.seq)
    if old.answer is None or new.answer is None:
        if (old.answer is None) != (new.answer is None):
            row.verdict = Verdict.ERROR if new.answer is None else Verdict.FIXED
            row.why = "answered in one session only"
        return row
    row.was, row.now = old.answer.message.body, new.answer.message.body
    row.echoes = dict(was.echoes.learn(old.answer.message.body, new.answer.message.body, old.label))
    own = [mask for mask in masks if mask.is_for(row.label)]
    row.verdict, row.differences = judge(
        old.answer.message, new.answer.message, strictness=strictness, masks=own, same=was.echoes.is_same
    )
    if row.differences:
        row.why = f"{row.differences[0].where} {row.differences[0].why}"
    if row.verdict is Verdict.SAME and is_slower(row.was_ns, row.now_ns):
        row.verdict = Verdict.SLOWER
    return row
