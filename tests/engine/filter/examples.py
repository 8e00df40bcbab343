"""An exchange in memory to try filters on, and the text of the examples that the documentation shows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mcpscope.protocol.message import Kind, Message

MS = 1_000_000

DOCUMENTED = """\
method:tools/call tool:search* is:error dur>500ms "text"
-method:ping
tool:(read_file,list_dir) args.path~^/etc
result.structuredContent.total=0
code:-32602
is:late or is:cancelled
dir:s2c kind:request
size>1mb is:binary
since:10m is:held
status:error
duration:>500ms
larger-than:1k"""
"""What the documentation shows."""


def message(body: dict[str, Any]) -> Message:
    method = body.get("method", "")
    kind = Kind.ERROR if "error" in body else Kind.RESULT if "result" in body else Kind.REQUEST
    return Message(json.dumps(body).encode(), kind, body, method, body.get("id"), "id" in body)


@dataclass
class Example:
    """A Subject with defaults; ``args`` and ``result`` build the messages."""

    seq: int = 1
    kinds: tuple[str, ...] = ("request", "response")
    dir: str = "c2s"
    method: str = "tools/call"
    tool: str = ""
    name: str = ""
    uri: str = ""
    rpc_id: str = "1"
    status: str = "ok"
    code: int | None = None
    flags: tuple[str, ...] = ()
    opened_at: int = 1_000
    dur_ns: int | None = 5 * MS
    wait_ns: int | None = None
    req_bytes: int | None = 100
    res_bytes: int | None = 200
    session_names: tuple[str, ...] = ("1", "demo")
    client_names: tuple[str, ...] = ("claude-code",)
    server_names: tuple[str, ...] = ("filesystem", "fs")
    rules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    request: Message | None = None
    answer: Message | None = None
    more: list[bytes] = field(default_factory=list)

    @property
    def bodies(self) -> list[bytes]:
        found = [one.raw for one in (self.request, self.answer) if one is not None]
        return found + self.more


def call(tool: str, args: Any = None, result: Any = None, error: Any = None, **facts: Any) -> Example:
    """A ``tools/call`` with its answer."""
    request = message(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": args}}
    )
    answer = None
    if error is not None:
        answer = message({"jsonrpc": "2.0", "id": 1, "error": error})
        facts = {"status": "rpc-error", "code": error.get("code"), **facts}
    elif result is not None:
        answer = message({"jsonrpc": "2.0", "id": 1, "result": result})
    return Example(tool=tool, name=tool, request=request, answer=answer, **facts)
