"""A recording stands in for its server: real clients get from it what they got from the server itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.runs import client_command, run_client, server_command
from tests.e2e.standing_in import serving
from tests.e2e.test_inspector import ASKED, inspect
from tests.peers.found import Peers
from tests.program import Program
from tests.replay import test_tasks
from tests.replay.conversation import Client

pytestmark = pytest.mark.timeout(300)

PLAY = ("serve", "rec", "--mode", "none")
STDIO, HTTP = "stdio", "http"
EVERY = [
    ("sdk2-auto", "sdk2", (HTTP,)),
    *(
        pytest.param(client, server, (STDIO, HTTP), marks=pytest.mark.soak)
        for client, server in [
            ("sdk1", "everything"),
            ("sdk2-auto", "sdk2"),
            ("sdk2-legacy", "sdk2"),
            ("ts-legacy", "everything"),
            ("ts-auto", "sdk2"),
            ("sdk2-legacy", "everything"),
            ("sdk2-auto", "everything"),
            ("ts-legacy", "sdk1"),
            ("sdk1", "sdk1"),
        ]
    ),
]


@pytest.mark.parametrize(("client", "server", "transports"), EVERY)
def test_a_client_gets_the_same_from_the_recording(
    peers: Peers, program: Program, tmp_path: Path, client: str, server: str, transports: tuple[str, ...]
) -> None:
    script = client_command(peers, client, tmp_path)
    target = program.bare_argv("--record", "rec", "--", *server_command(peers, server))
    recorded = run_client(script, target, env=program.env)
    if STDIO in transports:
        played = run_client(script, program.bare_argv(*PLAY, "--stdio"), env=program.env)
        assert played["results"] == recorded["results"]
    if HTTP in transports:
        with serving(program, *PLAY[1:]) as url:
            played = run_client(script, [url], env=program.env)
        assert played["results"] == recorded["results"]


@pytest.mark.soak
@pytest.mark.parametrize("client", ["sdk2-auto", "ts-auto", "sdk1"])
def test_a_client_on_http_gets_the_same_from_what_it_recorded_there(
    peers: Peers, program: Program, tmp_path: Path, client: str
) -> None:
    script = client_command(peers, client, tmp_path)
    server = server_command(peers, "sdk1" if client == "sdk1" else "sdk2")
    with serving(program, "rec", "--mode", "rewrite", "--", *server) as url:
        recorded = run_client(script, [url], env=program.env)
    with serving(program, *PLAY[1:]) as url:
        assert run_client(script, [url], env=program.env)["results"] == recorded["results"]
    over_stdio = run_client(script, program.bare_argv(*PLAY, "--stdio"), env=program.env)
    assert [one[:3] for one in over_stdio["results"]] == [one[:3] for one in recorded["results"]]


@pytest.mark.soak
def test_the_inspector_gets_the_same_from_its_recording(
    peers: Peers, program: Program, tmp_path: Path
) -> None:
    command = program.bare_argv("--record", "rec", "--", *server_command(peers, "everything"))
    played = program.bare_argv(*PLAY, "--stdio")
    servers: dict[str, Any] = {
        name: {"command": words[0], "args": words[1:]}
        for name, words in (("recorded", command), ("played", played))
    }
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": servers}))
    found = [inspect(peers, config, "recorded", asked) for asked in ASKED]
    assert [inspect(peers, config, "played", asked) for asked in ASKED] == found
    with serving(program, *PLAY[1:]) as url:
        servers["http"] = {"type": "http", "url": url}
        config.write_text(json.dumps({"mcpServers": servers}))
        assert [inspect(peers, config, "http", asked) for asked in ASKED] == found


@pytest.mark.soak
def test_the_git_server_answers_as_it_did_before_and_after_a_commit(
    peers: Peers, program: Program, tmp_path: Path
) -> None:
    git = tmp_path / "work"
    git.mkdir()
    for command in (["init", "-q"], ["config", "user.email", "a@b.c"], ["config", "user.name", "a"]):
        subprocess.run(["git", *command], cwd=git, check=True)
    (git / "a.txt").write_text("one\n")
    server = [peers.git_server, "--repository", str(git)]

    def script(argv: list[str]) -> list[Any]:
        client = Client(argv)
        found = [client.open(), client.say("tools/list")]
        for tool, arguments in (
            ("git_status", {}),
            ("git_add", {"files": ["a.txt"]}),
            ("git_status", {}),
            ("git_commit", {"message": "first"}),
            ("git_status", {}),
            ("git_log", {"max_count": 2}),
        ):
            found.append(client.call(tool, repo_path=str(git), **arguments))
        assert client.close() == 0
        return found

    recorded = script(program.bare_argv("--record", "rec", "--", *server))
    assert script(program.bare_argv(*PLAY, "--stdio")) == recorded


@pytest.mark.soak
@pytest.mark.parametrize("conversation", [test_tasks.legacy, test_tasks.modern])
def test_tasks_are_played_however_often_they_are_asked_for(
    program: Program, monkeypatch: pytest.MonkeyPatch, conversation: Callable[[Path], None]
) -> None:
    conversation(program.db)
    monkeypatch.setattr(test_tasks, "Client", lambda argv: Client(program.bare_argv(*PLAY, "--stdio")))
    conversation(program.db)  # with its own assertions, before the stand-in
