"""Replays of a real recording through a real proxy, against a server that mints and one that changed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcpscope.store.replays import Replays
from tests.replay.conversation import ROOT, Client
from tests.tui.test_terminal import Terminal

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "minting.py")]


Replay = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the recording ``notes``."""
    db = tmp_path_factory.mktemp("replay") / "scope.db"
    client = Client([sys.executable, "-m", "mcpscope", "--db", str(db), "--record", "notes", "--", *SERVER])
    client.open()
    page = client.say("tools/list")
    while "nextCursor" in page:
        page = client.say("tools/list", cursor=page["nextCursor"])
    made = client.call("create_note", text="remember the milk")["structuredContent"]["id"]
    assert client.call("read_note", id=made)["content"][0]["text"] == "remember the milk"
    client.call("greet", name="Ada")
    client.call("ask")
    client.call("now")
    client.call("refuse")
    client.call("wipe")
    assert client.close() == 0
    return db


@pytest.fixture
def replay(recorded: Path) -> Replay:
    def run(*options: str, change: str = "") -> tuple[int, dict[str, Any]]:
        argv = [
            sys.executable,
            "-m",
            "mcpscope",
            "--db",
            str(recorded),
            "--json",
            "replay",
            "notes",
            *options,
        ]
        env = {**os.environ, "MINTING_CHANGE": change}
        done = subprocess.run(argv, capture_output=True, timeout=90, env=env, cwd=ROOT)
        assert done.stdout, done.stderr.decode()
        return done.returncode, json.loads(done.stdout)["data"]

    return run


NOW = ("--mask", "now:$.result.content[*].text~")


def failing(found: dict[str, Any]) -> list[tuple[str, str]]:
    fine = ("same", "skipped", "slower")  # a machine under load makes a server slower
    return [(row["label"], row["verdict"]) for row in found["rows"] if row["verdict"] not in fine]


def test_a_fresh_server_that_mints_other_values_gives_the_same(replay: Replay) -> None:
    code, found = replay(*NOW)
    assert (code, failing(found)) == (0, [])
    assert [row["label"] for row in found["rows"] if row["verdict"] == "skipped"] == ["wipe"]


def test_what_varies_is_found_by_a_second_run_and_its_mask_proposed(replay: Replay) -> None:
    code, found = replay("--repeat", "2")
    assert found["proposed_masks"] == ["now:$.result.content[*].text~"]
    assert (code, failing(found)) == (0, [])


@pytest.mark.parametrize(
    ("change", "label", "verdict", "path"),
    [
        ("answer", "greet", "changed", "$.result.content[0].text"),
        ("schema", "tools/list", "changed", "$.result.tools[2].inputSchema.properties.name.type"),
        ("order", "tools/list", "changed", "$.result.tools"),
        ("code", "refuse", "changed", "$.error.code"),
    ],
)
def test_a_change_is_named_and_nothing_else(
    replay: Replay, change: str, label: str, verdict: str, path: str
) -> None:
    code, found = replay(*NOW, change=change)
    assert (code, failing(found)) == (1, [(label, verdict)])
    (row,) = [row for row in found["rows"] if row["label"] == label]
    assert row["differences"][0]["path"] == path


@pytest.mark.parametrize(("change", "verdict"), [("extra-question", "new"), ("no-question", "missing")])
def test_a_server_that_asks_more_or_less_is_reported(replay: Replay, change: str, verdict: str) -> None:
    code, found = replay(*NOW, change=change)
    assert code == 1
    assert ("← sampling/createMessage", verdict) in failing(found)


@pytest.mark.parametrize("change", ["die", "hang", "flood"])
def test_a_server_that_fails_in_mid_run_ends_it_with_a_verdict(replay: Replay, change: str) -> None:
    code, found = replay(*NOW, "--timeout", "2", change=change)
    assert code == 1
    assert ("greet", "error") in failing(found)


def test_a_mask_hides_in_its_tool_only(replay: Replay) -> None:
    code, found = replay("--mask", "now:$.result.content[*].text", change="answer")
    assert (code, failing(found)) == (1, [("greet", "changed")])


def test_an_upstream_that_never_says_a_word_is_no_difference_but_a_failure(recorded: Path) -> None:
    gone = scope(recorded, "replay", "notes", "--", "false")
    assert gone.returncode == 4 and "the upstream ended (exit code 1)" in gone.stdout
    refused = scope(recorded, "replay", "notes", "--policy", "/nosuch.yaml", "--", *SERVER)
    assert refused.returncode == 6 and "cannot be read" in refused.stdout
    unheard = scope(recorded, "replay", "notes", "http://127.0.0.1:1/mcp")
    assert unheard.returncode == 4, unheard.stdout


def test_a_call_that_is_recorded_redacted_is_skipped_and_counted(tmp_path: Path) -> None:
    db, policy = tmp_path / "scope.db", tmp_path / "policy.yaml"
    policy.write_text('version: 1\nredact: ["$.params.arguments.name"]\n')
    options = ["--db", str(db), "--policy", str(policy), "--record", "rec"]
    client = Client([sys.executable, "-m", "mcpscope", *options, "--", *SERVER])
    client.open()
    client.say("tools/list")
    assert client.call("greet", name="Ada Lovelace")["content"][0]["text"] == "Hello, Ada Lovelace"
    assert client.close() == 0
    done = scope(db, "replay", "rec")
    assert done.returncode == 0, done.stdout
    assert "greet" in done.stdout and "the recording holds it redacted" in done.stdout
    assert "passed  same 2  skipped 1" in done.stdout


def test_destructive_tools_run_only_when_allowed(replay: Replay) -> None:
    code, found = replay(*NOW, "--allow-destructive")
    assert code == 0
    assert [row["label"] for row in found["rows"] if row["verdict"] == "skipped"] == []


def test_a_dry_run_starts_nothing_and_names_the_minted_values(recorded: Path) -> None:
    argv = [sys.executable, "-m", "mcpscope", "--db", str(recorded), "replay", "notes", "--dry-run"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "nothing was started" in done.stdout and "minted" in done.stdout


def test_a_dry_run_shows_a_mapping_that_was_given_by_hand(recorded: Path) -> None:
    done = scope(recorded, "replay", "notes", "--map", "Ada=Eve", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ada (text)" in done.stdout


def scope(db: Path, *args: str, change: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MINTING_CHANGE": change}
    argv = [sys.executable, "-m", "mcpscope", "--db", str(db), *args]
    return subprocess.run(argv, capture_output=True, text=True, timeout=90, env=env, cwd=ROOT)


def test_without_a_terminal_review_names_the_commands_and_accepting_makes_a_revision(
    recorded: Path, tmp_path: Path
) -> None:
    db = tmp_path / "scope.db"
    with sqlite3.connect(recorded) as source, sqlite3.connect(db) as copy:
        source.backup(copy)
    assert scope(db, "replay", "notes", *NOW, change="answer").returncode == 1
    listed = scope(db, "review")
    assert listed.returncode == 1 and "--accept-all" in listed.stdout
    accepted = scope(db, "review", "--accept-all")
    assert accepted.returncode == 0 and "revision 1" in accepted.stdout
    assert scope(db, "replay", "notes", *NOW, change="answer").returncode == 0
    assert scope(db, "replay", "notes", *NOW, "--revision", "0", change="answer").returncode == 1


def test_a_diff_of_two_sessions_names_what_changed(recorded: Path, tmp_path: Path) -> None:
    db = tmp_path / "scope.db"
    with sqlite3.connect(recorded) as source, sqlite3.connect(db) as copy:
        source.backup(copy)
    scope(db, "replay", "notes", "--run-name", "later", change="schema")
    found = scope(db, "--json", "diff", "notes", "later", "--tools", "--exit-code")
    assert found.returncode == 1, found.stderr
    rows = json.loads(found.stdout)["data"]["rows"]
    assert [(r["label"], r["why"]) for r in rows if r["verdict"] != "same"] == [("greet", "dangerous")]


def test_several_upstreams_are_compared_and_bisected_to_the_first_that_differs(
    recorded: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.py"
    changed.write_text(
        "import os, runpy\nos.environ['MINTING_CHANGE'] = 'answer'\n"
        f"runpy.run_path({SERVER[1]!r}, run_name='__main__')\n"
    )
    good, bad = " ".join(SERVER), f"{sys.executable} {changed}"
    several = [word for command in (good, good, bad, bad) for word in ("--cmd", command)]
    found = scope(recorded, "replay", "notes", *NOW, *several, "--bisect")
    assert found.returncode == 1
    assert f"the first that differs: {bad}" in found.stderr
    both = scope(recorded, "--json", "replay", "notes", *NOW, "--cmd", good, "--cmd", bad)
    assert [run["failed"] for run in json.loads(both.stdout)["data"]] == [False, True]


def test_the_command_of_an_imported_file_is_not_run_unseen(recorded: Path, tmp_path: Path) -> None:
    file = tmp_path / "sent.jsonl"
    marker = tmp_path / "ran"
    assert scope(recorded, "export", "notes", "--with-secrets", "-o", str(file)).returncode == 0
    header, rest = file.read_text().split("\n", 1)
    said = json.loads(header)
    said["session"]["command"] = ["touch", str(marker)]
    file.write_text(json.dumps(said) + "\n" + rest)
    db = tmp_path / "theirs.db"
    assert scope(db, "import", str(file), "--name", "sent").returncode == 0
    refused = scope(db, "replay", "sent", *NOW)
    assert refused.returncode == 2 and "not run unseen" in refused.stderr
    assert f"mcpscope replay sent -- touch {marker}" in refused.stderr
    assert scope(db, "replay", "sent", *NOW, "--dry-run").returncode == 0
    assert not marker.exists()
    assert scope(db, "replay", "sent", *NOW, "--", *SERVER).returncode == 0
    said["session"]["command"] = [1, {"a": None}]
    file.write_text(json.dumps(said) + "\n" + rest)
    assert scope(db, "import", str(file), "--name", "odd").returncode == 0
    odd = scope(db, "replay", "odd", *NOW)
    assert odd.returncode == 2 and "does not say what it was recorded from" in odd.stderr


def test_what_lies_behind_until_is_not_said(recorded: Path) -> None:
    done = scope(recorded, "--json", "replay", "notes", "--until", "11", "--dry-run")
    steps = json.loads(done.stdout)["data"]["steps"]
    assert [step["method"] for step in steps][-1] == "tools/call"
    assert [step["tool"] for step in steps if step["tool"]] == ["create_note"]


def test_a_live_client_takes_the_seat_after_the_replayed_part(recorded: Path) -> None:
    argv = [sys.executable, "-m", "mcpscope", "--db", str(recorded), "replay", "notes", "--until", "10"]
    client = Client([*argv, "--then", "stdio", "--", *SERVER])
    assert client.open()["serverInfo"]["name"] == "minting"
    assert client.call("greet", name="Eve")["content"][0]["text"] == "Hello, Eve"
    assert client.close() == 0


def test_a_person_takes_the_seat_after_the_replayed_part(recorded: Path) -> None:
    refused = scope(recorded, "replay", "notes", "--until", "11", "--then", "ui")
    assert refused.returncode == 2 and "needs a terminal" in refused.stderr
    options = ("replay", "notes", "--until", "11", "--run-name", "seat", "--then", "ui")
    terminal = Terminal(recorded, *options, size=(120, 40))
    try:
        terminal.until("create_note")
        terminal.until("LIVE")
        terminal.press("Q")
        assert terminal.process.wait(30) == 0
    finally:
        terminal.close()
    shown = scope(recorded, "--json", "sessions", "show", "seat")
    assert json.loads(shown.stdout)["data"]["ending"] == "clean", shown.stdout


def test_a_killed_replay_leaves_what_it_found_and_is_marked(recorded: Path) -> None:
    argv = [sys.executable, "-m", "mcpscope", "--db", str(recorded), "replay", "notes", "--timeout", "60"]
    env = {**os.environ, "MINTING_CHANGE": "hang"}
    process = subprocess.Popen(argv, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = Replays(recorded)
    until = time.monotonic() + 60
    while not (store.runs() and store.runs()[0].state == "running" and store.verdicts(store.runs()[0].id)):
        assert time.monotonic() < until
    process.kill()
    process.wait()
    run = store.runs()[0]
    assert run.state == "killed" and store.verdicts(run.id)
    with sqlite3.connect(recorded) as connection:
        query = "SELECT replay_of FROM sessions WHERE name = ?"
        while (named := connection.execute(query, (run.session_name,)).fetchone()) is None:
            assert time.monotonic() < until
        assert named == (run.recording_id,)
    store.close()
