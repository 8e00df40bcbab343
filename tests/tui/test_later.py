"""What is read before the first rows, and what only behind them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mcpscope.tui import later
from tests.tui.driver import opened
from tests.tui.tape import Tape

pytestmark = pytest.mark.timeout(90)

TOO_DEAR = (
    "httpx",
    "jsonschema_rs",
    "ruamel",
    "mcpscope.engine.judge",
    "mcpscope.engine.policy",
    "mcpscope.exports.documents",
    "mcpscope.exports.forms",
    "mcpscope.lint",
    "mcpscope.replay",
    "mcpscope.session",
    "mcpscope.store.follow",
    "mcpscope.store.ingest",
)
STARTED = """
import asyncio, json, sys
import mcpscope.cli.tree, mcpscope.cli.ui
from pathlib import Path
from mcpscope.cli.ui import _take_in
from mcpscope.tui.app import Options
from mcpscope.tui.picture import text_of
from mcpscope.tui.start import make_app

db = Path(sys.argv[1])
app = make_app(db, options=Options(watch=sys.argv[2] == "watch"), prepare=lambda: _take_in(db))

async def look(wanted):
    while not wanted():
        await asyncio.sleep(0.01)

async def run():
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.wait_for(look(lambda: "search_docs" in text_of(app)), 40)
        if sys.argv[2] == "watch":
            from mcpscope.tui import later
            every = set(later.MODULES.values())
            await asyncio.wait_for(look(lambda: every <= set(sys.modules)), 40)
        print(json.dumps(list(sys.modules)))

asyncio.run(run())
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def loaded(db: Path, how: str) -> set[str]:
    """The modules of a UI that shows its first rows; ``watch`` also waits for what is read behind them."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, str(db), how], capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return set(found)


def test_the_first_rows_wait_for_no_module_that_can_be_read_later(tape: Tape, db: Path) -> None:
    tape.call("search_docs", query="quota")
    tape.end()
    found = loaded(db, "first")
    assert "mcpscope.tui.screens.traffic" in found
    assert not found & set(later.MODULES.values())
    assert not {name for name in found if name.startswith(TOO_DEAR)}


def test_all_of_them_are_read_once_the_first_rows_stand(tape: Tape, db: Path) -> None:
    tape.call("search_docs", query="quota")
    tape.end()
    assert set(later.MODULES.values()) <= loaded(db, "watch")


def test_the_type_checker_and_the_table_know_the_same_modules() -> None:
    tree = ast.parse(Path(later.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    typed = {
        (one.asname or one.name).lstrip("_"): f"{node.module}.{one.name}"
        for node in imports
        for one in node.names
    }
    assert typed == later.MODULES
    assert all(map(find_spec, later.MODULES.values()))


@pytest.mark.anyio
async def test_the_styles_are_read_once_for_each_set_of_colours(tape: Tape) -> None:
    async with opened(tape.store().db) as scope:
        before = [id(rule) for rule in scope.app.stylesheet.rules]
        scope.app.refresh_css()
        assert [id(rule) for rule in scope.app.stylesheet.rules] == before
        scope.app.prefer("theme", "mcpscope-light")
        await scope.settled()
        assert not {id(rule) for rule in scope.app.stylesheet.rules} & set(before)
