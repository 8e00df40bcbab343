"""``H``: the answer of ``mcpscope why`` over any screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.session.steered import Steered, call
from tests.tui.driver import opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_recording_says_that_its_end_was_all(db: Path, tape: Tape) -> None:
    tape.ask("tools/call", name="search_docs", arguments={"query": "x"})
    tape.stderr("taking the lock")
    tape.store()
    tape.end()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("H")
        await scope.any.shows("owes the client an answer to tools/call search_docs", "taking the lock")
        await scope.press("escape")
        await scope.traffic.shows("search_docs")


async def test_a_live_hold_is_named_with_what_to_do(steered: Callable[..., Steered]) -> None:
    wire = steered("--break", "tool:echo", "--detached", "wait")
    wire.says(call(7, text="a"))
    async with opened(wire.program.db, (120, 40)) as scope:
        await scope.traffic.shows("HELD req").press("H")
        await scope.any.shows("is held by", "mcpscope holds continue")
        await scope.press("escape")
        await scope.traffic.shows("HELD")
