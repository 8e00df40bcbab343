"""The Tools screen: real proxies, servers and clients; who may see a tool, its use, its changes, faults."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcpscope.tui.app import Options
from mcpscope.tui.clock import Clock
from mcpscope.tui.present import figures
from mcpscope.tui.screens.tools import ToolsScreen
from tests.e2e.viewers import Ends
from tests.peers.found import Peers
from tests.program import Program, until
from tests.session.steered import Steered, call
from tests.tui.driver import Scope, opened

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
SERVER = Path(__file__).parents[2] / "session" / "offering_server.py"
LIST = {"jsonrpc": "2.0", "id": "list", "method": "tools/list"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
READ, DESTROYS = {"readOnlyHint": True}, {"readOnlyHint": False, "destructiveHint": True}
TOOLS = [
    {"name": "look", "description": "Looks.", "inputSchema": SCHEMA, "annotations": READ},
    {"name": "peek", "description": "Peeks.", "inputSchema": SCHEMA, "annotations": READ},
    {"name": "wipe", "description": "Wipes.", "inputSchema": SCHEMA, "annotations": DESTROYS},
    {"name": "fails", "inputSchema": SCHEMA},
    {"name": "errs", "inputSchema": SCHEMA},
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program, whose proxies a UI of this test finds."""
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    return program


@pytest.fixture
def offering(here: Program) -> Callable[..., Steered]:
    """Starts a proxy in front of a server with these tools, and lists them."""

    def start(tools: list[dict[str, Any]] = TOOLS, policy: str = "") -> Steered:
        (here.folder / "tools.json").write_text(json.dumps(tools))
        (here.folder / "policy.yaml").write_text(policy)
        options = ["--policy", str(here.folder / "policy.yaml")] if policy else []
        wire = Steered(here, "--label", "shop", *options, server=SERVER)
        wire.says({"jsonrpc": "2.0", "method": "notifications/initialized"})
        wire.says(LIST)
        assert len(wire.hears()["result"]["tools"]) in (len(tools), len(tools) - bool(policy))
        return wire

    return start


@asynccontextmanager
async def tools_of(db: Path, size: tuple[int, int] = (120, 40), *, live: bool = True) -> AsyncIterator[Scope]:
    """The Tools screen of the UI, attached to what runs."""
    async with opened(db, size, options=Options(theme="mcpscope-dark"), clock=Clock()) as scope:
        steer = scope.app.steer
        await scope.until(lambda: not live or any(link.attached for link in steer.links), "attached")
        await scope.traffic.shows("tools/list").press("3")
        await scope.tools.shows("HINTS")
        yield scope


def in_thread(what: Callable[..., Any], *args: Any) -> Any:
    return anyio.to_thread.run_sync(what, *args)


async def lists(wire: Steered) -> list[str]:
    """The names of the tools that the client gets; notices on the way are passed over."""
    wire.says(LIST)
    while (told := await in_thread(wire.hears)).get("id") != "list":
        pass
    return [tool["name"] for tool in told["result"]["tools"]]


async def calls(wire: Steered, id: int, tool: str) -> Any:
    wire.says(call(id, tool))
    while (told := await in_thread(wire.hears)).get("id") != id:
        pass
    return told


@pytest.fixture
def ends(here: Program) -> Iterator[Ends]:
    made = Ends(here)
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["sdk1", "ts-legacy"])
async def test_space_hides_a_tool_from_a_real_client_and_u_brings_it_back(
    ends: Ends, peers: Peers, kind: str
) -> None:
    viewer, _ = await in_thread(ends.view, peers, kind, "stdio")
    assert "add" in (await in_thread(viewer.does, "list", "list"))[1]
    async with tools_of(ends.program.db) as scope:
        await scope.tools.shows("add").select(1).selected_is("add").press("space")
        await scope.tools.shows("○!", "list_changed was sent", "hidden: add")
        assert "add" not in (await in_thread(viewer.does, "list", "list"))[1]
        assert (await in_thread(viewer.does, 'call add {"a":1,"b":2}', "called"))[:2] == ["error", -32602]
        await scope.tools.hides("○!").shows("the client asked for its tools again after", "it has 9 now")
        await scope.tools.press("u").shows("undone: hide add").hides("○")
        assert "add" in (await in_thread(viewer.does, "list", "list"))[1]
        told = await in_thread(viewer.does, 'call add {"a":1,"b":2}', "called")
        assert told == ["called", False, "3"]


async def test_rows_are_hidden_together_by_marks_globs_and_annotations(
    offering: Callable[..., Steered],
) -> None:
    wire = offering()
    names = [tool["name"] for tool in TOOLS]
    async with tools_of(wire.program.db) as scope:
        await scope.tools.shows("look", "DESTROYS", "never").select(1).press("m", "m", "space")
        await scope.tools.shows("hidden: look, peek", "2 hidden")
        assert await lists(wire) == names[2:]
        await scope.tools.press("u").hides("2 hidden")
        assert await lists(wire) == names
        await scope.tools.press("7")
        await scope.log.shows("tools hide look, peek kind=tool", "tools unhide look, peek")
        await scope.log.press("3")
        await scope.tools.press("colon").type("only read").press("enter").shows("3 hidden")
        assert await lists(wire) == names[:2]
        await scope.tools.press("u").hides("3 hidden").press("colon").type("hide w*").press("enter")
        await scope.tools.shows("1 hidden")
        assert await lists(wire) == [name for name in names if name != "wipe"]
        await scope.tools.press("colon").type("show *").press("enter").hides("1 hidden")
        assert await lists(wire) == names


async def test_breakpoints_and_faults_are_set_on_rows_and_taken_back(
    offering: Callable[..., Steered],
) -> None:
    wire = offering()
    async with tools_of(wire.program.db) as scope:
        await scope.tools.shows("look").select(1).press("t", "2", "enter").shows("F fault1: error")
        assert "error" in await calls(wire, 1, "look")
        await scope.tools.press("u").hides("fault1")
        assert "result" in await calls(wire, 2, "look")
        await scope.tools.press("ctrl+r").shows("F fault").press("t", "c").hides("F fault")
        await scope.tools.press("b").shows("◉rq", "break tool:look")
        wire.says(call(3, "look"))
        await scope.tools.shows("HELD 1").press("exclamation_mark")
        await scope.holds.press("a").hides("HELD 1")
        assert (await in_thread(wire.hears))["id"] == 3
        await scope.any.press("3")
        await (
            scope.tools.press("u").hides("◉rq").press("colon").type("break look response once when args.n=7")
        )
        await scope.any.press("enter").shows("◉rs", "break tool:look args.n=7 (res)")
        assert "result" in await calls(wire, 4, "look")
        wire.says(call(5, "look", n=7))
        await scope.tools.shows("HELD 1").press("exclamation_mark")
        await scope.holds.shows("response").press("a").hides("HELD 1")
        assert (await in_thread(wire.hears))["id"] == 5


async def test_statistics_are_those_of_the_exported_messages(offering: Callable[..., Steered]) -> None:
    wire = offering()
    for number, tool in enumerate(("look", "fails", "look", "errs", "look", "fails", "look", "look")):
        assert (await calls(wire, number, tool))["id"] == number
    wire.closes()
    exported = wire.program.run("export", "1", "--format", "jsonl", "--with-secrets")
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    wanted = computed(line for line in lines if "message" in line)
    async with tools_of(wire.program.db, (200, 50), live=False) as scope:
        await scope.tools.shows("look", "never")
        screen = scope.app.screen
        assert isinstance(screen, ToolsScreen)
        for at, thing in enumerate(screen.things, 1):
            if thing.name not in wanted:
                assert thing.offered.calls == 0
                continue
            count, errors, half, most = wanted[thing.name]
            offered = thing.offered
            assert (offered.calls, offered.errors) == (count, errors)
            assert (offered.percentile(0.5), offered.percentile(0.95)) == (half, most)
            await scope.tools.select(at).selected_is(f"{count:>6}{errors:>5}{figures.duration(half):>8}")


def computed(lines: Iterator[dict[str, Any]]) -> dict[str, tuple[int, int, int, int]]:
    """Calls, errors, p50 and p95 of each tool, from requests and their answers."""
    open: dict[Any, tuple[str, int]] = {}
    times: dict[str, list[int]] = {}
    errors: dict[str, int] = {}
    for line in lines:
        message = line["message"]
        if message.get("method") == "tools/call":
            open[message["id"]] = (message["params"]["name"], line["at"])
        elif message.get("id") in open:
            name, at = open.pop(message["id"])
            times.setdefault(name, []).append(line["at"] - at)
            errors[name] = errors.get(name, 0) + (
                "error" in message or message["result"].get("isError") is True
            )
    found = {}
    for name, taken in times.items():
        taken.sort()
        half, most = (taken[math.ceil(part * len(taken)) - 1] for part in (0.5, 0.95))
        found[name] = (len(taken), errors[name], half, most)
    return found


def listed(db: Path) -> int:
    """How many definitions are stored."""
    try:
        with closing(sqlite3.connect(db)) as connection:
            found: int = connection.execute("SELECT count(*) FROM definitions").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # the recorder is still making the tables
    return found


async def test_a_changed_definition_is_marked_until_it_is_accepted(offering: Callable[..., Steered]) -> None:
    first = offering()
    first.closes()
    until(lambda: listed(first.program.db) == len(TOOLS))  # what was seen first is known once it is stored
    changed = [{**TOOLS[0], "description": "Looks, and tells."}, *TOOLS[1:]]
    wire = offering(changed)
    async with tools_of(wire.program.db) as scope:
        await scope.tools.shows("look", "Δ").select(1).shows("changed since it was first seen", "description")
        await scope.tools.press("d")
        await scope.tool.shows("[Diff]", "dangerous", "Looks, and tells.", "Looks.").press("escape")
        await scope.tools.press("a").shows("accepted: look").hides("Δ  ")
        await scope.until(lambda: not any(thing.drift for thing in scope.app.screen.things), "accepted")
    wire.closes()
    again = offering([*changed, {"name": "more", "inputSchema": SCHEMA}])
    async with tools_of(again.program.db) as scope:
        await scope.tools.shows("look", "more")
        screen = scope.app.screen
        assert isinstance(screen, ToolsScreen)
        assert [thing.name for thing in screen.things if thing.drift] == ["more"]
        await (
            scope.tools.select(6)
            .shows("new since you accepted the others")
            .press("a")
            .shows("accepted: more")
        )
    told = json.loads(again.program.run("--json", "tools", "diff").stdout)
    assert told["data"]["drifted"] == {}


async def test_a_policy_hides_whatever_is_wished(offering: Callable[..., Steered]) -> None:
    wire = offering(policy="version: 1\nhide: [wipe]\n")
    async with tools_of(wire.program.db) as scope:
        await (
            scope.tools.shows("wipe", "1 hidden").select(3).press("space").shows("stays hidden: policy wipe")
        )
        assert "wipe" not in await lists(wire)


async def test_a_recording_is_shown_and_cannot_be_toggled(offering: Callable[..., Steered]) -> None:
    wire = offering()
    await calls(wire, 1, "look")
    wire.closes()
    async with tools_of(wire.program.db, (80, 24), live=False) as scope:
        await scope.tools.shows("look", "4 never used").press("space").shows("runs no more")
        await scope.tools.press("enter")
        await scope.tool.shows("[Schema]", "inputSchema", "a call that went well said")
        await scope.tool.press("right_square_bracket").shows("[JSON]", "Looks.").press("enter")
        await scope.tool.shows("] to Calls").press("right_square_bracket", "right_square_bracket")
        await scope.tool.shows("[Calls]", "1 call", "ok").press("j", "j", "enter")
        await scope.detail.shows("look", "arguments")
