"""Workers get functions: the coroutine of a worker that another takes the place of would never be awaited."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from textual.app import App
from textual.worker import WorkerFailed

from mcpscope.tui.crash import CrashReport
from mcpscope.tui.working import begin


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


TUI = Path(__file__).parents[2] / "mcpscope" / "tui"


def test_no_worker_is_given_a_coroutine_that_it_may_never_begin() -> None:
    made = []
    for path in TUI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            runs = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "run_worker"
            if runs and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Call):
                made.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert made == []


async def _looks_for_what_is_not_there(app: App[None]) -> None:
    app.screen.query_one("#nowhere")


@pytest.mark.anyio
async def test_a_report_names_what_failed_in_a_worker(tmp_path: Path) -> None:
    class Failing(App[None]):
        def on_mount(self) -> None:
            begin(self, _looks_for_what_is_not_there, self)

    with pytest.raises(WorkerFailed) as failed:
        async with Failing().run_test() as pilot:
            await pilot.pause()
    report = CrashReport.of(failed.value)
    assert "NoMatches" in report.sentence and report.path is not None
    assert "_looks_for_what_is_not_there" in report.path.read_text()
