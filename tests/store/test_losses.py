"""What a journal owes its readers after it could not write."""

from __future__ import annotations

import json

from mcpscope.store.layout import CHUNK, EOF, GAP, SESSION_CLOSE, SESSION_OPEN
from mcpscope.store.losses import Losses


def test_a_sessions_gaps_stand_between_its_opening_and_its_ends() -> None:
    losses = Losses()
    losses.miss(SESSION_OPEN, 0, 1, 0, 0, b"{}", 1)
    losses.miss(CHUNK, 1, 1, 0, 0, b"one\ntwo\nthr", 2)
    losses.miss(CHUNK, 2, 2, 0, 0, b"other\n", 3)
    losses.miss(EOF, 1, 1, 0, 0, b"{}", 4)
    losses.miss(SESSION_CLOSE, 0, 1, 0, 0, b"{}", 5)
    records = list(losses.records("full", 9))
    assert [(kind, session) for kind, _, session, *_ in records] == [
        (SESSION_OPEN, 1),
        (GAP, 1),
        (EOF, 1),
        (SESSION_CLOSE, 1),
        (GAP, 2),
    ]
    gap = json.loads(records[1][-1])
    assert gap == {"messages": 2, "bytes": 11, "reason": "full", "from": 2, "to": 9, "boundary": False}
    assert sum(len(payload) for *_, payload in records) <= losses.size + 1024
