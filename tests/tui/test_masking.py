"""Secrets on the screen: masked as exports mask them, shown by ``U``, which the record tells."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.tui.driver import Scope, opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

PASSWORD = "hunter2-and-more"
TOKEN = "sk-abcdefghijklmnopqrstuvwxyz"
TABS = ("Tree", "Raw", "Schema", "Timing", "Related", "Diff")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def secretive(tape: Tape) -> Path:
    """A call with a password, and with a token inside its answer."""
    asked = tape.ask("tools/call", name="search_docs", arguments={"query": "x", "password": PASSWORD})
    tape.tell(asked, content=[{"type": "text", "text": f"your key is {TOKEN}, keep it"}])
    tape.end()
    return tape.db


def hides_all(scope: Scope) -> bool:
    return PASSWORD not in scope.text and TOKEN not in scope.text


async def test_no_view_of_an_exchange_shows_a_secret(secretive: Path) -> None:
    async with opened(secretive, size=(150, 40)) as scope:
        await scope.traffic.shows('password="[masked]"', "your key is [masked], keep it")
        assert hides_all(scope)
        await scope.traffic.press("enter")
        await scope.detail.shows('"password": "[masked]"', "your key is [masked], keep it", "secrets masked")
        assert hides_all(scope)
        for tab in TABS:
            await scope.detail.press("right_square_bracket").shows(f"[{tab}]")
            assert hides_all(scope), tab


async def test_a_folded_value_and_a_search_do_not_tell_either(secretive: Path) -> None:
    async with opened(secretive, size=(120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("enter")
        await scope.detail.shows('"password": "[masked]"').press("slash").type("hunter2").press("enter")
        viewer = scope.app.screen.view.viewer()
        assert "password" in viewer.content.index.key(viewer.content.line(viewer.row))
        await scope.detail.press("h").shows('{"query": "x", "password": "[masked]"}')
        assert hides_all(scope)


async def test_u_shows_what_is_masked_and_the_log_tells_who_looked(secretive: Path, tmp_path: Path) -> None:
    async with opened(secretive, size=(120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("enter")
        await scope.detail.shows("secrets masked (U reveal)").press("U")
        await scope.detail.shows(PASSWORD, "secrets shown (U mask)").hides(TOKEN)
        said = scope.app.picture(str(tmp_path / "picture.svg"))
        assert said.startswith("written")
        for name in ("picture.svg", "picture.txt"):
            assert PASSWORD not in (tmp_path / name).read_text()
        assert "[masked]" in (tmp_path / "picture.txt").read_text()
        await scope.detail.shows(PASSWORD).press("U").shows("secrets masked (U reveal)").hides(PASSWORD)
        await scope.detail.press("7")
        await scope.log.shows("revealed what is masked in #", "request, Pretty")
        assert hides_all(scope)


async def test_nothing_is_revealed_that_cannot_be_logged(secretive: Path) -> None:
    async with opened(secretive, size=(120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("enter")
        await scope.detail.shows("secrets masked")
        with sqlite3.connect(secretive) as connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON notes BEGIN SELECT RAISE(ABORT, 'no more'); END"
            )
        await scope.detail.press("U").shows("nothing is revealed that cannot be logged")
        assert hides_all(scope)


async def test_what_was_revealed_is_masked_again_in_the_next_exchange(tape: Tape) -> None:
    for password in (PASSWORD, "another-" + PASSWORD):
        tape.call("search_docs", query="x", password=password)
    tape.end()
    async with opened(tape.db, size=(120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("enter")
        await scope.detail.shows("secrets masked").press("U").shows("another-").press("K")
        await scope.detail.shows("secrets masked").hides(PASSWORD)


async def test_a_long_secret_is_masked_on_the_screen_of_its_own(tape: Tape) -> None:
    tape.call("search_docs", query="x", private_key=PASSWORD * 300)
    tape.end()
    async with opened(tape.db, size=(120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("enter")
        await scope.detail.shows('"private_key": "[masked]"').press("slash").type("private_key")
        await scope.press("enter", "enter")
        await scope.until(lambda: "4,800 characters" in scope.text, "the value")
        assert "[masked]" in scope.text and hides_all(scope)
        await scope.press("U")
        await scope.until(lambda: PASSWORD in scope.text, "it shown")
        await scope.press("U")
        await scope.until(lambda: hides_all(scope), "it masked again")


async def test_filters_go_by_what_was_recorded(secretive: Path) -> None:
    async with opened(secretive, size=(150, 40)) as scope:
        await scope.traffic.press("slash").type(f"args.password={PASSWORD}").press("enter")
        await scope.traffic.shows("1 of ", 'password="[masked]"')
