"""Paged lists in a replay: what is compared is the whole list, not how a server cuts it."""

from __future__ import annotations

from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.replay.steps import Step

_ITEMS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}


class Pages:
    """The pages of each list so far, recorded and live, by the seq of the list's first page."""

    def __init__(self) -> None:
        self._was: dict[int, list[Any]] = {}
        self._now: dict[int, list[Any]] = {}
        self._over: set[int] = set()

    def __repr__(self) -> str:
        return f"<Pages lists={len(self._now)} over={len(self._over)}>"

    def ended(self, first: Step) -> bool:
        """Whether the live list has no more pages."""
        return first.seq in self._over

    def take(self, step: Step, was: Message, now: Message) -> str | None:
        """Add one live page; returns the cursor of the next one, None where the list is complete."""
        first = step.page_of or step
        key = _ITEMS[step.message.method]
        if first.seq not in self._was:
            self._was[first.seq] = _recorded_items(first, key)
        self._now.setdefault(first.seq, []).extend(_items(now, key))
        following = now.result.get("nextCursor") if isinstance(now.result, dict) else None
        if isinstance(following, str) and (step.next_page is not None or _was_read_to_its_end(first)):
            return following
        self._over.add(first.seq)
        return None

    def whole(self, step: Step, was: Message, now: Message) -> tuple[Step, Message, Message]:
        """The first page's step and both lists as if they had come in one answer."""
        first = step.page_of or step
        if first is step and first.next_page is None:
            return step, was, now
        key = _ITEMS[step.message.method]
        recorded = first.answer.message if first.answer is not None else was
        return first, _joined(recorded, key, self._was[first.seq]), _joined(now, key, self._now[first.seq])


def _was_read_to_its_end(first: Step) -> bool:
    """Whether the recorded client read the whole list; else the live one is read as far as that."""
    last = first
    while last.next_page is not None:
        last = last.next_page
    result = last.answer.message.result if last.answer is not None else None
    return isinstance(result, dict) and not isinstance(result.get("nextCursor"), str)


def _recorded_items(first: Step, key: str) -> list[Any]:
    found: list[Any] = []
    step: Step | None = first
    while step is not None:
        if step.answer is not None:
            found.extend(_items(step.answer.message, key))
        step = step.next_page
    return found


def _items(message: Message, key: str) -> list[Any]:
    items = message.result.get(key) if isinstance(message.result, dict) else None
    return items if isinstance(items, list) else []


def _joined(message: Message, key: str, items: list[Any]) -> Message:
    if not isinstance(message.result, dict):
        return message
    result = {name: value for name, value in message.result.items() if name != "nextCursor"}
    body = {**message.body, "result": {**result, key: items}}
    return Message(message.raw, message.kind, body, id=message.id, has_id=message.has_id)
