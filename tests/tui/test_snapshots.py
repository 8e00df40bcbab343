"""How every screen and state looks, at three sizes; ``pytest --snapshot-update`` takes the pictures again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mcpscope.tui.app import Options, ScopeApp
from mcpscope.tui.clock import Clock
from mcpscope.tui.start import make_app
from mcpscope.tui.widgets.exchange import ExchangeView
from tests.tui import scenes
from tests.tui.tape import CLOCK, Tape

SIZES = [(80, 24), (120, 40), (200, 50)]
AT_120 = ("traffic", "filter_error", "frames", "detail_pretty", "detail_schema", "image", "recordings", "log")
AT_200 = ("traffic", "detail_diff", "recordings")
"""Every state is taken at 80x24; these, which look different there, at the larger sizes too."""

pytestmark = pytest.mark.timeout(120)
Snap = Callable[..., bool]
TAB = ("right_square_bracket",)

STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "first": ("none", ()),
    "traffic": ("statuses", ()),
    "traffic_not_following": ("statuses", ("g", "j")),
    "paused": ("statuses", ("p",)),
    "filter_valid": ("statuses", ("slash", *"tool:sea")),
    # No part of it is a valid filter, so nothing is previewed on the way.
    "filter_error": ("statuses", ("slash", "left_parenthesis", *"tol:a")),
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
    "help_traffic": ("statuses", ("question_mark",)),
    "help_recordings": ("recordings", ("4", "question_mark")),
    "prompt": ("statuses", ("colon", *"the")),
    "palette": ("statuses", ("ctrl+p", *"sear")),
    "copy": ("statuses", ("g", "j", "j", "j", "y")),
    "sort": ("statuses", ("o",)),
    "quit": ("statuses", ("q",)),
}
OPENING = {"enter", "slash", "colon", "ctrl+p", "question_mark", "right_square_bracket", "4", "7", "t", "p"}
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
    loading = app.screen.id != "_default" and view is not None and view.display and view.loaded is None
    return not busy and not loading and app.scope.shown is not None


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the UI rests: three looks in a row find it idle and unchanged."""
    app = pilot.app
    assert isinstance(app, ScopeApp)
    end, quiet = time.monotonic() + 20, 0
    while quiet < 5 and time.monotonic() < end:
        await pilot.pause()
        await asyncio.sleep(0.03)
        parts = (getattr(app.screen, name, None) for name in ("under", "filtering"))
        timers_pending = any(getattr(part, "_timer", None) is not None for part in parts)
        dialog = len(app.screen_stack) > 1 and app.screen.id is None and not hasattr(app.screen, "place")
        quiet = quiet + 1 if (dialog or idle(app)) and not timers_pending else 0


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
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder without any client's configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


CASES = [
    *((state, SIZES[0]) for state in STATES),
    *((state, SIZES[1]) for state in AT_120),
    *((state, SIZES[2]) for state in AT_200),
]


@pytest.mark.parametrize(
    ("state", "size"), CASES, ids=[f"{state}-{size[0]}x{size[1]}" for state, size in CASES]
)
def test_state(
    snap_compare: Snap, scene_of: Callable[[str], Path], at_home: Path, state: str, size: tuple[int, int]
) -> None:
    scene, keys = STATES[state]
    db = at_home / "mcpscope.db" if scene == "none" else scene_of(scene)
    app = make_app(db, options=Options(watch=False, theme="mcpscope-dark"), clock=CLOCK)
    assert snap_compare(app, terminal_size=size, run_before=driven(keys))


@pytest.mark.parametrize("look", LOOKS)
def test_look(snap_compare: Snap, scene_of: Callable[[str], Path], look: str) -> None:
    app = make_app(scene_of("statuses"), options=LOOKS[look], clock=CLOCK)
    assert snap_compare(app, terminal_size=(80, 24), run_before=driven(()))


def test_a_name_of_300_characters(snap_compare: Snap, scene_of: Callable[[str], Path]) -> None:
    app = make_app(scene_of("contents"), options=Options(watch=False, theme="mcpscope-dark"), clock=CLOCK)
    assert snap_compare(app, terminal_size=(80, 24), run_before=driven(("G",)))


def test_too_small(snap_compare: Snap, scene_of: Callable[[str], Path]) -> None:
    app = make_app(scene_of("statuses"), options=Options(watch=False, theme="mcpscope-dark"), clock=CLOCK)
    assert snap_compare(app, terminal_size=(50, 12), run_before=driven(()))


def test_rows_that_came_while_the_cursor_was_elsewhere(snap_compare: Snap, db: Path) -> None:
    tape = Tape(db).start()
    for number in range(30):
        tape.wait(100)
        tape.call(f"tool_{number}", ms=20)
    tape.store()

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, ScopeApp)
        while not app.scope.shown or not len(app.traffic().listing.rows):
            await asyncio.sleep(0.05)
        await pilot.press("k", "k")
        for number in range(30, 42):
            tape.wait(100)
            tape.call(f"tool_{number}", ms=20)
        tape.store()
        end = time.monotonic() + 20
        while app.traffic().listing.unseen < 12 and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.8)
        await pilot.pause()

    clock = Clock(CLOCK.zone, CLOCK.frozen_ns)
    app = make_app(db, options=Options(theme="mcpscope-dark"), clock=clock)
    assert snap_compare(app, terminal_size=(80, 24), run_before=run)
