"""From a running client to an edited, sent call in five keys or fewer, as the recorded script has them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.program import ROOT
from tests.session.steered import call
from tests.tui.wire import hears, watching

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
SCRIPT = ROOT / "screenshots" / "five.keys"
COMMAND_KEYS = 5


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def played() -> list[tuple[str, str]]:
    """``key`` or ``type``, and what: the lines of the script."""
    lines = SCRIPT.read_text().splitlines()
    found = [
        re.fullmatch(r"(key|type)\s+(\S+)(?:\s+#.*)?", line) for line in lines if line and line[0] != "#"
    ]
    return [(one[1], one[2]) for one in found if one]


async def test_the_recorded_keys_edit_and_send_the_call_of_a_running_client(steered: Any) -> None:
    script = played()
    keys = [what for kind, what in script if kind == "key"]
    assert len(keys) <= COMMAND_KEYS, keys
    wire = steered()
    wire.says(call(1, n=10))
    async with watching(wire, size=(120, 40)) as scope:
        assert (await hears(wire))["id"] == 1
        await scope.traffic.shows("→ echo")
        for number, (kind, what) in enumerate(script):
            if number == 1:  # the client's next call comes, and is held
                await scope.traffic.shows("break tool:echo")
                wire.says(call(2, n=10))
                await scope.traffic.shows("HELD 1").selected_is("HELD")
            if kind == "type":
                await scope.editor.shows("EDITING").type(what)
            else:
                await scope.press(what)
        answer = await hears(wire)
        assert (answer["id"], answer["result"]["content"][0]["text"]) == (2, '{"n": 1}')
