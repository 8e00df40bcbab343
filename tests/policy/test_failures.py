"""Whatever fails in the gate, the policy, the redactor or the record: nothing unjudged passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.places import Place

LAW = """\
version: 1
redact: ["$.params.arguments.password"]
rules:
  - {name: no forbidden tool, match: "tool:forbidden", action: deny}
  - {name: small payments, match: "tool:pay", when: "args.amount > 100", action: deny}
"""
BROKEN = (
    "mcpscope.engine.considering:judge",
    "mcpscope.engine.considering:consider",
    "mcpscope.engine.doubt:refusing",
    "mcpscope.engine.doubt:readings",
    "mcpscope.engine.steering:findings",
    "mcpscope.engine.rules:Rules.candidates",
    "mcpscope.engine.judge:matches",
    "mcpscope.engine.policy.when:WhenCondition._eval",
    "mcpscope.engine.replies:denied",
    "mcpscope.engine.replies:broken",
    "mcpscope.engine.outcomes:Outcome.to_record",
    "mcpscope.engine.known:Memory.observe",
    "mcpscope.engine.engine:Engine.handle",
    "mcpscope.engine.engine:Engine.failed",
    "mcpscope.engine.engine:Engine.record",
    "mcpscope.engine.engine:Engine.facts",
    "mcpscope.engine.plain_calls:PlainCalls.asks",
    "mcpscope.engine.plain_calls:PlainCalls.join",
    "mcpscope.protocol.parsing:_of_object",
    "mcpscope.store.journal:Journal.append",
    "mcpscope.session.redacting:RedactedJournal.append",
)
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("forbidden", {}),
    ("pay", {"amount": 1000}),
    ("pay", {}),
    ("pay", {"amount": "many"}),
    ("pay", {"amount": {"value": 1000}}),
    ("pay", {"amount": None}),
)


def cases() -> Iterator[Any]:
    """Everything that may fail on stdio and HTTP; some of it in the short run."""
    for number, target in enumerate(BROKEN):
        for turn, kind in enumerate(("stdio to stdio", "HTTP to HTTP")):
            marks = [] if (number + 5 * turn) % 10 == 0 else [pytest.mark.soak]
            yield pytest.param(target, kind, id=f"{target.partition(':')[2]}-{kind}", marks=marks)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("target", "kind"), cases())
def test_a_failure_refuses(tmp_path: Path, target: str, kind: str) -> None:
    place = Place(kind, tmp_path, LAW, broken=target)
    try:
        place.begin()
        place.switch.touch()
        for number, (tool, arguments) in enumerate(CALLS):
            params = {"name": tool, "arguments": arguments}
            body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            if not place.dares(json.dumps(body).encode()):
                break
        place.switch.unlink()
        assert place.ended() or place.ask("ping") == {}
        lines = (tmp_path / "witness.log").read_text().splitlines()
        reached = [bytes.fromhex(json.loads(line)["body"]) for line in lines]
    finally:
        place.close()
    assert not any(b"tools/call" in body for body in reached)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["stdio to stdio", "HTTP to HTTP"])
def test_a_condition_that_cannot_be_told_refuses_under_deny_and_does_not_allow(
    tmp_path: Path, kind: str
) -> None:
    law = """\
version: 1
default: deny
rules:
  - {name: large, match: "tool:pay", when: "args.amount > 100", action: deny}
  - {name: many, match: "tool:pay args.amount>1000", action: deny}
  - {name: small, match: "tool:open", when: "args.amount < 100", action: allow}
  - {name: few, match: "tool:files args.amount<100", action: allow}
  - {name: the rest of pay, match: "tool:pay", action: allow}
"""
    place = Place(kind, tmp_path, law)
    try:
        place.begin()
        for amount in ("many", None, [], {}, True, [1000]):
            for tool in ("pay", "open", "files"):
                refused = place.call(tool, {"amount": amount}).get("isError")
                assert refused, (tool, amount)
        for tool in ("pay", "open", "files"):
            assert place.call(tool, {})["isError"], tool
            assert not place.call(tool, {"amount": 5}).get("isError"), tool
        recorded = place.decisions()
    finally:
        place.close()
    assert {rule for rule, _ in recorded} == {"large", "default: deny", ""}
