"""The editor of a held message and of answers by hand: where it begins, what it checks, what it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.session.steered import SERVER, call
from tests.tui.wire import hears, reaches, watching

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
ODD = b'{ "id":7,"method":"tools/call" , "jsonrpc":"2.0","params":{"name":"\\u0065cho","arguments":{"n":10}}}'
MEASURING = SERVER.with_name("measuring_server.py")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_editor_has_the_keys_again_behind_its_diff_and_begins_at_the_value_that_is_meant(
    steered: Any,
) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows('"n"').press("e")
        await scope.editor.shows("EDITING").press("ctrl+d").shows("the same").press("ctrl+d")
        await scope.editor.type("1").shows("n 10 → 1").press("ctrl+r", "tab").shows("[Whole message]")
        await scope.editor.type("2").shows("params.arguments.n 10 → 2").press("ctrl+s")
        await reaches(scope, wire, ODD.replace(b'"n":10', b'"n":2'))


async def test_a_result_is_held_to_the_output_schema_while_it_is_written(
    steered: Any,
) -> None:
    wire = steered("--break", "tool:measure", server=MEASURING)
    async with watching(wire, size=(120, 40)) as scope:
        wire.says({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})
        assert (await hears(wire))["id"] == "l"
        wire.says(call(1, "measure"))
        await scope.traffic.shows("HELD 1").selected_is("HELD").press("s").shows("HELD res").press("e")
        await scope.editor.shows("EDITING", "fits the schema", "celsius", "number")
        await scope.editor.type("warm").shows('"warm"')
        script = scope.app.screen.area.text
        scope.app.screen.area.text = script.replace("21.5", '"hot"')
        await scope.editor.shows('celsius: "hot" is not of type "number"').press("f8")
        assert scope.app.screen.area.document.get_line(scope.app.screen.area.cursor_location[0]).strip() == (
            '"celsius": "hot"'
        )
        await scope.editor.press("ctrl+g")
        result = (await hears(wire))["result"]
        assert (result["content"][0]["text"], result["structuredContent"]) == ("warm", {"celsius": "hot"})


async def test_an_answer_by_hand_is_checked_and_kept_when_it_is_left(
    steered: Any,
) -> None:
    wire = steered("--break", "tool:measure", server=MEASURING)
    async with watching(wire) as scope:
        wire.says({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})
        assert (await hears(wire))["id"] == "l"
        wire.says(call(1, "measure"))
        await scope.traffic.shows("HELD 1").selected_is("HELD").press("M", "h")
        await scope.editor.shows("ANSWERING", "nothing is written yet", '"celsius" is a required property')
        scope.app.screen.area.text = '{"structuredContent": {"celsius": 3}}'
        await scope.editor.shows("fits the schema").press("escape")
        await scope.traffic.press("exclamation_mark")
        await (
            scope.holds.shows("an answer by hand is kept: M h opens it").press("a").shows("There is a draft")
        )
        await scope.any.press("m")
        await scope.editor.shows("ANSWERING", '"celsius": 3').press("ctrl+s")
        assert (await hears(wire))["result"] == {"structuredContent": {"celsius": 3}}
        assert wire.reached_calls() == []
