"""What could not be judged is refused, and everybody who asked is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.engine import batches, considering
from mcpscope.engine.commands import Forward, Send
from mcpscope.engine.engine import Engine
from mcpscope.engine.events import Received
from mcpscope.engine.rule import Action, Rule
from mcpscope.engine.steering import Steering, certain
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

CALL = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "t"}}


def broken(*args: Any) -> None:
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize("many", [False, True])
def test_a_failure_is_told_to_each_who_asked(monkeypatch: pytest.MonkeyPatch, *, many: bool) -> None:
    monkeypatch.setattr(considering, "judge", broken)
    monkeypatch.setattr(batches, "received", broken)
    steering = Steering()
    steering.strict = certain
    steering.rules.add(Rule("no t", Action.DENY))
    engine = Engine(steering)
    calls = [{**CALL, "id": 1}, {**CALL, "id": "b"}]
    event = Received(Direction.TO_SERVER, parse(json.dumps(calls if many else calls[0]).encode()), 5)
    with pytest.raises(RuntimeError):
        engine.handle(event)
    commands = engine.failed(event)
    assert not any(isinstance(one, Forward) for one in commands)
    (said,) = [json.loads(one.data) for one in commands if isinstance(one, Send)]
    assert [one["id"] for one in (said if many else [said])] == ([1, "b"] if many else [1])


def test_without_anything_that_guards_a_failure_lets_pass() -> None:
    event = Received(Direction.TO_SERVER, parse(json.dumps({**CALL, "id": 1}).encode()), 5)
    commands = Engine(Steering()).failed(event)
    assert [type(one) for one in commands] == [Forward]
