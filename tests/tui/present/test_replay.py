"""How far a replay is, in a line."""

from __future__ import annotations

from mcpscope.store.replays import RunRow, VerdictRow
from mcpscope.tui.present.glyphs import UTF8
from mcpscope.tui.present.replay import FOOT_CELLS, Extent, preview_texts, run_line

STARTED = 1_000_000_000


def shown(done: int, total: int, seconds: float, state: str = "running") -> str:
    run = RunRow(3, 1, 0, "run-3", "srv", STARTED, None, state, "notes")
    rows = [VerdictRow(n, n, "greet", "same", 1, 1, "", None, None, {}) for n in range(done)]
    extent = Extent(total, STARTED + int(seconds * 1e9))
    return "".join(text for text, _ in run_line(run, rows, extent, 160, UTF8))


def test_a_run_tells_what_is_done_what_time_it_took_and_what_is_left() -> None:
    assert "  10/40  0:20  ~1:00 left  same 10  " in shown(10, 40, 20)


def test_nothing_is_foretold_before_the_first_verdict_without_a_total_or_at_the_end() -> None:
    assert "0/40  0:02  " in shown(0, 40, 2) and "left" not in shown(0, 40, 2)
    assert "left" not in shown(5, 0, 2)
    assert "left" not in shown(5, 5, 2, "finished")


def test_every_tool_that_nobody_vouches_for_is_named_on_lines_of_its_own() -> None:
    names = [f"tool_number_{number}" for number in range(9)]
    _, foot = preview_texts([(name, 1) for name in names], [("wipe", 2)], names)
    assert all(name in foot for name in names) and "wipe ×2" in foot
    assert max(map(len, foot.split("\n"))) <= FOOT_CELLS
