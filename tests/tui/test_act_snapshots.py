"""How holding, editing, quitting with holds and rules look, at three sizes, over a real proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.tui.stage import Stage, set_times, soon
from tests.tui.test_snapshots import SIZES, same, settled

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
POLICY = """version: 1
rules:
  - {name: no deletes under etc, match: "tool:delete_* args.path~^/etc", action: deny, message: not there}
  - {name: canned weather, match: "tool:get_weather", action: answer, answer: last-good}
  - {name: small searches, match: "tool:search_docs args.limit>50", action: edit, set: {args.limit: 50}}
  - {name: slow charts, match: "tool:render_*", action: delay, for: 2s, enabled: false}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Opens the stage; it is closed at the end."""
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", str(tmp_path / "run"))
    opened: list[Stage] = []

    def open_one(*options: str) -> Stage:
        opened.append(Stage(tmp_path, *options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


async def taken(pilot: Pilot[Any], state: str) -> dict[str, str]:
    """The picture of this state at every size; the terminal is small again at the end."""
    found = {}
    for size in (*SIZES, SIZES[0]):
        if size != tuple(pilot.app.size):
            await pilot.resize_terminal(*size)
        await settled(pilot, watched=True)
        await asyncio.sleep(0.05)
        name = f"{state}-{'x'.join(map(str, size))}"
        found.setdefault(name, pilot.app.export_screenshot(title="mcpscope", simplify=True))
    return found


async def test_holds(snapshot: SnapshotAssertion, stage: Any) -> None:
    scene = stage("--break", "tool:*", "--detached", "wait")
    scene.calls("delete_file", path="/srv/old.txt")
    scene.settle(3)
    app = scene.app(screen="holds")
    async with app.run_test(size=SIZES[0]) as pilot:
        await soon(lambda: app.steer.holds())
        scene.gives_up()
        await soon(lambda: app.steer.holds()[0].gave_up)
        scene.calls("search_docs", query="retention policy", limit=5)
        scene.calls("render_chart", values=[3, 5, 8])
        await soon(lambda: len(app.steer.holds()) == 3 and app.scope.shown)
        set_times(app, 91, 48, 22)
        await pilot.press("exclamation_mark")
        await settled(pilot, watched=True)
        app.screen._silent()
        found = await taken(pilot, "holds")
        await pilot.press("M")
        found |= await taken(pilot, "answer")
        await pilot.press("escape", "X")
        found |= await taken(pilot, "drop")
        await pilot.press("escape", "e")
        found |= await taken(pilot, "editor")
        app.screen.area.text = '{\n  "query": "retention policy 2026",\n  "limit": 500\n}'
        await settled(pilot, watched=True)
        found |= await taken(pilot, "editor_schema")
        app.screen.area.text = '{\n  "query": retention\n}'
        await settled(pilot, watched=True)
        found |= await taken(pilot, "editor_json")
        await pilot.press("escape", "Q")
        found |= await taken(pilot, "quit_holding")
    same(snapshot, found)


async def test_rules(snapshot: SnapshotAssertion, stage: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    scene = stage("--policy", str(policy), "--break", "tool:render_*")
    scene.asks("tools/call", name="search_docs", arguments={"query": "quota", "limit": 500})
    scene.asks("tools/call", name="delete_file", arguments={"path": "/etc/passwd"})
    scene.settle(6)
    app = scene.app(screen="rules")
    async with app.run_test(size=SIZES[0]) as pilot:
        await soon(lambda: app.steer.links and app.steer.links[0].rules and app.scope.shown)
        link = app.steer.links[0]
        link.look = lambda: None  # nothing new comes: the times of the last hits are set
        await app.steer.ask(link, "scope/status")  # what was asked before is answered
        link.policy = {**link.policy, "files": ["/srv/policy.yaml"]}
        link.rules = tuple({**one, "last_hit": one["last_hit"] and 1795349041000000000} for one in link.rules)
        await pilot.press("j")
        await settled(pilot, watched=True)
        await soon(lambda: app.screen._matched)
        app.heeding.heed([])
        found = await taken(pilot, "rules")
        await pilot.press("n")
        found |= await taken(pilot, "rule_editor")
        app.screen.area.text = "match: tool:x\naction: denny\n"
        await settled(pilot, watched=True)
        found |= await taken(pilot, "rule_editor_wrong")
    same(snapshot, found)
