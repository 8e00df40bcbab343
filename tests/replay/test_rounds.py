"""Rounds of ``input_required`` replay under live keys and states; who asks otherwise is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replay.conversation import ROOT, Client

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "rounds.py")]
SCOPE = [sys.executable, "-m", "mcpscope"]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "script", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session in which the tool asked once and was answered."""
    db = tmp_path_factory.mktemp("rounds") / "scope.db"
    client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *SERVER])
    client.say("tools/list", _meta=META)
    call = {"name": "paint", "arguments": {}, "_meta": META}
    asked = client.say("tools/call", **call)
    (key,) = asked["inputRequests"]
    said = {key: {"action": "accept", "content": {"colour": "green"}}}
    done = client.say("tools/call", **call, inputResponses=said, requestState=asked["requestState"])
    assert done["content"][0]["text"] == "painted green"
    assert client.close() == 0
    return db


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("", []),
        ("question", ["params.message changed"]),
        ("none", ["the live server asks for less input than the recorded one"]),
        ("more", ["the live server asks for more input than the recorded one"]),
    ],
)
def test_what_a_tool_asks_is_compared_with_what_it_asked(
    recorded: Path, change: str, expected: list[str]
) -> None:
    argv = [*SCOPE, "--db", str(recorded), "--json", "replay", "rec"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ROUNDS_CHANGE": change}
    done = subprocess.run(argv, capture_output=True, env=env, timeout=90)
    assert done.stdout, done.stderr.decode()
    rows = json.loads(done.stdout)["data"]["rows"]
    failed = [row for row in rows if row["verdict"] not in ("same", "slower")]
    assert [row["label"] for row in failed] == ["paint"] * len(expected)
    assert [row["why"].endswith(why) for row, why in zip(failed, expected, strict=True)] == [True] * len(
        failed
    )
    assert done.returncode == (1 if expected else 0)
