"""A policy enforced with nobody attached, by a real proxy in front of a real server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.replay.conversation import ROOT, Client

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "minting.py")]
SCOPE = [sys.executable, "-m", "mcpscope"]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def wrapped(tmp_path: Path, policy: Path, *options: str) -> Client:
    client = Client(
        [*SCOPE, "--db", str(tmp_path / "scope.db"), "--policy", str(policy), *options, "--", *SERVER]
    )
    client.open()
    return client


def run(*args: str) -> subprocess.CompletedProcess[str]:
    quiet = subprocess.DEVNULL
    return subprocess.run([*SCOPE, *args], capture_output=True, text=True, cwd=ROOT, stdin=quiet, timeout=30)


def refused(answer: dict[str, Any]) -> bool:
    return answer.get("isError") is True and "policy" in answer["content"][0]["text"]


def test_a_denied_call_never_reaches_the_server_and_says_why(tmp_path: Path, policy: Path) -> None:
    policy.write_text(
        "version: 1\nrules: [{name: no wiping, match: 'tool:wipe', action: deny, message: keep it}]\n"
    )
    client = wrapped(tmp_path, policy)
    made = client.call("create_note", text="milk")["structuredContent"]["id"]
    said = client.call("wipe")["content"][0]["text"]
    assert "no wiping" in said and "keep it" in said
    assert client.call("read_note", id=made)["content"][0]["text"] == "milk"
    assert client.close() == 0


def test_default_deny_lets_a_session_exist_and_only_what_is_allowed_act(tmp_path: Path, policy: Path) -> None:
    policy.write_text("version: 1\ndefault: deny\nrules: [{match: 'tool:greet', action: allow}]\n")
    client = wrapped(tmp_path, policy)
    assert len(client.say("tools/list")["tools"]) == 3
    assert client.call("greet", name="Ada")["content"][0]["text"] == "Hello, Ada"
    assert refused(client.call("create_note", text="x"))
    assert client.say("resources/read", uri="file:///x")["code"] == 4030
    client.close()


def test_conditions_look_at_arguments(tmp_path: Path, policy: Path) -> None:
    policy.write_text(
        "version: 1\nrules:\n"
        "  - {match: 'tool:greet', when: 'args.name.startsWith(\"E\")', action: deny}\n"
        "  - {match: 'tool:create_note args.text~secret', action: deny}\n"
    )
    client = wrapped(tmp_path, policy)
    assert refused(client.call("greet", name="Eve"))
    assert not refused(client.call("greet", name="Ada"))
    assert refused(client.call("greet"))  # no name to look at: a refusing rule takes that for yes
    assert refused(client.call("create_note", text="a secret"))
    client.close()


def test_answer_edit_drop_and_tag_work_headless(tmp_path: Path, policy: Path) -> None:
    policy.write_text(
        "version: 1\nrules:\n"
        "  - {match: 'tool:now', action: answer, answer: {result: {content: [{type: text, text: noon}]}}}\n"
        "  - {match: 'tool:greet', action: edit, set: {params.arguments.name: Bob}}\n"
        "  - {match: 'tool:refuse', action: drop, code: 4711, message: gone}\n"
        "  - {match: 'tool:create_note', action: tag, tag: writes}\n"
    )
    client = wrapped(tmp_path, policy)
    assert client.call("now")["content"][0]["text"] == "noon"
    assert client.call("greet", name="Ada")["content"][0]["text"] == "Hello, Bob"
    assert client.call("refuse") == {"code": 4711, "message": "gone"} | {
        key: value for key, value in client.call("refuse").items() if key == "data"
    }
    client.call("create_note", text="x")
    client.close()


def test_a_wrong_policy_starts_nothing(tmp_path: Path, policy: Path) -> None:
    policy.write_text("version: 1\nrules: [{action: deni}]\n")
    db, started = str(tmp_path / "a.db"), str(tmp_path / "started")
    done = run("--db", db, "--policy", str(policy), "--", "touch", started)
    assert done.returncode == 6 and done.stdout == ""
    assert "2:18" in done.stderr and "did you mean 'deny'" in done.stderr
    assert not (tmp_path / "started").exists()


def test_a_changed_policy_is_taken_while_running_and_a_wrong_one_is_not(tmp_path: Path, policy: Path) -> None:
    policy.write_text("version: 1\n")
    client = wrapped(tmp_path, policy)
    assert not refused(client.call("greet", name="Ada"))
    policy.write_text("version: 1\nrules: [{match: 'tool:greet', action: deny}]\n")
    until = time.monotonic() + 20
    while not refused(client.call("greet", name="Ada")):
        assert time.monotonic() < until
    policy.write_text("version: 1\nrules: [{match: 'tool:greet', action: alow}]\n")
    time_of_change = time.monotonic()
    while time.monotonic() - time_of_change < 2.5:
        assert refused(client.call("greet", name="Ada"))
    client.close()
    kinds = notes(tmp_path / "scope.db")
    assert "policy-loaded" in kinds and "policy-refused" in kinds


def notes(db: Path) -> set[str]:
    subprocess.run([*SCOPE, "--db", str(db), "sessions", "list"], cwd=ROOT, check=True, capture_output=True)
    with sqlite3.connect(db) as connection:
        return {row[0] for row in connection.execute("SELECT kind FROM notes")}


def test_shadow_records_what_it_would_do_and_does_nothing(tmp_path: Path, policy: Path) -> None:
    policy.write_text("version: 1\ndefault: deny\n")
    client = wrapped(tmp_path, policy, "--shadow")
    assert client.call("greet", name="Ada")["content"][0]["text"] == "Hello, Ada"
    client.close()
    done = run("--db", str(tmp_path / "scope.db"), "--json", "log", "tool:greet")
    assert "would-deny" in done.stdout


def test_no_record_and_a_policy_exclude_each_other(tmp_path: Path, policy: Path) -> None:
    policy.write_text("version: 1\n")
    done = run("--policy", str(policy), "--no-record", "--", "cat")
    assert done.returncode == 2 and "--no-record" in done.stderr


def test_rules_check_and_schema(policy: Path) -> None:
    policy.write_text("version: 1\nrules: [{action: deny}]\n")
    done = run("rules", "check", str(policy))
    assert (done.returncode, done.stdout) == (0, "1 rules, no problems\n")
    schema = run("rules", "schema")
    assert json.loads(schema.stdout)["title"] == "mcpscope policy"
