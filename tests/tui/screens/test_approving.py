"""What a policy asks, answered from the UI: a real proxy, a client that speaks, keys that decide."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.session.steered import call
from tests.tui.wire import hears, watching

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
LAW = 'version: 1\nrules: [{name: refunds, match: "tool:echo", action: ask, message: is it due}]\n'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_call_is_read_to_its_end_compared_and_approved(steered: Any, program: Any) -> None:
    policy = program.folder / "policy.yaml"
    policy.write_text(LAW)
    wire = steered("--policy", str(policy))
    async with watching(wire) as scope:
        wire.says(call(1, text="\n".join(f"line {number}" for number in range(60)), to="p\u0430ypal.com"))
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows("asked by refunds").press("s").shows("a policy asks about it")
        await scope.holds.press("a")
        await scope.approval.shows("refunds asks: is it due", "sha256", "reads as paypal.com (U+0430)")
        await scope.approval.press("Y").shows("look at all of it first")
        assert wire.reached_calls() == []
        await scope.approval.press("G").shows("read to its end").press("escape")
        assert wire.reached_calls() == []
        await scope.holds.press("a")
        await scope.approval.press("G").shows("read to its end")
        await scope.until(
            lambda: not scope.app.screen.why_not(scope.app.keymap.find("approve.once", "approval")), "Y"
        )
        asked = scope.approval.press("Y").shows("For the record").type("ticket7").press("enter")
        await asked.shows("approve exactly this call").press("enter").shows("approve exactly this call")
        assert wire.reached_calls() == []
        await scope.press("y")
        await scope.holds.shows("approved, sent")
        assert (await hears(wire))["id"] == 1
        wire.says(call(2, text="other", to="ann"))
        await scope.holds.shows("HELD 1").press("e")
        await scope.editor.shows("EDITING")
        editor: Any = scope.app.screen
        editor.area.text = json.dumps({"text": "mine", "to": "ann"})
        await scope.editor.shows("changed").press("ctrl+s")
        await scope.holds.shows("changed, and held").press("a")
        asked = scope.approval.shows("compared with the last approved", "edited by", "mine").press("X")
        await asked.shows("Told to the client").press("enter").shows("deny this call").press("x")
        await scope.holds.shows("denied")
        assert (await hears(wire))["result"]["isError"] is True
    assert wire.reached_calls() == [1]
