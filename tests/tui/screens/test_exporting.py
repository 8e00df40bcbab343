"""``x``: every form that the command writes, with what was masked, and no file written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpscope.exports.forms import FORMS
from mcpscope.tui.screens.exporting import KEYS
from tests.exports.recorded import call, record, text
from tests.tui.driver import opened

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
BEGINS = {
    "jsonl": b'{"format":"mcpscope"', "json": b'{"session":', "md": b"# notes", "html": b"<!DOCTYPE html>",
    "har": b'{"log":{"version":"1.2"', "csv": b"id,time,", "sqlite": b"SQLite format 3\0",
    "otlp": b'{"resourceSpans":', "pytest": b'{"format":"mcpscope"',
}  # fmt: skip


async def test_every_form_is_in_the_menu_and_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soak: bool
) -> None:
    db = tmp_path / "m.db"
    record(db, call(1, "login", {"password": "hunter22"}, text("ok"), at=0))
    assert BEGINS.keys() == FORMS.keys() == KEYS.keys() and len(set(KEYS.values())) == len(KEYS)
    monkeypatch.chdir(tmp_path)
    async with opened(db, (120, 40)) as scope:
        for form in BEGINS if soak else ("html", "sqlite", "pytest"):
            await scope.traffic.shows("login").press("x")
            await scope.any.shows("Export this session").press(KEYS[form])
            await scope.any.shows("Write to").press("enter")
            await scope.any.shows(f"{form} written to")
            (written,) = tmp_path.glob("session-1.*")
            (file, *_) = written.rglob("*.jsonl") if written.is_dir() else [written]
            whole = file.read_bytes()
            assert whole.startswith(BEGINS[form]) and b"hunter22" not in whole
            written.rename(tmp_path / f"seen.{form}")
        (tmp_path / "session-1.csv").touch()
        await scope.traffic.press("x")
        await scope.any.shows("Export this session").press("c")
        await scope.any.shows("Write to").press("enter")
        await scope.any.shows("exists already, nothing was written")
