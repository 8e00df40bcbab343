"""Recordings of real servers replay on the same servers without a difference, and over other transports."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.runs import client_command, run_client, server_command
from tests.peers.found import Peers
from tests.replay.conversation import ROOT, Client

ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
SCOPE = [sys.executable, "-m", "mcpscope"]

pytestmark = pytest.mark.timeout(300)


def replay(db: Path, *options: str) -> tuple[int, dict[str, Any]]:
    argv = [*SCOPE, "--db", str(db), "--json", "replay", "rec", *options]
    done = subprocess.run(argv, capture_output=True, env=ENV, timeout=200)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)["data"]


def differences(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    fine = ("same", "skipped", "slower")
    return [(r["label"], r["verdict"], r["why"]) for r in found["rows"] if r["verdict"] not in fine]


def assert_same(db: Path, *options: str) -> None:
    """No difference on a run (three at length) with the masks that one ``--repeat 2`` proposes."""
    _, first = replay(db, "--repeat", "2", *options)
    masks = [word for mask in first["proposed_masks"] for word in ("--mask", mask)]
    for _ in range(3 if os.environ.get("MCPSCOPE_SOAK") else 1):
        code, found = replay(db, *masks, *options)
        assert (code, differences(found)) == (0, [])


@pytest.mark.parametrize(
    ("client", "server"),
    [
        ("sdk1", "everything"),
        ("sdk2-auto", "sdk2"),
        pytest.param("sdk2-legacy", "sdk2", marks=pytest.mark.soak),
        pytest.param("sdk1", "sdk1", marks=pytest.mark.soak),
    ],
)
def test_an_sdk_session_replays_on_the_same_server(
    peers: Peers, tmp_path: Path, client: str, server: str
) -> None:
    db = tmp_path / "scope.db"
    proxy = [*SCOPE, "--db", str(db), "--record", "rec", "--", *server_command(peers, server)]
    run_client(client_command(peers, client, tmp_path), proxy, env=ENV)
    assert_same(db)


def test_a_git_session_replays_when_its_repository_is_restored(peers: Peers, tmp_path: Path) -> None:
    git, kept, db = tmp_path / "work", tmp_path / "kept", tmp_path / "scope.db"
    git.mkdir()
    for command in (["init", "-q"], ["config", "user.email", "a@b.c"], ["config", "user.name", "a"]):
        subprocess.run(["git", *command], cwd=git, check=True)
    (git / "a.txt").write_text("one\n")
    subprocess.run(["git", "add", "."], cwd=git, check=True)
    subprocess.run(["git", "commit", "-qm", "first"], cwd=git, check=True)
    (git / "a.txt").write_text("two\n")
    shutil.copytree(git, kept)
    server = [peers.git_server, "--repository", str(git)]
    client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *server])
    client.open()
    client.say("tools/list")
    client.call("git_status", repo_path=str(git))
    client.call("git_diff_unstaged", repo_path=str(git))
    client.call("git_add", repo_path=str(git), files=["a.txt"])
    client.call("git_commit", repo_path=str(git), message="second")
    client.call("git_log", repo_path=str(git), max_count=2)
    client.close()

    restored = shlex.join(["sh", "-c", f"rm -rf {git} && cp -r {kept} {git}"])
    assert_same(db, "--allow-destructive", "--before", restored)


@pytest.mark.soak
def test_a_sqlite_session_with_row_ids_and_times_replays(peers: Peers, tmp_path: Path) -> None:
    data, db = tmp_path / "data.db", tmp_path / "scope.db"
    server = [peers.sqlite_server, "--db-path", str(data)]
    client = Client([*SCOPE, "--db", str(db), "--record", "rec", "--", *server])
    client.open()
    client.say("tools/list")
    create = "CREATE TABLE notes (id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP, text TEXT)"
    client.call("create_table", query=create)
    client.call("write_query", query="INSERT INTO notes (text) VALUES ('milk')")
    client.call("read_query", query="SELECT * FROM notes")
    client.call("list_tables")
    client.close()
    assert_same(db, "--allow-destructive", "--before", shlex.join(["rm", "-f", str(data)]))


@pytest.fixture
def everything_url(peers: Peers) -> Iterator[str]:
    port = free_port()
    env = {**os.environ, "PORT": str(port)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*peers.everything, "streamableHttp"], env=env, stdout=quiet, stderr=quiet)
    wait_for(port)
    yield f"http://127.0.0.1:{port}/mcp"
    process.kill()
    process.wait()


def test_a_recording_made_over_stdio_replays_over_http(
    peers: Peers, tmp_path: Path, everything_url: str
) -> None:
    db = tmp_path / "scope.db"
    proxy = [*SCOPE, "--db", str(db), "--record", "rec", "--", *server_command(peers, "everything")]
    run_client(client_command(peers, "sdk1", tmp_path), proxy, env=ENV)
    assert_same(db, everything_url)


@pytest.mark.soak
def test_a_recording_made_over_http_replays_over_stdio(
    peers: Peers, tmp_path: Path, everything_url: str
) -> None:
    db, port = tmp_path / "scope.db", free_port()
    argv = [*SCOPE, "--db", str(db), "--record", "rec", "--port", str(port), everything_url]
    proxy = subprocess.Popen(argv, env=ENV, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        run_client(client_command(peers, "sdk1", tmp_path), [f"http://127.0.0.1:{port}/mcp"])
    finally:
        proxy.terminate()
        proxy.wait(20)
    assert_same(db, "--", *server_command(peers, "everything"))


@contextmanager
def modern_server(peers: Peers, port: int) -> Iterator[str]:
    """A fresh server of SDK 2.x on ``port``; the session that is recorded changes it."""
    script = str(ROOT / "fixtures" / "servers" / "sdk2_server.py")
    argv, quiet = [peers.sdk2_python, script, "http", str(port)], subprocess.DEVNULL
    process = subprocess.Popen(argv, stdout=quiet, stderr=quiet)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def test_a_stateless_recording_replays_over_http_on_a_fresh_server(peers: Peers, tmp_path: Path) -> None:
    db, port, upstream = tmp_path / "scope.db", free_port(), free_port()
    with modern_server(peers, upstream) as url:
        argv = [*SCOPE, "--db", str(db), "--record", "rec", "--port", str(port), url]
        proxy = subprocess.Popen(argv, env=ENV, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            run_client(client_command(peers, "sdk2-auto", tmp_path), [f"http://127.0.0.1:{port}/mcp"])
        finally:
            proxy.terminate()
            proxy.wait(20)
    with modern_server(peers, upstream):
        code, found = replay(db)
    assert (code, differences(found)) == (0, [])
    if os.environ.get("MCPSCOPE_SOAK"):
        code, found = replay(db, "--", *server_command(peers, "sdk2"))
        assert (code, differences(found)) == (0, [])


@pytest.mark.soak
def test_a_stateless_recording_made_over_stdio_replays_over_http(peers: Peers, tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    proxy = [*SCOPE, "--db", str(db), "--record", "rec", "--", *server_command(peers, "sdk2")]
    run_client(client_command(peers, "sdk2-auto", tmp_path), proxy, env=ENV)
    for _ in range(3):
        with modern_server(peers, free_port()) as url:
            code, found = replay(db, url)
        assert (code, differences(found)) == (0, [])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError(f"nobody listens on {port}")
