"""Real clients that give up on a held call: the UI says so, nothing runs, the next hold knows their time."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcpscope.control.registry import running
from mcpscope.tui.app import Options
from mcpscope.tui.clock import Clock
from tests.e2e.runs import node_script
from tests.peers.found import Peers
from tests.program import Program, until
from tests.session.steered import SERVER
from tests.tui.driver import opened

HERE = Path(__file__).resolve().parent / "clients"
LOADED_SECONDS = 5.0
"""Of a machine with other work; on a quiet one it is well below half a second."""
CANCELLED = "SELECT at FROM messages WHERE method = 'notifications/cancelled'"
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def command(peers: Peers, client: str, folder: Path, calls: list[list[Any]]) -> list[str]:
    """The command of a client; the server's is to follow."""
    kind, _, mode = client.partition("-")
    if kind == "ts":
        return [*node_script(peers, "calls.mjs", folder), json.dumps(calls)]
    python = peers.sdk1_python if kind == "sdk1" else peers.sdk2_python
    return [python, str(HERE / f"calls{kind[-1]}.py"), *([mode] if mode else []), json.dumps(calls)]


@pytest.mark.parametrize(
    ("client", "seconds"),
    [
        ("ts", 2),
        pytest.param("ts", 4, marks=pytest.mark.soak),
        pytest.param("sdk2-legacy", 4, marks=pytest.mark.soak),
    ],
)
async def test_the_row_says_gave_up_and_the_next_hold_what_was_learned(
    program: Program, peers: Peers, monkeypatch: pytest.MonkeyPatch, client: str, seconds: int
) -> None:
    monkeypatch.setenv("MCPSCOPE_RUNTIME_DIR", program.env["MCPSCOPE_RUNTIME_DIR"])
    log = program.folder / "server.log"
    calls = [["echo", {"n": 1}, seconds], ["echo", {"n": 2}, 60], ["echo", {"n": 3}, 60]]
    proxy = program.bare_argv(
        "--break", "args.n<3", "--detached", "wait", "--", sys.executable, str(SERVER), str(log)
    )
    spoken = subprocess.Popen(
        [*command(peers, client, program.folder, calls), *proxy],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        folder = Path(program.env["MCPSCOPE_RUNTIME_DIR"])
        await anyio.to_thread.run_sync(lambda: until(lambda: any(one.socket for one in running(folder))))
        options = Options(theme="mcpscope-dark")
        async with opened(program.db, (120, 40), options=options, clock=Clock()) as scope:
            await scope.any.shows("HELD 1").press("exclamation_mark")
            await scope.holds.shows("GAVE UP")
            late = (
                time.time() - await anyio.to_thread.run_sync(lambda: until(lambda: _first(program.db))) / 1e9
            )
            print(f"{client}: GAVE UP shown {late * 1000:.0f} ms after its cancel")
            assert late < LOADED_SECONDS
            await scope.holds.shows("HELD 2").press("a").shows("The client no longer waits").press("x")
            await scope.holds.shows("HELD 1", f"learned {seconds}").press("a")
            out, err = await anyio.to_thread.run_sync(lambda: spoken.communicate(timeout=60))
    finally:
        spoken.kill()
    found = json.loads(out)
    assert "n" not in found[0][1] or found[0][0] is not False, err
    assert [one[1] for one in found[1:]] == ['{"n": 2}', '{"n": 3}']
    assert [json.loads(line)["params"]["arguments"]["n"] for line in _calls(log)] == [2, 3]


def _first(db: Path) -> int:
    """When the first cancellation was recorded; 0 where none was yet."""
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
        row = connection.execute(CANCELLED).fetchone()
    return int(row[0]) if row else 0


def _calls(log: Path) -> list[bytes]:
    return [line for line in log.read_bytes().splitlines() if b"tools/call" in line]
