"""Whether a live client answers the server's questions as the recorded one did, and what follows if not.

What a model writes and where a client's roots are differ from run to run and change nothing here; what a
person enters decides what the server says next, so another answer needs another recorded call.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.protocol.methods import Method
from mcpscope.replay.likeness import MASKED
from mcpscope.replay.steps import OF_THE_SESSION
from mcpscope.replay.tape import Call, Event

_SHOWN_CHARS = 80


def differs(event: Event, live: Message) -> str:
    """How the live answer to a played question is not the recorded one; "" where it may stand for it."""
    recorded = event.answer
    if recorded is None or event.message.method in OF_THE_SESSION:
        return ""
    if recorded.is_answer and (recorded.result is None) != (live.result is None):
        return f"answered {event.message.method} with {_shown(recorded)}, this one with {_shown(live)}"
    if event.message.method != Method.ELICITATION or MASKED.search(json.dumps(recorded.body)):
        return ""
    if _chosen(recorded) == _chosen(live):
        return ""
    return f"answered {event.message.method} with {_shown(recorded)}, this one with {_shown(live)}"


def other_branch(family: Sequence[Call], place: int, event: Event, live: Message) -> Call | None:
    """Another recorded call of the same kind whose client answered so at ``place`` of its events."""
    for call in family:
        events = call.during
        if not 0 <= place < len(events) or events[place] is event:
            continue
        same = events[place].message.method == event.message.method
        if same and events[place].answer is not None and not differs(events[place], live):
            return call
    return None


def _chosen(answer: Message) -> Any:
    result = answer.result
    if not isinstance(result, dict):
        return None
    return (result.get("action"), result.get("content") if result.get("action") == "accept" else None)


def _shown(answer: Message) -> str:
    said = answer.error or answer.result
    if isinstance(said, dict):
        said = {key: value for key, value in said.items() if key != "_meta"}
    text = json.dumps(said, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
