"""What JavaScript makes of a message is another reading where it differs, and is looked for only there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.engine.certainty import has_one_reading
from mcpscope.engine.policy.load import in_force, load
from mcpscope.engine.ruled import Ruled
from mcpscope.engine.scripted import in_script, may_differ
from mcpscope.protocol.parsing import parse
from tests.engine.talk import Talk, as_json, call

LAW = """\
version: 1
rules:
  - {name: account, match: "tool:account args.number=9007199254740992", action: deny}
  - {name: sum, match: "tool:pay", when: "args.amount > 100", action: deny}
"""


@pytest.mark.parametrize(
    ("tool", "arguments", "passes"),
    [
        ("account", {"number": 9007199254740993}, False),
        ("account", {"number": 9007199254740994}, True),
        ("account", {"__proto__": {"number": 9007199254740992}}, False),
        ("pay", {"amount": 5, "of": 18446744073709551617}, True),
        ("pay", {"amount": 10**400}, False),
        ("pay", {"amount": -(10**400)}, True),
    ],
)
def test_a_call_is_judged_as_javascript_reads_it(tool: str, arguments: dict[str, Any], passes: bool) -> None:
    talk = Talk()
    talk.steering.rules.replace_origin("policy", in_force([load(LAW)]))
    talk.steering.strict = lambda message, direction: ()
    talk.client(call(1, tool, **arguments))
    assert bool(talk.to_server) is passes, as_json(talk.to_client[0])


def test_an_integer_beyond_every_double_is_still_a_number() -> None:
    assert in_script(10**400) == float("inf") and in_script(-(10**400)) == float("-inf")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.integers(-(10**20), 10**20), st.integers(-(1 << 54), 1 << 54), st.floats(0, 1))),
    st.booleans(),
)
def test_the_quick_look_misses_nothing(numbers: list[float], spaced: bool) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": "t", "arguments": {"x": numbers}},
    }
    raw = json.dumps(body, separators=None if spaced else (",", ":")).encode()
    if in_script(body) is not body:
        assert may_differ(raw) and not has_one_reading(parse(raw), Ruled())
