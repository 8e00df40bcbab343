"""Requests that a replay makes beyond its recording: the live tools, one more page; under ids of our own."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.protocol.message import Kind, Message
from mcpscope.replay.plan import Plan
from mcpscope.replay.steps import Step

OWN_SEQ = -1
"""The seq of a step that no recording has."""


def own_id(number: int) -> str:
    """An id that no client uses."""
    return f"mcpscope-{number}"


def list_tools(plan: Plan, number: int) -> Step:
    """``tools/list`` in the recording's era, with the envelope its client sent (2026-07-28)."""
    params: dict[str, Any] = {}
    if plan.era == "modern":
        meta = next((step.message.meta for step in plan.steps if step.message.meta), {})
        params["_meta"] = {key: value for key, value in meta.items() if key != "progressToken"}
    return Step(OWN_SEQ, 0, _request("tools/list", params, number))


def next_page(step: Step, cursor: str, number: int) -> Step:
    """The request for a page of a list that the recording did not have."""
    params = {**step.message.params, "cursor": cursor}
    message = _request(step.message.method, params, number)
    return Step(step.seq, step.at, message, answer=step.answer, page_of=step.page_of or step)


def _request(method: str, params: dict[str, Any], number: int) -> Message:
    body = {"jsonrpc": "2.0", "id": own_id(number), "method": method, "params": params}
    return Message(json.dumps(body).encode(), Kind.REQUEST, body, method, own_id(number), True)
