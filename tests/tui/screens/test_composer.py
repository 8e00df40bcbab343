"""The composer: a call from a form, sent by a client of our own or through the running session."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.tui.screens.composer import ComposerScreen
from tests.e2e.viewers import Ends
from tests.peers.found import Peers
from tests.program import Program
from tests.session.steered import Steered, call
from tests.tui.driver import Scope
from tests.tui.screens.test_tools import TOOLS, ends, in_thread, offering, tools_of

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
__all__ = ["ends", "offering"]
ASKS = {
    "name": "ask",
    "description": "Asks.",
    "inputSchema": {
        "type": "object",
        "required": ["query"],
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "maximum": 50},
            "mode": {"enum": ["fast", "full"]},
            "tags": {"type": "array"},
        },
    },
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    for name in ("MCPSCOPE_RUNTIME_DIR", "XDG_STATE_HOME", "MCPSCOPE_DB"):
        monkeypatch.setenv(name, program.env[name])
    return program


def written(scope: Scope) -> Any:
    """What the composer would send."""
    screen = scope.app.screen
    assert isinstance(screen, ComposerScreen)
    return json.loads(screen.area.text)


async def test_a_call_is_filled_in_checked_and_sent_by_a_client_of_our_own(offering: Any) -> None:
    wire: Steered = offering([ASKS])
    async with tools_of(wire.program.db) as scope:
        await scope.tools.shows("ask").press("n")
        await scope.composer.shows("COMPOSING tools/call", "query", "required", "a client of our own")
        await scope.composer.type("quota").press("down").type("500").press("down", "right", "down")
        await scope.composer.type('["a"]').shows("greater than the maximum", "1 problem")
        assert written(scope) == {"query": "quota", "limit": 500, "mode": "fast", "tags": ["a"]}
        await (
            scope.composer.press("ctrl+s").shows("Esc goes on editing").press("escape").shows("not sent yet")
        )
        await scope.composer.press("up", "up", "backspace").shows("fits the schema").press("ctrl+s")
        await scope.composer.shows("✓ ok", "quota", "limit")
        assert wire.reached_calls() != []
        ours = json.loads(wire.reached()[-1])
        assert ours["params"]["arguments"] == {"query": "quota", "limit": 50, "mode": "fast", "tags": ["a"]}
        await scope.composer.press("escape")
        await scope.tools.press("n").shows("quota")
        await scope.composer.press("ctrl+r").hides("quota").press("tab").shows("[JSON]")
        await scope.composer.press("escape")
        await scope.tools.press("1")
        await scope.traffic.shows("ask", "✓ ok")
    assert wire.is_silent(), "the client that runs has heard nothing of it"


async def test_a_call_goes_through_the_running_session_when_told_so(offering: Any) -> None:
    wire: Steered = offering()
    async with tools_of(wire.program.db) as scope:
        await scope.tools.shows("look").select(1).press("n")
        await scope.composer.shows("COMPOSING").press("ctrl+t").shows("the running session", "marked as ours")
        await scope.composer.type("7").shows("fits the schema").press("ctrl+s").shows("✓ ok", "n")
        assert json.loads(wire.reached()[-1])["params"] == {"name": "look", "arguments": {"n": 7}}
        await scope.composer.press("escape")
    assert wire.is_silent()


async def test_an_exchange_is_edited_and_sent_again_and_compared_with_its_answer(offering: Any) -> None:
    wire: Steered = offering()
    wire.says(call(5, "look", n=1))
    assert (await in_thread(wire.hears))["id"] == 5
    wire.closes()
    async with tools_of(wire.program.db, (80, 24), live=False) as scope:
        await scope.tools.press("1")
        await scope.traffic.shows("look").press("G").selected_is("look").press("R")
        await scope.composer.shows("COMPOSING tools/call  look", "[Form]")
        assert written(scope) == {"n": 1}
        await scope.composer.press("ctrl+s").shows("✓ ok").press("ctrl+d").shows("byte for byte the same")
        await scope.composer.press("tab").shows("[JSON]")
        screen = scope.app.screen
        assert isinstance(screen, ComposerScreen)
        screen.area.text = '{"n": 1x}'
        await scope.composer.shows("line 1, column").press("ctrl+s").shows("nothing was sent")
        screen.area.text = '{"n": "many"}'
        await scope.composer.shows("1 problem").press("ctrl+g").shows("✓ ok").press("ctrl+d").shows("many")
        assert json.loads(wire.reached()[-1])["params"]["arguments"] == {"n": "many"}
        await scope.composer.press("escape")
        await scope.traffic.press("enter")
        await scope.detail.press("R")
        await scope.composer.shows("COMPOSING tools/call  look").press("escape")
        await scope.detail.press("escape")
        await scope.traffic.press("g").press("R").shows("only what a client asked")


async def test_a_tool_that_fails_says_so(offering: Any) -> None:
    wire: Steered = offering([*TOOLS[3:], {"name": "none", "inputSchema": {"type": "object"}}])
    wire.closes()
    async with tools_of(wire.program.db, live=False) as scope:
        await scope.tools.shows("fails").select(1).press("n")
        await scope.composer.press("ctrl+s").shows("✗ -32001", "it fails").press("escape")
        await scope.tools.select(3).press("n")
        await scope.composer.shows("[JSON]").press("tab").shows("the schema gives no fields").press("ctrl+s")
        await scope.composer.shows("✓ ok").press("escape")


async def test_a_call_to_a_proxy_on_http_passes_its_gate(ends: Ends, peers: Peers) -> None:
    viewer, _ = await in_thread(ends.view, peers, "sdk1", "http")
    await in_thread(viewer.does, "list", "list")
    async with tools_of(ends.program.db) as scope:
        await scope.tools.shows("add").select(1).selected_is("add").press("n")
        await (
            scope.composer.shows("a client of our own at http://127.0.0.1").type("1").press("down").type("2")
        )
        await scope.composer.shows("fits the schema").press("ctrl+s").shows("✓ ok", '"3"').press("escape")
        await scope.tools.press("space").shows("hidden: add").press("n")
        await scope.composer.press("ctrl+s").shows("✗ -32602", "Unknown tool: add").press("escape")
        await scope.tools.press("u").shows("undone")
