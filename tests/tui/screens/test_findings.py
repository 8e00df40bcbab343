"""Findings: a screen of what is wrong, and a column of Traffic, both while it happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpscope.tui import linting
from tests.tui.driver import opened
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_is_wrong_is_listed_the_gravest_first_with_its_page(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="a")
    tape.tell(tape.ask("tools/call", name="nosuch", arguments={}), content=[{"type": "text", "text": "b"}])
    tape.raw(b"listening on 3000\n")
    tape.store()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("8")
        await scope.findings.shows("not-json", "unknown-tool", "1 error", "listening on 3000")
        await scope.press("g")
        await scope.findings.selected_is("not-json")
        await scope.findings.shows("modelcontextprotocol.io/specification").press("j")
        await scope.findings.selected_is("unknown-tool").press("enter")
        await scope.detail.shows("nosuch").press("escape", "v")
        await scope.traffic.selected_is("nosuch")


async def test_a_column_of_traffic_tells_what_was_found_and_grows_with_the_session(
    db: Path, tape: Tape
) -> None:
    tape.call("search_docs", query="a")
    tape.store()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("search_docs").hides("FIND")
        tape.call("search_docs", query=7)
        tape.store()
        await scope.traffic.shows("FIND").selected_is("1w")
        await scope.press("8")
        await scope.findings.shows("bad-arguments", "query")


async def test_a_narrow_list_has_it_among_the_flags(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query=7)
    tape.store()
    async with opened(db) as scope:
        await scope.traffic.shows("find:1w")


async def test_a_large_session_is_looked_through_once_somebody_asks(
    db: Path, tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linting, "AUTOMATIC_MESSAGES", 3)
    tape.call("search_docs", query=7)
    tape.store()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("search_docs")
        await scope.settled()
        assert scope.app.linting.found == []
        await scope.press("8")
        await scope.findings.shows("bad-arguments").press("slash", *"nosuch", "enter")
        await scope.findings.shows("no finding holds 'nosuch'").press("slash", *["backspace"] * 6, "enter")
        await scope.findings.shows("bad-arguments").press("1")
        await scope.traffic.shows("1w")


async def test_where_nothing_is_wrong_it_says_so(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="a")
    tape.store()
    async with opened(db, (120, 40)) as scope:
        await scope.traffic.shows("search_docs").press("8")
        await scope.findings.shows("nothing is wrong in")
