"""Workers get functions: the coroutine of a worker that another takes the place of would never be awaited."""

from __future__ import annotations

import ast
from pathlib import Path

TUI = Path(__file__).parents[2] / "mcpscope" / "tui"


def test_no_worker_is_given_a_coroutine_that_it_may_never_begin() -> None:
    made = []
    for path in TUI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            runs = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "run_worker"
            if runs and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Call):
                made.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert made == []
