"""A recording as a replay needs it: read from the store, in the words that the server heard and said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.replay.steps import Recorded
from mcpscope.store.replays import RecordedMessage, Revision, messages

_NEVER_REACHED = frozenset({"denied", "answered", "dropped", "abandoned", "absorbed", "refused"})


def load(path: Path, session_id: int, revision: Revision) -> Iterator[Recorded]:
    """The messages of a session, with the answers that reviews have accepted in the place of older ones.

    What a gate edited on its way to the server counts as edited, what it edited on its way back as the
    server said it; what never reached the server is left out.
    """
    accepted = dict(revision.answers)
    asked: dict[object, int] = {}
    for stored in messages(path, session_id):
        if stored.origin == "proxy" or (stored.dir == "c2s" and stored.outcome in _NEVER_REACHED):
            continue
        direction = Direction(stored.dir)
        message = _said(stored, direction)
        if direction is Direction.TO_SERVER and message.has_id:
            asked[(type(message.id), message.id)] = stored.id
        if direction is Direction.TO_CLIENT and message.is_answer:
            request = asked.get((type(message.id), message.id))
            if request in accepted:
                message = _with(message, accepted[request])
        redacted = "redacted" in stored.marks.split()
        given_up = direction is Direction.TO_SERVER and stored.status == "cancelled"
        yield Recorded(stored.id, stored.at, direction, message, False, redacted, stored.stream, given_up)


def _said(stored: RecordedMessage, direction: Direction) -> Message:
    edited = stored.left is not None and direction is Direction.TO_SERVER
    return parse(stored.left if edited and stored.left is not None else stored.raw)


def _with(message: Message, body: dict[str, object]) -> Message:
    said: dict[str, object] = {key: body[key] for key in ("result", "error") if key in body}
    kind = Kind.ERROR if "error" in said else Kind.RESULT
    said = {"jsonrpc": "2.0", "id": message.id, **said}
    raw = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Message(raw, kind, said, id=message.id, has_id=True)
