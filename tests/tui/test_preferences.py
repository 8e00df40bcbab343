"""The configuration of the UI: keys bound anew by the ids of actions, settings, and what is wrong."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from mcpscope.errors import Exit, ScopeError
from mcpscope.tui.app import Options
from mcpscope.tui.coach import AFTER, FIRST, HELD, HELD_ELSEWHERE
from mcpscope.tui.keymap import key_of
from mcpscope.tui.preferences import Preferences, config_file, read
from mcpscope.tui.present.glyphs import KEYS, UTF8
from tests.tui.driver import opened
from tests.tui.tape import Tape

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("F", "F"), ("/", "slash"), ("^x", "ctrl+x"), ("ctrl+X", "ctrl+x"), ("Space", "space"),
        ("F5", "f5"), ("PgDn", "pagedown"), ("Esc", "escape"), ("shift+tab", "shift+tab"),
        ("{", "left_curly_bracket"),
        ("", ""), ("no such key", ""), ("\x1b", ""), ("ctrl+", ""),
    ],
)  # fmt: skip
def test_keys_are_named_as_people_write_them(typed: str, name: str) -> None:
    assert key_of(typed) == name


@pytest.mark.anyio
async def test_an_action_bound_anew_has_its_new_keys_everywhere(db: Path, tape: Tape, tmp_path: Path) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    # j and k are swapped, pause is on two keys of its own.
    path = written(tmp_path, "keys:\n  pause: [P, ^x]\n  move.down: k\n  move.up: j\n")
    async with opened(db, options=Options(preferences=read(path))) as scope:
        await scope.traffic.shows("search_docs", "P Pause").press("p").hides("PAUSED")
        await scope.traffic.press("P").shows("display PAUSED", "P Resume").press("ctrl+x").hides("PAUSED")
        await scope.traffic.press("j").selected_is("tools/list").press("k").selected_is("search_docs")
        await scope.traffic.press("question_mark")
        await scope.any.shows("P ^x")


@pytest.mark.anyio
async def test_set_changes_a_setting_and_tells_what_there_is(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    async with opened(db, size=(120, 40), options=Options(preferences=Preferences())) as scope:

        async def says(line: str, *texts: str) -> None:
            await scope.traffic.press("colon").type(line)
            await scope.press("enter")
            await scope.traffic.shows(*texts)

        await scope.traffic.shows("search_docs")
        await says("set hold.jump auto", "hold.jump auto, until the UI ends")
        assert scope.app.preferences["hold.jump"] == "auto"
        await says("set theme high-contrast", "theme high-contrast")
        assert scope.app.theme == "high-contrast"
        await says("set ascii=on", "> search_docs")
        await says("set hold.bell", "hold.bell is on   (on | off)")
        await says("set", "hold.jump auto")
        await says("set hold.jum auto", "no setting 'hold.jum'; there is hold.jump")
        await says("set hold.jump often", "hold.jump cannot be 'often'; try never, auto")


def test_every_problem_is_told_with_file_and_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "ui:\n  theme: mcpscope-drak\n  colour: red\nkeys:\n  paus: P\n  pause: j\n  mark: escape\n"
        "  follow: [nokey]\n  sort: []\n",
    )
    with pytest.raises(ScopeError) as caught:
        read(path)
    assert caught.value.exit == Exit.POLICY
    for line, text in (
        (2, "did you mean 'mcpscope-dark'?"),
        (3, "ui has no key 'colour'"),
        (5, "keys has no key 'paus', did you mean 'pause'?"),
        (6, "j is move.down in traffic, too"),
        (7, "Esc goes back and does nothing else"),
        (8, "'nokey' is no key"),
        (9, "sort needs a key"),
    ):
        assert any(
            f"{path}:{line}:" in told and text in told for told in caught.value.message.splitlines()
        ), (line, caught.value.message)


def test_no_file_and_an_empty_one_say_nothing_but_a_named_one_must_be_there(tmp_path: Path) -> None:
    assert read(tmp_path / "none.yaml")["theme"] == "auto"
    assert read(written(tmp_path, "# nothing yet\n"))["theme"] == "auto"
    with pytest.raises(ScopeError, match="it is not there"):
        read(tmp_path / "none.yaml", demanded=True)


def test_the_file_is_the_named_one_else_the_persons_own() -> None:
    assert config_file("x.yaml", {}) == Path("x.yaml")
    assert config_file(None, {"MCPSCOPE_CONFIG": "/c.yaml"}) == Path("/c.yaml")
    assert config_file(None, {"XDG_CONFIG_HOME": "/x"}) == Path("/x/mcpscope/config.yaml")


@pytest.mark.anyio
async def test_sentences_name_the_keys_that_there_are(db: Path, tape: Tape, tmp_path: Path) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    preferences = read(written(tmp_path, "keys:\n  move.bottom: [z]\n  break: [f9]\n"))
    async with opened(db, options=Options(preferences=preferences)) as scope:
        await scope.traffic.shows("search_docs").press("k").shows("not following (z follow)")
        await scope.traffic.press("z").hides("not following").press("2")
        await scope.holds.shows("F9 on a row of Traffic breaks on its tool, i sets")


def test_every_key_in_a_sentence_is_the_key_of_an_action() -> None:
    calls = [
        node
        for path in (Path(__file__).parents[2] / "mcpscope" / "tui").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "keyed"
    ]
    texts = [node.value for call in calls for node in ast.walk(call) if isinstance(node, ast.Constant)]
    named = {name for text in texts if isinstance(text, str) for name in re.findall(r"{([^}]+)}", text)}
    assert len(named) > 15 and named <= set(KEYS), named - set(KEYS)
    assert all("{" not in UTF8.keyed(text) for text in (FIRST, HELD, HELD_ELSEWHERE, *AFTER.values()))
