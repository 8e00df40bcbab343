"""Sessions with tasks replay: polled to where they were then, questions answered, ids and keys live."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.runs import server_command
from tests.peers.found import Peers
from tests.program import until
from tests.replay.conversation import ROOT, Client

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "tasking.py")]
SCOPE = [sys.executable, "-m", "mcpscope"]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "script", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
}

pytestmark = pytest.mark.timeout(180)


def polled(client: Client, task: str, wanted: str, **more: Any) -> Any:
    """Ask for a task, more often than anybody needs, until it is as far."""
    return until(
        lambda: found if (found := client.say("tasks/get", taskId=task, **more))["status"] == wanted else None
    )


def legacy(db: Path) -> None:
    """Two tasks of 2025-11-25, one of which asks while its result is waited for."""
    client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *SERVER])
    client.elicited = {"action": "accept", "content": {"which": "snakes"}}
    client.open()
    client.say("tools/list")
    task = client.say("tools/call", name="report", arguments={}, task={"ttl": 60_000})["task"]["taskId"]
    polled(client, task, "completed")
    assert client.say("tasks/result", taskId=task)["content"][0]["text"] == "a report on it"
    other = client.say("tools/call", name="report", arguments={"ask": True}, task={})["task"]["taskId"]
    polled(client, other, "input_required")
    assert client.say("tasks/result", taskId=other)["content"][0]["text"] == "a report on snakes"
    assert client.close() == 0


def modern(db: Path) -> None:
    """The same with the extension: questions and results come with the polls."""
    client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *SERVER])
    client.say("server/discover", _meta=META)
    client.say("tools/list", _meta=META)
    task = client.say("tools/call", name="report", arguments={}, _meta=META)["taskId"]
    polled(client, task, "completed", _meta=META)
    other = client.say("tools/call", name="report", arguments={"ask": True}, _meta=META)["taskId"]
    (key,) = polled(client, other, "input_required", _meta=META)["inputRequests"]
    said = {key: {"action": "accept", "content": {"which": "snakes"}}}
    client.say("tasks/update", taskId=other, inputResponses=said, _meta=META)
    assert (
        polled(client, other, "completed", _meta=META)["result"]["content"][0]["text"] == "a report on snakes"
    )
    assert client.close() == 0


def replay(db: Path, *options: str, change: str = "") -> tuple[int, dict[str, Any]]:
    argv = [*SCOPE, "--db", str(db), "--json", "replay", "rec", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TASKING_CHANGE": change}
    done = subprocess.run(argv, capture_output=True, env=env, timeout=90)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)["data"]


def differing(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    fine = ("same", "slower", "skipped")
    return [(row["label"], row["verdict"], row["why"]) for row in found["rows"] if row["verdict"] not in fine]


@pytest.mark.parametrize("record", [legacy, modern])
def test_tasks_of_both_kinds_replay_and_a_changed_result_is_named(record: Any, tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    record(db)
    code, found = replay(db)
    assert (code, differing(found)) == (0, [])
    labels = [row["label"] for row in found["rows"] if row["verdict"] != "skipped"]
    assert labels.count("tasks/get") == (2 if record is legacy else 3)

    code, found = replay(db, change="answer")
    ending = "tasks/result" if record is legacy else "tasks/get"
    assert (code, [row[:2] for row in differing(found)]) == (1, [(ending, "changed")] * 2)


def test_a_task_that_does_not_end_ends_the_run_with_a_verdict(tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    modern(db)
    code, found = replay(db, "--timeout", "1", change="stuck")
    assert code == 1
    assert ("tasks/get", "error", "the task is not done within 1 s") in differing(found)


@pytest.mark.soak
def test_a_task_of_the_reference_server_replays(peers: Peers, tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *server_command(peers, "everything")])
    client.elicited = {"action": "accept", "content": {"interpretation": "snake"}}
    client.open()
    for ask in (False, True):
        arguments = {"topic": "python", "ambiguous": ask}
        made = client.say(
            "tools/call", name="simulate-research-query", arguments=arguments, task={"ttl": 60_000}
        )
        task = made["task"]["taskId"]
        polled(client, task, "input_required" if ask else "completed")
        client.say("tasks/result", taskId=task)
    client.close()
    code, found = replay(db)
    assert (code, differing(found)) == (0, [])
