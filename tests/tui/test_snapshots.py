"""How every screen and state looks, at three sizes; ``pytest --snapshot-update`` takes the pictures again.

One UI is brought into a state at 80x24, and its terminal is then made larger: a state costs one start, and
every picture of a larger terminal also shows that the state outlives a new size.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from mcpscope.tui.app import Options, ScopeApp
from mcpscope.tui.clock import Clock
from mcpscope.tui.start import make_app
from mcpscope.tui.widgets.exchange import ExchangeView
from mcpscope.tui.widgets.rowlist import RowList
from tests.tui import scenes
from tests.tui.tape import CLOCK, Tape

SIZES = ((80, 24), (120, 40), (200, 50))
SMALL = SIZES[:1]

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
TAB = ("right_square_bracket",)
Size = tuple[int, int]
Driven = Callable[[Pilot[Any]], Any]

STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "first": ("none", ()),
    "empty": ("opened", ()),
    "traffic": ("statuses", ()),
    "traffic_not_following": ("statuses", ("g", "j")),
    "paused": ("statuses", ("p",)),
    "filter_valid": ("statuses", ("slash", *"tool:sea", "asterisk")),
    # No part of it is a valid filter, so nothing is previewed on the way.
    "filter_error": ("statuses", ("slash", "left_parenthesis", *"tol:a")),
    "filtered_to_nothing": ("statuses", ("slash", *"tool:nothing", "enter")),
    "filtered": ("statuses", ("slash", *"is:error", "enter")),
    "frames": ("statuses", ("t",)),
    "detail_pretty": ("statuses", ("g", "j", "j", "j", "enter")),
    "detail_answer": ("statuses", ("g", "j", "j", "j", "enter", "tab")),
    "detail_tree": ("statuses", ("g", "j", "j", "j", "enter", *TAB)),
    "detail_raw": ("statuses", ("g", "j", "j", "j", "enter", *TAB * 2)),
    "detail_schema": ("statuses", ("g", *"j" * 13, "enter", *TAB * 3)),
    "detail_timing": ("statuses", ("g", *"j" * 11, "enter", *TAB * 4)),
    "detail_related": ("statuses", ("g", *"j" * 6, "enter", *TAB * 5)),
    "detail_diff": ("statuses", ("g", *"j" * 11, "enter", *TAB * 6)),
    "malformed": ("statuses", ("g", *"j" * 10, "enter")),
    "image": ("contents", ("g", "j", "j", "j", "enter", "tab")),
    "wrong_image": ("contents", ("g", *"j" * 4, "enter", "tab")),
    "audio": ("contents", ("g", *"j" * 5, "enter", "tab")),
    "blob": ("contents", ("g", *"j" * 6, "enter", "tab", *TAB)),
    "control": ("contents", ("g", *"j" * 8, "enter", "tab")),
    "wide": ("contents", ("g", *"j" * 9, "enter", "tab")),
    "long_string": ("contents", ("g", *"j" * 11, "enter", "tab")),
    "large": ("contents", ("g", *"j" * 12, "enter", "tab", "G")),
    "recordings": ("recordings", ("4",)),
    "log": ("recordings", ("7",)),
    "tools": ("offered", ("3",)),
    "tools_changed": ("offered", ("3", "j", "j", "j")),
    "tool_schema": ("offered", ("3", "enter")),
    "tool_diff": ("offered", ("3", "j", "j", "j", "d")),
    "composer": ("offered", ("3", "n", *"quota", "down", *"99")),
    "help_tools": ("offered", ("3", "question_mark")),
    "findings": ("contents", ("8",)),
    "stats": ("offered", ("9",)),
    "wrap_none": ("none", ("w",)),
    "holds_none": ("statuses", ("2",)),
    "replay_none": ("statuses", ("5",)),
    "replay_running": ("replaying", ("5",)),
    "replay_review": ("replayed", ("5", "j")),
    "help_replay": ("replayed", ("5", "question_mark")),
    "help_log": ("recordings", ("7", "question_mark")),
    "help_detail": ("statuses", ("g", "j", "j", "j", "enter", "question_mark")),
    "help_holds": ("statuses", ("2", "question_mark")),
    "help_traffic": ("statuses", ("question_mark",)),
    "help_recordings": ("recordings", ("4", "question_mark")),
    "prompt": ("statuses", ("colon", *"the")),
    "palette": ("statuses", ("ctrl+p", *"sear")),
    "copy": ("statuses", ("g", "j", "j", "j", "y")),
    "sort": ("statuses", ("o",)),
    "quit": ("statuses", ("q",)),
}
OPENING = {*"2345789ndptw", "enter", "slash", "colon", "ctrl+p", "question_mark", "right_square_bracket"}
RESTED = {"y", "slash"}
LOOKS = {
    "mono": Options(watch=False, theme="mono"),
    "ascii": Options(watch=False, theme="mcpscope-dark", ascii=True),
    "ansi_light": Options(watch=False, theme="ansi-light"),
    "ansi_dark": Options(watch=False, theme="ansi-dark"),
    "high_contrast": Options(watch=False, theme="high-contrast"),
    "light": Options(watch=False, theme="mcpscope-light"),
}


@pytest.fixture(scope="session")
def scene_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The database of a scene, written once."""
    made: dict[str, Path] = {}

    def find(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name) / "scope.db"
            if name != "none":
                getattr(scenes, name)(made[name])
        return made[name]

    return find


def idle(app: ScopeApp) -> bool:
    """Whether nothing is being read or computed."""
    busy = any(not worker.is_finished for worker in app.workers)
    view = next(iter(app.screen.query(ExchangeView)), None)
    empty = any(not rows.line_count() for rows in app.screen.query(RowList))
    loading = view is not None and view.display and view.loaded is None and not empty
    return not busy and not loading and app.scope.shown is not None


async def settled(pilot: Pilot[Any], *, watched: bool = False) -> None:
    """Wait until the UI rests: some looks in a row find it idle; one that watches a database never is."""
    app = pilot.app
    assert isinstance(app, ScopeApp)
    end, quiet = time.monotonic() + 20, 0
    while quiet < 5 and time.monotonic() < end:
        await pilot.pause()
        await asyncio.sleep(0.03)
        parts = (getattr(app.screen, name, None) for name in ("under", "filtering"))
        timers_pending = any(getattr(part, "_timer", None) is not None for part in parts)
        dialog = len(app.screen_stack) > 1 and app.screen.id is None and not hasattr(app.screen, "place")
        quiet = quiet + 1 if (watched or dialog or idle(app)) and not timers_pending else 0


def driven(keys: tuple[str, ...]) -> Callable[[Pilot[Any]], Any]:
    """Press keys, each after the UI has come to rest where it matters."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for key in keys:
            if key in RESTED:
                await settled(pilot)
            await pilot.press(key)
            if key in OPENING:
                await settled(pilot)
        await asyncio.sleep(0.15)
        await settled(pilot)

    return run


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder without any client's configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def pictures(app: ScopeApp, run: Driven, sizes: tuple[Size, ...]) -> dict[str, str]:
    """The SVG of the state that ``run`` brings about, at each size."""
    found: dict[str, str] = {}
    async with app.run_test(size=sizes[0]) as pilot:
        await run(pilot)
        for size in sizes:
            if size != tuple(app.size):
                await pilot.resize_terminal(*size)
                await settled(pilot)
            found["x".join(map(str, size))] = app.export_screenshot(title="mcpscope", simplify=True)
    return found


def words(svg: str) -> list[str]:
    """The lines of a picture as text."""
    rows: dict[float, str] = {}
    for x, y, text in re.findall(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        rows[float(y)] = rows.get(float(y), "").ljust(round(float(x) / 12.2)) + unescape(text)
    return [rows[y].replace("\xa0", " ").rstrip() for y in sorted(rows)]


def same(snapshot: SnapshotAssertion, taken: dict[str, str]) -> None:
    """Every picture is the one that is kept; else the lines that differ are told."""
    told = []
    for name, svg in taken.items():
        kept = snapshot(name=name, extension_class=SVGImageExtension)
        if kept == svg:
            continue
        before, now = words(str(kept)), words(svg)
        lines = [f"  was {old}\n  now {new}" for old, new in zip(before, now, strict=False) if old != new]
        told.append(f"{name}:\n" + "\n".join(lines or ["  other colours, or other lines"]))
    assert not told, "\n".join(told)


@pytest.mark.parametrize("state", STATES)
async def test_state(
    snapshot: SnapshotAssertion, scene_of: Callable[[str], Path], at_home: Path, state: str
) -> None:
    scene, keys = STATES[state]
    db = at_home / "mcpscope.db" if scene == "none" else scene_of(scene)
    app = make_app(db, options=Options(watch=False, theme="mcpscope-dark"), clock=CLOCK)
    same(snapshot, await pictures(app, driven(keys), SIZES))


@pytest.mark.parametrize("look", LOOKS)
async def test_look(snapshot: SnapshotAssertion, scene_of: Callable[[str], Path], look: str) -> None:
    app = make_app(scene_of("statuses"), options=LOOKS[look], clock=CLOCK)
    same(snapshot, await pictures(app, driven(()), SMALL))


async def test_a_name_of_300_characters(snapshot: SnapshotAssertion, scene_of: Callable[[str], Path]) -> None:
    app = make_app(scene_of("contents"), options=Options(watch=False, theme="mcpscope-dark"), clock=CLOCK)
    same(snapshot, await pictures(app, driven(("G",)), SMALL))


async def test_too_small(snapshot: SnapshotAssertion, scene_of: Callable[[str], Path]) -> None:
    app = make_app(scene_of("statuses"), options=Options(watch=False, theme="mcpscope-dark"), clock=CLOCK)
    same(snapshot, await pictures(app, driven(()), ((50, 12),)))


async def test_rows_that_came_while_the_cursor_was_elsewhere(snapshot: SnapshotAssertion, db: Path) -> None:
    tape = calls(Tape(db).start(), 0, 30)

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, ScopeApp)
        await until(lambda: bool(app.scope.shown and len(app.traffic().listing.rows)))
        await pilot.press("k", "k")
        calls(tape, 30, 42)
        await until(lambda: bool(app.traffic().listing.unseen >= 12))
        await asyncio.sleep(0.8)
        await settled(pilot, watched=True)

    app = make_app(db, options=Options(theme="mcpscope-dark"), clock=Clock(CLOCK.zone, CLOCK.frozen_ns))
    same(snapshot, await pictures(app, run, SMALL))


async def test_rows_that_came_while_the_display_was_paused(snapshot: SnapshotAssertion, db: Path) -> None:
    tape = calls(Tape(db).start(), 0, 30)

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, ScopeApp)
        await until(lambda: bool(app.scope.shown and app.traffic().listing.complete))
        await pilot.press("p")
        calls(tape, 30, 42)
        await until(lambda: bool(app.traffic().listing.arrived >= 12))
        await asyncio.sleep(0.8)
        await settled(pilot, watched=True)

    app = make_app(db, options=Options(theme="mcpscope-dark"), clock=Clock(CLOCK.zone, CLOCK.frozen_ns))
    same(snapshot, await pictures(app, run, SMALL))


def calls(tape: Tape, first: int, end: int) -> Tape:
    """Calls with numbers in their names, brought into the database."""
    for number in range(first, end):
        tape.wait(100)
        tape.call(f"tool_{number}", ms=20)
    return tape.store()


async def until(check: Callable[[], bool]) -> None:
    """Wait until ``check`` holds."""
    end = time.monotonic() + 20
    while not check():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
