"""What a server asks on timers is answered from the recording, whenever and however often it asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.replay.conversation import ROOT, Client

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "curious.py")]
SCOPE = [sys.executable, "-m", "mcpscope"]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def recorded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A session in which the server asked on the timers that the parameter names, and before the tool ran."""
    db = tmp_path / "scope.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURIOUS_AFTER", request.param)
        client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *SERVER])
        client.roots = ["file:///home/ada"]
        client.open()
        client.say("tools/list")
        client.wait_asked(len([word for word in request.param.split(",") if word]))
        assert client.call("where")["content"][0]["text"] == "at file:///home/ada"
        client.roots = ["file:///home/eve"]
        client.send({"method": "notifications/roots/list_changed"})
        client.wait_asked(len(client.asked) + 1)
        assert client.call("where")["content"][0]["text"] == "at file:///home/eve"
        assert client.close() == 0
    yield db


def run(db: Path, *options: str, after: str = "") -> list[dict[str, Any]]:
    argv = [*SCOPE, "--db", str(db), "--json", "replay", "rec", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CURIOUS_AFTER": after}
    done = subprocess.run(argv, capture_output=True, timeout=90, env=env)
    assert done.stdout, done.stderr.decode()
    rows: list[dict[str, Any]] = json.loads(done.stdout)["data"]["rows"]
    return rows


def differences(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["label"], row["verdict"], row["why"]) for row in rows if row["verdict"] not in FINE]


FINE = ("same", "slower")


@pytest.mark.parametrize(
    "recorded",
    ["0.05", *(pytest.param(after, marks=pytest.mark.soak) for after in ("", "0.05,0.06"))],
    indirect=True,
)
def test_when_and_how_often_a_server_asks_for_the_roots_is_no_difference(recorded: Path) -> None:
    for after in ("", "0.3", "0,0,0.01"):
        assert differences(run(recorded, after=after)) == [], after


@pytest.mark.parametrize("recorded", ["0.05"], indirect=True)
def test_a_server_that_never_asks_for_the_roots_is_reported(recorded: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text(
        Path(SERVER[1]).read_text().replace("def ask() -> None:", "def ask() -> None:\n    return")
    )
    rows = run(recorded, "--timeout", "1", "--", sys.executable, str(silent))
    assert [row["label"] for row in rows if row["verdict"] == "missing"] == ["← roots/list", "← roots/list"]
