"""Holding from the UI: a real proxy and server, a client that speaks, keys that decide."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcpscope.tui.screens.editing import EditScreen
from tests.program import until
from tests.session.steered import call
from tests.tui.driver import Scope
from tests.tui.wire import hears, reaches, watching

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
ODD = b'{ "id":7,"method":"tools/call" , "jsonrpc":"2.0","params":{"name":"\\u0065cho","arguments":{"n":10}}}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_b_on_a_tool_holds_its_next_call_and_a_sends_the_same_bytes(steered: Any) -> None:
    wire = steered()
    wire.says(call(1, n=1))
    async with watching(wire) as scope:
        assert (await hears(wire))["id"] == 1
        await scope.traffic.shows("echo").press("b").shows("break tool:echo")
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows("echo", "breakpoint", "the server has not seen this request")
        assert ODD not in wire.reached()
        await scope.holds.press("a").shows("sent, cannot be undone")
        assert (await hears(wire))["id"] == 7
        await reaches(scope, wire, ODD)
        await scope.holds.hides("HELD 1")


async def test_a_held_call_is_edited_in_place_and_sent_in_five_keys(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows('"n"').press("e")
        await scope.editor.shows("EDITING", "as received")
        editor = scope.app.screen
        assert isinstance(editor, EditScreen)
        editor.area.text = editor.area.text.replace("10", "11")
        await scope.editor.shows("changed").press("ctrl+s")
        await reaches(scope, wire, ODD.replace(b'"n":10', b'"n":11'))
        assert (await hears(wire))["id"] == 7


async def test_broken_json_is_not_sent_and_escape_keeps_the_draft(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows('"n"').press("e")
        await scope.editor.shows("EDITING")
        scope.app.screen.area.text = '{\n  "n": 1x\n}'
        await scope.editor.shows("line 2, column").press("ctrl+s").shows("nothing was sent").press("escape")
        await scope.holds.shows("a draft is kept", "HELD 1").press("enter", "escape").shows("HELD 1")
        assert ODD not in wire.reached()
        await scope.any.press("exclamation_mark")
        await scope.holds.press("e")
        await scope.editor.shows("1x").press("ctrl+r").shows("as received").press("escape")
        await scope.holds.press("a")
        await reaches(scope, wire, ODD)


async def test_what_a_schema_refuses_is_sent_after_one_more_key(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    wire.says({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})
    async with watching(wire) as scope:
        assert (await hears(wire))["id"] == "l"
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows("integer").press("e")
        await scope.editor.shows("EDITING")
        scope.app.screen.area.text = '{\n  "q": 1,\n  "n": "many"\n}'
        await scope.editor.shows("line 3", "You may send it anyway", "q added: 1", 'n 10 → "many"').press(
            "f8"
        )
        assert scope.app.screen.area.cursor_location == (2, 7)
        scope.app.screen.area.text = '{"n": "many"}'
        await scope.editor.shows("line 1").press("ctrl+s")
        await scope.any.shows("send it anyway").press("g")
        await reaches(scope, wire, ODD.replace(b'"n":10', b'"n":"many"'))
        await scope.holds.press("7")
        await scope.log.shows("edited echo #", 'n 10 → "many"; s')
        await scope.log.press("1")
        await scope.traffic.shows("edited +")
    flags = "SELECT flags FROM exchanges WHERE tool = 'echo'"
    assert "warned" in wire.rows(flags)[0][0]


async def test_what_is_held_is_decided_from_its_detail_and_from_traffic_too(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").selected_is("HELD").press("enter")
        await scope.detail.shows("a Continue", "e Edit").press("tab").shows("the server has not seen this")
        await scope.detail.press("s").shows("HELD res").press("e")
        await scope.editor.shows("EDITING", "[Result]").type("seen").press("ctrl+s")
        assert (await hears(wire))["result"]["content"][0]["text"] == "seen"
        await scope.detail.hides("a Continue").press("a").shows("nothing is held here").press("escape")
        wire.says(call(8))
        await scope.traffic.shows("HELD 1").selected_is("HELD req").press("s").selected_is("HELD res")
        await scope.traffic.press("g").press("a").shows("nothing is held here: ! goes to what is")
        await scope.traffic.press("G").selected_is("HELD res").press("a")
        assert (await hears(wire))["id"] == 8


async def test_step_stops_at_the_answer_and_the_client_gets_the_edited_one(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(ODD)
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await (
            scope.holds.shows("request").press("s").shows("response", "the server has already done the work")
        )
        await reaches(scope, wire, ODD)
        await scope.holds.shows("content").press("e")
        await scope.editor.shows("EDITING")
        scope.app.screen.area.text = '{"content": []}'
        await scope.editor.shows("changed").press("ctrl+s")
        assert (await hears(wire))["result"] == {"content": []}


async def test_mocks_and_drops_never_reach_the_server(steered: Any) -> None:
    wire = steered("--break", "tool:slow")
    async with watching(wire) as scope:
        wire.says(call(1, n=5))
        good = await hears(wire)
        await scope.traffic.shows("echo").press("b").shows("break tool:echo")
        wire.says(call(2))
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows("request").press("M").press("l").shows("answered with a mock")
        assert (await hears(wire))["result"] == good["result"]
        wire.says(call(3))
        await scope.holds.shows("HELD 1").press("X").press("enter", "2").shows("dropped with -32602")
        error = (await hears(wire))["error"]
        assert (error["code"], error["message"]) == (-32602, "Invalid params")
        assert wire.reached_calls() == [1]


async def test_a_client_that_gave_up_is_asked_about_before_it_runs(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(call(1))
        await scope.traffic.shows("HELD 1").press("exclamation_mark")
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        wire.says(cancel)
        await scope.holds.shows("GAVE UP").press("a").shows("The client no longer waits").press("escape")
        assert wire.reached_calls() == []
        wire.says(call(2))
        await scope.holds.shows("HELD 2").press("exclamation_mark").shows("learned").press("X").press("4")
        assert (await hears(wire))["error"]["code"] == -32000
        await scope.holds.shows("HELD 1").press("a").press("r").hides("HELD 1")
        await scope.until(lambda: wire.reached_calls() == [1], "it ran")


async def test_two_who_decide_at_once_make_one_decision_and_one_notice(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        with wire.dial("ui pts/3") as other:
            wire.says(call(1))
            await scope.traffic.shows("HELD 1")
            (hold,) = other.call("scope/holds/list")
            other.call("scope/holds/continue", id=hold["id"])
            await scope.traffic.shows("echo: continued by ui pts/3")
        assert (await hears(wire))["id"] == 1


async def test_two_uis_that_press_continue_at_once_make_one_decision(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as one, watching(wire) as other:
        one.app.steer.name, other.app.steer.name = "ui one", "ui two"
        wire.says(call(1))
        for scope in (one, other):
            await scope.traffic.shows("HELD 1").press("exclamation_mark")
            await scope.holds.shows("has not seen this request")
        await asyncio.gather(one.pilot.press("a"), other.pilot.press("a"))
        for scope in (one, other):  # who was first is told so, and the other that it was somebody else
            await first_of(scope, ("cannot be undone", "was already", "continued by"))
        assert (await hears(wire))["id"] == 1
        assert wire.reached_calls() == [1]
        await asyncio.to_thread(wire.closes)
    decided = "SELECT count(*) FROM outcomes WHERE outcome = 'forwarded'"
    await asyncio.to_thread(until, lambda: wire.rows(decided) == [(1,)])


async def first_of(scope: Scope, texts: tuple[str, ...]) -> str:
    """Which of the texts is on the screen."""
    await scope.until(lambda: any(text in scope.text for text in texts), texts)
    return next(text for text in texts if text in scope.text)


async def test_a_read_only_ui_looks_and_does_not_hold(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire, read_only=True) as scope:
        wire.says(call(1))
        assert (await hears(wire))["id"] == 1
        await scope.traffic.shows("echo").press("b").shows("this UI is read-only")


async def test_the_intercept_filter_is_set_switched_off_and_on(steered: Any) -> None:
    wire = steered()
    async with watching(wire) as scope:
        await scope.any.press("2")
        await scope.holds.shows("nothing is held").press("i")
        await scope.any.type("tool:slow").press("enter").shows("intercept tool:slow")
        await scope.holds.press("I").shows("intercept off: tool:slow").press("I").shows("intercept tool:slow")
        wire.says(call(1, "slow"))
        await scope.holds.shows("HELD 1", "intercept filter").press("A").press("c").shows("1 sent")
        await scope.until(lambda: wire.reached_calls() == [1], "the request")
        await scope.holds.shows("response").press("a")
        assert (await hears(wire))["id"] == 1


async def test_quitting_with_holds_asks_what_becomes_of_them(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        wire.says(call(1))
        await scope.traffic.shows("HELD 1").press("Q").shows("1 message held: echo. Quit").press("escape")
        await scope.traffic.press("Q").shows("1 message held").press("x")
        assert "error" in await hears(wire)
        assert wire.reached_calls() == []
        assert scope.app.return_code == 0


async def test_a_frozen_session_waits_behind_its_hold_until_it_is_thawed(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    async with watching(wire) as scope:
        await scope.any.press("2", "colon").type("set hold.freeze session").press("enter")
        await scope.holds.shows("a hold freezes its session")
        wire.says(call(1))
        await scope.holds.shows("HELD 1")
        wire.says(call(2, "slow"))
        await scope.holds.shows("1 message of the session waits behind it")
        assert wire.reached_calls() == []
        await scope.holds.press("colon").type("set hold.freeze off").press("enter")
        assert (await hears(wire))["id"] == 2
        assert wire.reached_calls() == [2]


async def test_filter_breakpoint_and_intercept_are_undone(steered: Any) -> None:
    wire = steered()
    wire.says(call(1))
    async with watching(wire) as scope:
        assert (await hears(wire))["id"] == 1
        await scope.traffic.shows("echo").press("slash").type("tool:nothing").press("enter").hides("→ echo")
        await scope.traffic.press("u").shows("→ echo", "(no filter)").press("G", "B")
        await scope.any.type(" --once").press("enter").shows("break tool:echo")
        await scope.traffic.press("u").hides("break tool:echo").press("i")
        await scope.any.type("tool:slow").press("enter").shows("intercept tool:slow")
        await scope.traffic.press("u").shows("undone").hides("intercept tool:slow")


async def test_beside_a_held_request_stands_what_is_known_and_its_clock_goes_on(steered: Any) -> None:
    wire = steered("--break", "tool:echo")
    wire.says({"jsonrpc": "2.0", "method": "notifications/initialized"})
    async with watching(wire, size=(120, 40)) as scope:
        await scope.traffic.shows("notifications/initialized")
        wire.says(ODD)
        await scope.traffic.shows("HELD before it reached the server", "the server has not seen this request")
        await scope.traffic.shows("left undecided it is dropped, never run", "a continue   s continue, stop")
        await scope.traffic.shows("waited 0:02").press("enter")
        await scope.detail.shows(
            "HELD before it reached the server", "a continue   s continue, stop", "e edit"
        )
