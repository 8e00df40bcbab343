"""The library for other runners than pytest."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from mcpscope.testing import Network, StandIn, assert_same, call, replay
from tests.program import ROOT, until

RECORDING = ROOT / "fixtures" / "recordings" / "version-2.mcpscope.jsonl"
DEMO = [sys.executable, "-m", "mcpscope.demo.server"]


def test_a_stand_in_answers_by_address_and_by_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with StandIn(RECORDING) as server:
        assert "bread" in call(server.command, "read_note", {"id": 1})["content"][0]["text"]
        with pytest.raises(AssertionError, match=r"arguments\.id was 1 and is 2"):
            call(server.url, "read_note", {"id": 2})
        until(lambda: any("arguments.id was 1 and is 2" in line for line in server.messages))


def test_a_replay_tells_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = replay(RECORDING, DEMO, masks=["$.result.tools"])
    assert found.passed, str(found)


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"there is no recording .*record it with mode once"):
        replay(tmp_path / "none.mcpscope.jsonl", DEMO)


def test_two_results_are_compared_by_place_and_mask() -> None:
    was = {"content": [{"type": "text", "text": "at 10:00"}], "structuredContent": {"n": 1}}
    now = {"content": [{"type": "text", "text": "at 11:00"}], "structuredContent": {"n": 1}}
    assert_same(now, was, masks=["$.result.content[*].text~"])
    with pytest.raises(AssertionError, match=r"\$\.result\.content\[0\]\.text changed"):
        assert_same(now, was)


def test_the_network_is_refused_but_for_what_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        network = Network([f"http://127.0.0.1:{port}/mcp"])
        refused = pytest.raises(RuntimeError, match=r"a connection to 192\.0\.2\.1:80 was refused")
        with network, socket.create_connection(("127.0.0.1", port)), refused:
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with socket.create_connection(("127.0.0.1", port)):
            pass  # outside it nothing is refused
