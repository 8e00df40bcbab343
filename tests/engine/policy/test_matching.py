"""What a rule would have matched, of exchanges that are over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from mcpscope.engine.policy.load import load
from mcpscope.engine.policy.matching import would_match
from mcpscope.protocol.parsing import parse


@dataclass
class Past:
    """An exchange as a filter sees it."""

    tool: str = "read"
    arguments: Any = None
    result: Any = None
    status: str = "ok"
    kind: str = "request"
    dir: str = "c2s"
    method: str = "tools/call"
    name: str = ""
    uri: str = ""
    code: int | None = None
    dur_ns: int | None = 5_000_000
    res_bytes: int | None = 10
    flags: tuple[str, ...] = ()
    session_names: tuple[str, ...] = ()
    client_names: tuple[str, ...] = ()
    server_names: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.kind, "response") if self.result is not None else (self.kind,)

    @property
    def request(self) -> Any:
        params = {"name": self.tool, "arguments": self.arguments or {}}
        return parse(
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": self.method, "params": params}).encode()
        )

    @property
    def answer(self) -> Any:
        return (
            parse(json.dumps({"jsonrpc": "2.0", "id": 1, "result": self.result}).encode())
            if self.result
            else None
        )


CALL = Past(arguments={"path": "/etc/passwd", "n": 5}, result={"content": [], "total": 3})


@pytest.mark.parametrize(
    ("rule", "yes"),
    [
        ({"match": "tool:read", "action": "deny"}, True),
        ({"match": "tool:write", "action": "deny"}, False),
        ({"match": "args.path~^/etc", "action": "deny"}, True),
        ({"match": "tool:read", "when": "args.n > 4", "action": "deny"}, True),
        ({"match": "tool:read", "when": "args.n > 5", "action": "deny"}, False),
        ({"match": "tool:read", "when": "args.missing > 5", "action": "deny"}, True),
        ({"match": "tool:read", "when": "args.missing > 5", "action": "tag", "tag": "x"}, False),
        ({"match": "result.total=3", "action": "deny"}, True),
        ({"match": "kind:response tool:read", "action": "deny"}, True),
        ({"match": "kind:request result.total=3", "action": "deny"}, False),
        ({"match": "tool:read", "action": "break", "on": "answer", "errors_only": True}, False),
        ({"action": "tag", "tag": "x"}, True),
    ],
)
def test_a_rule_is_judged_on_the_legs_that_the_gate_judges(rule: dict[str, Any], yes: bool) -> None:
    (made,) = load(json.dumps({"version": 1, "rules": [rule]})).rules
    assert would_match(made, CALL) is yes


def test_what_no_rule_sees_matches_nothing() -> None:
    (made,) = load('{"version": 1, "rules": [{"action": "tag", "tag": "x"}]}').rules
    assert not would_match(made, Past(kind="stderr"))
    (answers,) = load('{"version": 1, "rules": [{"match": "kind:response", "action": "deny"}]}').rules
    assert not would_match(answers, Past(result={"content": []}, status="mock"))
