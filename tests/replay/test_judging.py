"""The row of a request that has no answer says whose doing that was."""

from __future__ import annotations

import json

import pytest

from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.replay.judging import UPSTREAM_ENDED, Judging
from mcpscope.replay.options import Options
from mcpscope.replay.plan import make_plan
from mcpscope.replay.silence import SILENT
from mcpscope.replay.steps import Recorded


@pytest.mark.parametrize(
    ("stopped", "verdict", "why"),
    [
        ("", "error", "no answer within 10 s"),
        (SILENT, "error", "no answer: the upstream says nothing any more"),
        (UPSTREAM_ENDED, "error", "no answer: the upstream ended"),
        ("interrupted", "skipped", "interrupted"),
        ("stopped at the first difference", "skipped", "stopped at the first difference"),
    ],
)
def test_a_call_that_was_under_way_when_a_person_stopped_the_run_is_no_error(
    stopped: str, verdict: str, why: str
) -> None:
    said = (
        (Direction.TO_SERVER, {"id": 1, "method": "ping"}),
        (Direction.TO_CLIENT, {"id": 1, "result": {}}),
    )
    plan = make_plan(
        Recorded(seq, seq, way, parse(json.dumps({"jsonrpc": "2.0", **body}).encode()))
        for seq, (way, body) in enumerate(said, 1)
    )
    row = Judging(plan, Options()).unanswered(plan.steps[0], stopped, 10.0)
    assert (row.verdict, row.why) == (verdict, why)
