"""The Replay screen over a real recording and a server that changed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from mcpscope.store.recovery import settle
from mcpscope.store.replays import Replays
from tests.replay.conversation import ROOT, Client
from tests.tui.driver import opened

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "minting.py")]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def recorded(db: Path) -> Path:
    client = Client([sys.executable, "-m", "mcpscope", "--db", str(db), "--record", "notes", "--", *SERVER])
    client.open()
    page = client.say("tools/list")
    client.say("tools/list", cursor=page["nextCursor"])
    client.call("greet", name="Ada")
    client.call("wipe")
    client.close()
    settle(db, seconds=30)
    return db


def test_a_replay_is_previewed_run_and_reviewed(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(recorded.parent / "run"))
    monkeypatch.setenv("MINTING_CHANGE", "answer")

    async def drive() -> None:
        async with opened(recorded, (120, 40)) as scope:
            await scope.traffic.shows("greet").press("4")
            await scope.recordings.shows("notes").press("R")
            await scope.any.shows("Replay 1 calls to 1 tools?", "skips wipe ×1").press("y")
            await scope.replay.shows("FINISHED", "≠ changed", "↷ skipped")
            await scope.replay.press("}").shows('+ "Good day"', '- "Hello, Ada"')
            await scope.replay.press("enter", "escape")  # neither decides anything
            await scope.traffic.press("5")
            await scope.replay.shows("1 to review").press("a").shows("revision 1 of notes", "accepted")

    asyncio.run(drive())
    store = Replays(recorded)
    assert store.revision(1).number == 1 and len(store.revision(1).answers) == 1
    store.close()


def test_without_a_run_the_screen_says_how_to_make_one(recorded: Path) -> None:
    async def drive() -> None:
        async with opened(recorded) as scope:
            await scope.traffic.shows("greet").press("5")
            await scope.replay.shows("no run yet: R on a recording replays it")

    asyncio.run(drive())


def test_one_exchange_is_sent_again(recorded: Path) -> None:
    async def drive() -> None:
        async with opened(recorded, (120, 40)) as scope:
            await scope.traffic.shows("greet").select(5).selected_is("greet").press("r")
            await scope.replay.shows("FINISHED", "not selected", "= same")

    asyncio.run(drive())
    store = Replays(recorded)
    ran = [row.label for row in store.verdicts(1) if row.verdict != "skipped"]
    store.close()
    assert ran == ["initialize", "greet"]


def test_a_review_keeps_and_skips_one_by_one_and_all_that_is_left(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(recorded.parent / "run"))
    monkeypatch.setenv("MINTING_CHANGE", "answer")

    async def drive() -> None:
        async with opened(recorded, (120, 40)) as scope:
            await scope.traffic.shows("greet").press("4")
            await scope.recordings.shows("notes").press("R")
            await scope.any.shows("Replay 1 calls").press("y")
            await scope.replay.shows("FINISHED", "1 to review", "k Skip").press("G", "k")
            await scope.replay.selected_is("wipe" if "wipe" in scope.selected_line else "").press("g", "}")
            await scope.replay.selected_is("≠ changed").press("k").shows("skipped").hides("to review")
            await scope.replay.press("r").shows("kept: this row stays failing")

    asyncio.run(drive())


def test_a_replay_typed_at_the_prompt_goes_against_the_command_behind_the_dashes(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(recorded.parent / "run"))
    server = " ".join(["env", "MINTING_CHANGE=answer", *SERVER])

    async def drive() -> None:
        async with opened(recorded, (120, 40)) as scope:
            await scope.traffic.shows("greet").press(":").type(f"replay nobody -- {server}").press("enter")
            await scope.traffic.shows("no recording called 'nobody'").press(":")
            await scope.any.type(f"replay notes --repeat 2 -- {server}").press("enter")
            await scope.any.shows("run it against env MINTING_CHANGE=answer").press("y")
            await scope.replay.shows("FINISHED", "≠ changed").press(":").type("replay notes --speed x")
            await scope.any.press("enter").shows("run it against").press("y")
            await (
                scope.replay.shows("takes a number or max, not 'x'")
                .press(":")
                .type("review.keep all")
                .press("enter")
            )
            await scope.replay.shows("review.keep takes no words, 'all' means nothing to it")

    asyncio.run(drive())
    store = Replays(recorded)
    runs = [run.target for run in store.runs()]
    store.close()
    assert len(runs) == 2 and all("MINTING_CHANGE=answer" in target for target in runs)
