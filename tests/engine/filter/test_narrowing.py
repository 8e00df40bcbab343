"""What the index of rules leaves of a condition says of a message what the whole condition says."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.engine.conditions import FilterCondition
from mcpscope.engine.live import Facts, Live
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Phase
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse

TERMS = (
    *("tool:a", "tool:a*", "tool~^a", "tool:b", "-tool:b", "method:tools/call", "method~call$", "dir:c2s"),
    *("-dir:s2c", "args.x>1", "args.x~^1$", "args.y=2", "-args.x>1", "kind:request", "client:demo", "1"),
)
FILTERS = st.recursive(
    st.sampled_from(TERMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
        inner.map(lambda part: f"-({part})"),
    ),
    max_leaves=6,
)
VALUES = st.sampled_from([None, 1, 2, 2.5, True, "1", "2", [1], {"z": 3}, []])


@settings(max_examples=100, deadline=None)
@given(FILTERS, st.sampled_from(["a", "ab", "b", ""]), st.dictionaries(st.sampled_from("xy"), VALUES))
def test_a_narrowed_condition_says_the_same(text: str, tool: str, arguments: dict[str, object]) -> None:
    condition = FilterCondition.parse(text)
    method = "tools/call" if tool else "ping"
    params = {"name": tool, "arguments": arguments} if tool else {}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    message = parse(json.dumps(body).encode())
    for direction in Direction:
        passage = Passage(direction, message, message, 1, 0, Phase.REQUEST)
        subject = Live(passage, Facts(client_names=("demo",)), 1)
        said = condition.test(subject)
        if not condition.could(direction, method, tool):
            assert said is False, text
        else:
            assert condition.narrowed(direction, method, tool)(subject) is said, text
