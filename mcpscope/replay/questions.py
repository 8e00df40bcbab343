"""What a server asks inside a result (``inputRequests``): under minted keys, so they are paired with ours."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.replay.minted import split

MAX_LIKENED_CHARS = 1_000
Questions = dict[str, Any]


def questions_of(message: Message | None) -> Questions:
    """The questions of an answer by their keys, {} where it asks nothing."""
    result = message.result if message is not None else None
    asked = result.get("inputRequests") if isinstance(result, dict) else None
    return asked if isinstance(asked, dict) else {}


def paired_keys(was: Questions, now: Questions) -> dict[str, str]:
    """Recorded keys to live ones: the same question first, then the same method, in order."""
    left = dict(now)
    found: dict[str, str] = {}
    for key, question in was.items():
        match = next((name for name, live in left.items() if live == question), None)
        if match is None:
            method = _method(question)
            alike = [name for name, live in left.items() if _method(live) == method]
            match = max(alike, key=lambda name: likeness(question, left[name]), default=None)
        if match is not None:
            found[key] = match
            del left[match]
    return found


def likeness(was: Any, now: Any) -> float:
    """How much two questions have in common, from 0 to 1, what may be minted in them apart."""
    old, new = (json.dumps(question, sort_keys=True, default=str) for question in (was, now))
    first, second = ("\0".join(split(text[:MAX_LIKENED_CHARS], frozenset())[0]) for text in (old, new))
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def in_recorded_keys(was: Message, now: Message) -> dict[str, Any]:
    """The body of a live answer with recorded keys in the place of those that the live server minted."""
    was_asked, now_asks = questions_of(was), questions_of(now)
    if not was_asked or not now_asks:
        return now.body
    recorded = {live: key for key, live in paired_keys(was_asked, now_asks).items()}
    asked = {recorded.get(key, key): question for key, question in now_asks.items()}
    return {**now.body, "result": {**now.body["result"], "inputRequests": asked}}


def _method(question: Any) -> Any:
    return question.get("method") if isinstance(question, dict) else None
