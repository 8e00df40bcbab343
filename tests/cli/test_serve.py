"""``mcpscope serve``: its modes on a file, and what is wrong with what was asked."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.program import ROOT, Program, until
from tests.replay.conversation import Client

RECORDING = ROOT / "fixtures" / "recordings" / "version-2.mcpscope.jsonl"
SERVER = ["--", sys.executable, "-m", "mcpscope.demo.server"]
BREAD, RELEASE = "bread, butter", "# Release"

pytestmark = pytest.mark.timeout(200)


def notes(program: Program, ids: list[int], *args: str) -> list[str]:
    """What a client on stdio gets for each note: a text, or an error's message."""
    place = args.index("--") if "--" in args else len(args)
    client = Client(program.bare_argv("serve", *args[:place], "--stdio", *args[place:]))
    client.open()
    found = [said(client.call("read_note", id=number)) for number in ids]
    assert client.close() == 0
    return found


def said(answer: Any) -> str:
    return str(answer["content"][0]["text"] if "content" in answer else answer["message"])


def test_new_passes_on_what_is_missing_and_keeps_it(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "api.mcpscope.jsonl"
    shutil.copy(RECORDING, file)
    known, added = notes(program, [1, 2], str(file), "--mode", "new", *SERVER)
    assert BREAD in known and RELEASE in added
    assert file.read_bytes().startswith(RECORDING.read_bytes()), "what was there stays as it was"
    assert added in notes(program, [2], str(file), "--mode", "none", *SERVER)


@pytest.mark.soak
def test_each_mode_records_what_it_says(program: Program) -> None:
    missed = "arguments.id was 1 and is 2"
    assert BREAD in notes(program, [1], "api", "--mode", "once", *SERVER)[0]
    assert missed in notes(program, [2], "api", "--mode", "once", *SERVER)[0]
    assert RELEASE in notes(program, [2], "api", "--mode", "once", "--pass", "tool:read_note", *SERVER)[0]
    assert missed in notes(program, [2], "api", "--mode", "none", *SERVER)[0], "passed on is not recorded"
    assert RELEASE in notes(program, [2], "api", "--mode", "all")[0], "to the server that was recorded"
    both = notes(program, [1, 2], "api", "--mode", "none")
    assert BREAD in both[0] and RELEASE in both[1]
    assert RELEASE in notes(program, [2], "api", "--mode", "rewrite")[0]
    assert "arguments.id was 2 and is 1" in notes(program, [1], "api", "--mode", "none")[0]


@pytest.mark.soak
def test_what_was_recorded_is_written_when_the_client_kills_its_server(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "new.mcpscope.jsonl"
    process = program.popen("serve", str(file), "--mode", "once", "--stdio", *SERVER)
    assert process.stdin is not None and process.stdout is not None
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    said = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    process.stdin.write(json.dumps(said).encode() + b"\n")
    process.stdin.flush()
    assert b"mcpscope-demo" in process.stdout.readline()
    process.kill()
    assert b"mcpscope-demo" in until(lambda: file.exists() and file.read_bytes())


@pytest.mark.soak
def test_rules_and_faults_apply_as_to_any_server(program: Program, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nrules:\n  - {name: no one, match: 'args.id=1', action: deny}\n")
    found = notes(program, [1, 1], str(RECORDING), "--policy", str(policy))
    assert found == ["Blocked by policy no one"] * 2
    assert BREAD not in notes(program, [1], str(RECORDING), "--fault", "tool:read_note error")[0]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["nothing"], 5, "there is no recording called 'nothing'"),
        (["nothing.jsonl", "--mode", "none"], 5, "there is no file nothing.jsonl"),
        ([str(RECORDING), "--mode", "rewrite"], 2, "the command that"),
        ([str(ROOT / "README.md")], 5, "its first line is no header"),
        ([str(RECORDING), "--pass", "tol:x"], 2, "no field named 'tol'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(program: Program, args: list[str], code: int, message: str) -> None:
    done = program.run("serve", *args, "--stdio")
    assert (done.returncode, message in done.stderr.decode()) == (code, True), done.stderr
    assert b"Traceback" not in done.stderr
