"""The table of actions: every screen does its rows, no key means two things, the help knows them all."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from mcpscope.tui import actions
from mcpscope.tui.action import key_name
from mcpscope.tui.app import Options
from mcpscope.tui.present.helptext import help_lines
from mcpscope.tui.present.roles import PALETTES, ROLES, contrast
from mcpscope.tui.screens.base import ScopeScreen
from tests.tui.driver import opened
from tests.tui.tape import Tape

PLACES = (
    "traffic",
    "detail",
    "text",
    "recordings",
    "log",
    "first",
    "holds",
    "editor",
    "tools",
    "tool",
    "rules",
    "rule",
    "approval",
    "composer",
    "findings",
    "stats",
    "wrap",
    "replay",
)
PLAIN = re.compile(
    r"markup=True|from_markup|Static\(|Label\(|RichLog\(|\.update\(f?\"|Markdown\(|render_markup"
)
TUI = Path(__file__).parents[2] / "mcpscope" / "tui"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("place", PLACES)
def test_no_key_has_two_actions_in_one_place(place: str) -> None:
    keys = Counter(key for action in actions.at(place) for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("place", PLACES)
def test_every_action_is_in_the_help(place: str) -> None:
    text = "\n".join("".join(part for part, _ in line) for line in help_lines(place, lambda action: ""))
    for action in actions.at(place):
        assert action.id in text and action.say in text and key_name(action.keys[0]) in text


def test_a_disabled_action_stays_in_the_help_with_its_reason() -> None:
    lines = help_lines("traffic", lambda action: "nothing is marked" if action.id == "mark.jump" else "")
    assert any("nothing is marked" in "".join(part for part, _ in line) for line in lines)


def test_ids_are_one_thing_each_and_say_what_they_do() -> None:
    for place in PLACES:
        ids = Counter(action.id for action in actions.at(place))
        assert max(ids.values()) == 1
    for action in actions.ACTIONS:
        assert action.say and not action.say.endswith(".") and action.label and action.places


@pytest.mark.parametrize(
    "palette", [palette for palette in PALETTES if not palette.ansi], ids=lambda one: one.name
)
def test_every_role_can_be_read_on_its_background(palette: object) -> None:
    assert hasattr(palette, "colours") and hasattr(palette, "background") and hasattr(palette, "name")
    least = 7.0 if palette.name == "high-contrast" else 4.5
    for role in ROLES:
        assert contrast(palette.colours[role], palette.background) >= least, role


def test_no_widget_reads_markup() -> None:
    for path in TUI.rglob("*.py"):
        found = PLAIN.search(path.read_text())
        assert found is None, f"{path.name}: {found.group() if found else ''}"


@pytest.mark.anyio
@pytest.mark.timeout(90)
async def test_every_screen_does_every_action_of_its_place(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db, options=Options(theme="mono")) as scope:
        await scope.traffic.shows("search_docs")
        steps = (
            ((), "traffic"),
            (("enter",), "detail"),
            (("4",), "recordings"),
            (("7",), "log"),
            (("2",), "holds"),
            (("3",), "tools"),
            (("enter",), "tool"),
            (("6",), "rules"),
            (("8",), "findings"),
            (("9",), "stats"),
        )
        for keys, place in steps:
            await scope.press(*keys)
            await scope.goes_to(place)
            screen = scope.app.screen
            assert isinstance(screen, ScopeScreen)
            missing = [action.id for action in actions.at(place) if screen.act(action.id) is None]
            assert missing == [], place


@pytest.mark.anyio
@pytest.mark.timeout(90)
async def test_a_disabled_key_says_why(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("search_docs").press("apostrophe").shows("' Jump mark: nothing is marked")
