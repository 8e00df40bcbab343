"""Recordings for exports: told as messages, brought in as a file of ours is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mcpscope.store.taking_in import take_in

BEGAN_NS = 1_790_000_000 * 10**9
MS = 1_000_000
HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><!--"
    "\x1b]0;owned\x07\x1b[31m \u202egnp.exe\u2066 \x9b31m \u2028 \x00 ]]> ${7*7} `` ```` =cmd|' /C calc'!A0"
)


def message(ms: float, dir: str, body: Any, **more: Any) -> dict[str, Any]:
    """One line of a recording: at ``ms`` after its start ``body`` went ``dir``."""
    return {"at": int(ms * MS), "dir": dir, "message": body, **more}


def call(
    id: Any, tool: str, arguments: Any, result: Any, *, at: float, took: float = 5.0
) -> list[dict[str, Any]]:
    """A tool's call and its answer."""
    params = {"name": tool, "arguments": arguments}
    asked = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    answer = {"jsonrpc": "2.0", "id": id, **result}
    return [message(at, "c2s", asked), message(at + took, "s2c", answer)]


def text(words: str, *, error: bool = False) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": words}], "isError": error}}


def record(db: Path, lines: Iterable[dict[str, Any]], **session: Any) -> int:
    """Bring a session of these lines into ``db``; its number."""
    facts = {"uid": "0123-rec", "number": 1, "label": "notes", "started_at": BEGAN_NS, "end_reason": "clean"}
    lines = sorted(lines, key=lambda line: line["at"])
    facts["ended_at"] = BEGAN_NS + (lines[-1]["at"] if lines else 0)
    head = {"format": "mcpscope", "version": 1, "session": {**facts, **session}}
    told = [head, *lines, {"end": {"messages": len(lines), "masked": 0}}]
    return take_in(db, (json.dumps(one).encode() for one in told)).session_id


def hostile(db: Path, **session: Any) -> int:
    """A session in which every text that a peer chooses wants to be more than text."""
    lines = [
        message(0, "c2s", {"jsonrpc": "2.0", "id": HOSTILE, "method": HOSTILE, "params": {HOSTILE: HOSTILE}}),
        message(1, "s2c", {"jsonrpc": "2.0", "id": HOSTILE, "result": {HOSTILE: HOSTILE}}),
        *call(2, HOSTILE, {"a": HOSTILE}, text(HOSTILE), at=10),
        *call(3, "=1+1", {}, {"error": {"code": -5, "message": HOSTILE}}, at=20),
        *call(4, "+1", {}, {"error": {"code": -5, "message": "@SUM(1)"}}, at=30),
        {"at": 40 * MS, "note": "stderr", "text": HOSTILE},
        {"at": 50 * MS, "dir": "s2c", "text": f"no JSON {HOSTILE}"},
    ]
    told: dict[str, Any] = {"label": HOSTILE, "note": HOSTILE, "client_name": HOSTILE, "server_name": HOSTILE}
    return record(db, lines, **{**told, "command": [HOSTILE], "url": f"http://x/{HOSTILE}", **session})
