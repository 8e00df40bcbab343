"""Which steps of a plan belong together: legs of an exchange, pages of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.replay.steps import LIST_METHODS, Step


def asks(answer: Message | None) -> dict[str, Any] | None:
    """The ``inputRequests`` of an ``input_required`` answer ({} where it has none), None for any other."""
    result = answer.result if answer is not None else None
    if not isinstance(result, dict) or result.get("resultType") != "input_required":
        return None
    found = result.get("inputRequests")
    return found if isinstance(found, dict) else {}


def link_legs(steps: Sequence[Step]) -> None:
    """Tie each retry to the first leg of its exchange: by request state, else by what it calls."""
    waiting: list[Step] = []
    for step in steps:
        if step.is_request and step.is_retry:
            leg = next((leg for leg in waiting if _continues(leg, step)), None)
            if leg is not None:
                waiting.remove(leg)
                step.first = leg.first or leg
        if step.is_request and step.answer is not None and asks(step.answer.message) is not None:
            waiting.append(step)


def _continues(leg: Step, step: Step) -> bool:
    if leg.answer is None or leg.message.method != step.message.method:
        return False
    state = leg.answer.message.result.get("requestState")
    if state is not None or "requestState" in step.message.params:
        return bool(state == step.message.params.get("requestState"))
    return _call_of(leg) == _call_of(step)


def _call_of(step: Step) -> dict[str, Any]:
    left_out = ("_meta", "inputResponses", "requestState")
    return {key: value for key, value in step.message.params.items() if key not in left_out}


def link_pages(steps: Sequence[Step]) -> None:
    """Tie the pages of one list together: each request that repeats the cursor of the page before."""
    ends: dict[tuple[str, str], Step] = {}
    for step in steps:
        if step.message.method not in LIST_METHODS or not step.is_request:
            continue
        cursor = step.message.params.get("cursor")
        before = ends.pop((step.message.method, cursor), None) if isinstance(cursor, str) else None
        if before is not None:
            step.page_of = before.page_of or before
            before.next_page = step
        if step.answer is not None and isinstance(step.answer.message.result, dict):
            following = step.answer.message.result.get("nextCursor")
            if isinstance(following, str):
                ends[(step.message.method, following)] = step
