"""Stats: the figures of ``mcpscope stats`` as a screen, with what was never called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcpscope.tui.present.sparks import spark
from tests.program import Program
from tests.tui.driver import opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]
TOOLS = [
    {"name": name, "description": "a tool", "inputSchema": {"type": "object"}}
    for name in ("fast", "slow", "idle")
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def used(db: Path) -> Path:
    tape = Tape(db).start(tools=TOOLS)
    for _ in range(3):
        tape.wait(1000)
        tape.call("fast", ms=10)
    tape.call("slow", ms=400)
    tape.fail(tape.ask("tools/call", name="slow", arguments={}), -32000, "no")
    tape.store()
    return db


async def test_its_figures_are_those_of_the_command(used: Path, program: Program) -> None:
    done = program.run("--db", str(used), "stats", "--json")
    told = {one["tool"]: one for one in json.loads(done.stdout)["data"]}
    async with opened(used, (120, 40)) as scope:
        await scope.traffic.shows("slow").press("9")
        await scope.stats.shows("fast", "slow", "5 calls", "1 error", "never called", "1 of 3 tools")
        for line in scope.lines:
            words = line.strip("▸ ").split()
            if words[:1] == ["fast"] or words[:1] == ["slow"]:
                facts = told[words[0]]
                assert words[1:3] == [str(facts["calls"]), str(facts["errors"])]
                assert words[3] == f"{facts['p50_ms']:.0f}ms"
        await scope.stats.selected_is("fast").press("enter")
        await scope.traffic.shows('tool:"fast"').hides("-32000")


async def test_tabs_and_orders(used: Path) -> None:
    async with opened(used, (120, 40)) as scope:
        await scope.traffic.shows("slow").press("9")
        await scope.stats.selected_is("fast").press("o", "e")
        await (
            scope.stats.shows("sorted by errors").press("g").selected_is("slow").press("right_square_bracket")
        )
        await scope.stats.shows("[Method]", "tools/call", "initialize").press(*["right_square_bracket"] * 4)
        await scope.stats.shows("[Hour]", ":00").press("enter")
        await scope.stats.shows("Traffic has no filter for it")


async def test_it_counts_what_comes_while_it_is_looked_at(db: Path) -> None:
    tape = Tape(db).start(tools=TOOLS)
    tape.call("fast")
    tape.store()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("fast").press("9")
        await scope.stats.shows("1 calls")
        tape.call("fast")
        tape.store()
        await scope.stats.shows("2 calls")


def test_a_spark_has_a_bar_where_something_happened() -> None:
    second = 10**9
    assert spark([0, 0, 0, 9], 0, 10 * second, 10) == "█        ▄"
    assert spark([0, 9], 0, 10 * second, 10, ascii=True) == "@        @"
    assert spark([5], 5 * second, 5 * second, 3) == "█  "
