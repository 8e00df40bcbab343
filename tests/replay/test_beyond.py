"""What waits for the server behind a recording is bounded, and everybody hears of it."""

from __future__ import annotations

import json
import sys
import threading

from mcpscope.protocol.parsing import parse
from mcpscope.replay.beyond import MOST_ASKED, Beyond

SILENT = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def test_requests_that_too_many_wait_before_are_answered_so() -> None:
    said: list[bytes] = []
    ended = threading.Event()
    beyond = Beyond(SILENT, (), lambda message: message or ended.set(), said.append, lambda id: id)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    beyond.heard(parse(_line(0, "initialize", hello)))
    try:
        for id in range(1, MOST_ASKED + 4):
            beyond.ask(parse(_line(id, "tools/call", {"name": "a", "arguments": {}})))
    finally:
        beyond.close()
    assert [parse(line).id for line in said] == [MOST_ASKED + 1, MOST_ASKED + 2, MOST_ASKED + 3]
    assert "too many" in parse(said[0]).error["message"]
    assert ended.wait(60)
    beyond.said(None)
    assert len(said) == MOST_ASKED + 3


def _line(id: int, method: str, params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()
