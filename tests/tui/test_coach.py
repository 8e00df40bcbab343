"""The coach of the demo: it speaks where something can be tried, in one line that fits, until Esc."""

from __future__ import annotations

from itertools import product

import pytest

from mcpscope.tui.app import Options
from mcpscope.tui.coach import Coach
from mcpscope.tui.present.glyphs import UTF8
from tests.program import Program
from tests.session.steered import Steered, call
from tests.tui.driver import opened

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_it_tells_how_to_edit_what_is_held_and_esc_closes_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    wire = Steered(program, "--break", "tool:echo")
    async with opened(program.db, options=Options(coach=True)) as scope:
        await scope.traffic.shows("initialize", "in a moment one call is held")
        await scope.until(lambda: any(link.attached for link in scope.app.steer.links), "attached")
        wire.says(call(1, n=1))
        await scope.traffic.shows("press e to edit it, a to let it go")
        await scope.until(lambda: "echo" in scope.selected_line, "the held row")
        await scope.traffic.press("a").shows("? knows every key")
        await scope.traffic.press("escape").hides("? knows every key").shows("echo")
    assert wire.hears()["id"] == 1


def test_every_line_fits_eighty_columns() -> None:
    for place, held in product(("traffic", "detail", "recordings", "holds", "log"), (0, 2, 0)):
        assert len(UTF8.keyed(Coach(on=True).line(place, held))) <= 76
    assert Coach(on=False).line("traffic", 1) == ""
