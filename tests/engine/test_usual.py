"""The short way of a call and its answer leaves what the long way leaves."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from typing import Any

import pytest

from mcpscope.engine import usual
from mcpscope.engine.exchanges import Exchanges
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

SECOND_NS = 1_000_000_000
PARAMS: list[Any] = [
    {"name": "echo", "arguments": {"text": "hello", "list": [1, 2], "none": None, "deep": {"a": 1}}},
    {"name": "", "arguments": {}},
    {"name": "long", "arguments": {"text": "x" * 61, "second": "y" * 60, "third": 5, "fourth": "z"}},
    {"name": "odd", "arguments": {"text": "two\nlines", "rest": "\u202e" * 70}},
    {"name": "asks", "arguments": {}, "_meta": {"progressToken": 1}},
    {"name": "again", "arguments": {}, "requestState": "s"},
    {"name": 5, "arguments": {}},
    {"name": "none"},
    [],
]
RESULTS: list[Any] = [
    {"content": [{"type": "text", "text": "hello"}]},
    {
        "content": [{"type": "image", "mimeType": "image/png"}, {"type": "text", "text": "x" * 90}],
        "isError": False,
    },
    {"content": [{"type": "text", "text": "bad"}], "isError": True},
    {"items": [1], "note": "n"},
    {"resultType": "input_required", "requestState": "s"},
    {"task": {"taskId": "t"}},
    {},
    7,
]


def talk(seed: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Everything that a random conversation on a pipe changed, and what is remembered in the end."""
    told, draw = Exchanges(), random.Random(seed)
    changed: list[dict[str, Any]] = []
    open_ids: list[Any] = []
    at = 0
    for seq in range(1, 400):
        at += draw.choice([1000, SECOND_NS])
        if draw.random() < 0.55:
            id = seq if draw.random() < 0.8 else draw.choice([str(seq), 1, 1.0, seq // 2, None])
            open_ids.append(id)
            said = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": draw.choice(PARAMS)}
            way = Direction.TO_SERVER
        else:
            id = open_ids.pop(draw.randrange(len(open_ids))) if open_ids else 0
            said = {
                "jsonrpc": "2.0",
                "id": str(id) if draw.random() < 0.05 else id,
                "result": draw.choice(RESULTS),
            }
            way = Direction.TO_CLIENT
        way = way if draw.random() < 0.95 else way.other
        raw = json.dumps(said, separators=(",", ":"), ensure_ascii=draw.random() < 0.5).encode()
        changed += map(asdict, told.observe(parse(raw), seq, at, way))
        if draw.random() < 0.02:
            saved = told.snapshot()
            told = Exchanges()
            told.restore(saved)
    return changed, told.snapshot()


@pytest.mark.parametrize("seed", range(5))
def test_the_short_way_leaves_what_the_long_way_leaves(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    short = talk(seed)
    monkeypatch.setattr(usual, "ask", lambda *_: None)
    monkeypatch.setattr(usual, "answer", lambda *_: None)
    assert talk(seed) == short
