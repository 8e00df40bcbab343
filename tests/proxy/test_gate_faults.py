"""A disk that fills while messages pass the gate: required recording refuses, best effort counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Program, until
from tests.proxy.test_faults import fill, rows, small_disk
from tests.session.steered import Steered, call

pytestmark = pytest.mark.timeout(90)
__all__ = ["small_disk"]

GATED = ("--deny", "tool:nothing")


def test_nothing_unrecorded_passes_where_the_record_is_required(program: Program, small_disk: Path) -> None:
    program.env["MCPSCOPE_DB"] = str(small_disk / "x.db")
    wire = Steered(program, "--record-mode", "required", *GATED)
    wire.says(call(1))
    assert wire.hears()["id"] == 1
    fill(small_disk / "ballast")
    said = 1
    while wire.process.poll() is None and said < 2000:
        said += 1
        try:
            wire.says(call(said, pad="x" * 30_000))
        except BrokenPipeError:
            break
        if wire.line(5) is None:
            break
    assert wire.process.wait(30) == 5
    assert len(wire.reached_calls()) < said


def test_best_effort_goes_on_through_the_gate_and_counts_what_is_missed(
    program: Program, small_disk: Path
) -> None:
    db = small_disk / "x.db"
    program.env["MCPSCOPE_DB"] = str(db)
    wire = Steered(program, *GATED)
    wire.says(call(0))
    wire.hears()
    until(lambda: rows(db, "SELECT 1 FROM messages"))
    fill(small_disk / "ballast")
    for id in range(1, 300):
        wire.says(call(id, pad="x" * 30_000))
        assert wire.hears()["id"] == id
    (small_disk / "ballast").unlink()
    until(lambda: wire.says(call("again")) is None and wire.hears()["id"] == "again" and gaps(db))
    assert wire.closes() == 0


def gaps(db: Path) -> bool:
    found = rows(db, "SELECT gaps, lost_messages FROM sessions")
    return bool(found and found[0][0] and found[0][1])
