"""The server's own questions find their recorded answers, whatever is minted in them."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse
from mcpscope.replay.answering import Answering
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.options import Options
from mcpscope.replay.plan import Plan, make_plan
from mcpscope.replay.standing import Standing
from mcpscope.replay.steps import Recorded
from mcpscope.replay.verdicts import Row

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def asked(rpc_id: int, number: int, nonce: str) -> dict[str, Any]:
    text = f"Colour {number}, please quote {nonce}"
    return {"id": rpc_id, "method": "elicitation/create", "params": {"message": text}}


def accepted(rpc_id: int, said: str) -> dict[str, Any]:
    return {"id": rpc_id, "result": {"action": "accept", "content": {"said": said}}}


def plan_of(*said: tuple[Direction, dict[str, Any]]) -> Plan:
    return make_plan(
        Recorded(seq, seq, way, parse(json.dumps({"jsonrpc": "2.0", **body}).encode()))
        for seq, (way, body) in enumerate(said, 1)
    )


def answers(plan: Plan, *live: dict[str, Any], masks: tuple[str, ...] = ()) -> tuple[list[Any], list[Row]]:
    """What is said to each live question, and the rows that come of it."""
    rows: list[Row] = []
    answering = Answering(plan, Standing(plan), Options(masks=[Mask(mask) for mask in masks]), rows.append)
    said = [answering.answer(parse(json.dumps({"jsonrpc": "2.0", **body}).encode()), 0.0) for body in live]
    return [json.loads(line)["result"]["content"]["said"] for line in said], rows


def recorded() -> Plan:
    call = {"id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
    first, second = "72e887aa26c2410c", "7dc2a76d2de141c2"
    return plan_of(
        (UP, call),
        (DOWN, asked(1, 1, first)),
        (DOWN, asked(2, 2, second)),
        (UP, accepted(1, f"one {first}")),
        (UP, accepted(2, "two")),
    )


def test_an_answer_repeats_what_the_live_server_minted_in_its_question() -> None:
    said, rows = answers(recorded(), asked(7, 1, "e0b669e13f344bcd"))
    assert (said, rows) == (["one e0b669e13f344bcd"], [])


def test_a_question_in_another_order_finds_the_answer_to_the_likest_one() -> None:
    said, _ = answers(recorded(), asked(7, 2, "e0b669e13f344bcd"), asked(8, 1, "e8bf5a86c6324e3a"))
    assert said == ["two", "one e8bf5a86c6324e3a"]


def test_a_question_that_a_resumed_stream_brings_again_is_one_question() -> None:
    twice = (DOWN, asked(1, 1, "72e887aa26c2410c"))
    call = {"id": 1, "method": "tools/call", "params": {}}
    moved = {"method": "notifications/roots/list_changed"}
    plan = plan_of((UP, call), twice, (UP, moved), twice, (UP, accepted(1, "x")))
    assert len(plan.server_requests) == 1
    said, rows = answers(plan, *[asked(9, 1, "72e887aa26c2410c")] * 2)
    assert (said, rows) == (["x", "x"], [])


def test_what_varies_in_a_question_can_be_masked() -> None:
    _, rows = answers(recorded(), asked(7, 2, "e0b669e13f344bcd"))
    assert [(row.label, row.why) for row in rows] == [("← elicitation/create", "$.params.message changed")]
    masks = ("elicitation/create:$.params.message~",)
    assert answers(recorded(), asked(7, 2, "e0b669e13f344bcd"), masks=masks)[1] == []
