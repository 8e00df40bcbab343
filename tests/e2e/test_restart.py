"""A server replaced behind a live client: the next call works, what was open is answered, in both eras."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.runs import HERE
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = [pytest.mark.sdk2, pytest.mark.timeout(120)]


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def soaked(*values: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.soak)


def server(peers: Peers) -> list[str]:
    return [peers.sdk2_python, "-W", "ignore", str(SERVERS / "sdk2_server.py")]


def live_through(
    program: Program, peers: Peers, folder: Path, mode: str, target: list[str], *restart: str
) -> dict[str, Any]:
    """What a client reports that called before and after ``mcpscope restart``."""
    argv = [peers.sdk2_python, "-W", "ignore", str(HERE / "clients" / "restarts2.py"), mode, str(folder)]
    client = subprocess.Popen(
        [*argv, *target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.env
    )
    try:
        until(lambda: (folder / "called").exists() or client.poll() is not None)
        done = program.run("restart", *restart)
        assert done.returncode == 0, done.stderr.decode()
        (folder / "again").touch()
        out, err = client.communicate(timeout=60)
        assert client.returncode == 0, err.decode()[-2000:]
        report: dict[str, Any] = json.loads(out)
        return report
    finally:
        client.kill()
        client.wait()


@pytest.mark.parametrize(
    ("shape", "mode"),
    [
        ("stdio", "legacy"),
        soaked("stdio", "2026-07-28"),
        soaked("bridge", "legacy"),
        ("bridge", "2026-07-28"),
        soaked("gateway", "legacy"),
        soaked("gateway", "2026-07-28"),
    ],
)
def test_the_next_call_works(
    ends: HttpEnds, program: Program, peers: Peers, tmp_path: Path, shape: str, mode: str
) -> None:
    if shape == "stdio":
        target = program.bare_argv("--label", "one", "--", *server(peers))
    elif shape == "bridge":
        target = [ends.proxy("--label", "one", "--", *server(peers))]
    else:
        upstreams = {"one": {"command": server(peers), "prefix": ""}, "two": {"command": server(peers)}}
        target = [Gateway(program, written(tmp_path, upstreams)).url]
    report = live_through(program, peers, tmp_path, mode, target, "one")
    first, lost, again = report["results"]
    assert (first, again) == ("5", "5")
    assert "restarted" in lost
    assert report["modern"] == (mode != "legacy")
    if mode == "legacy":
        assert any("list_changed" in one or "ToolListChanged" in one for one in report["heard"])
