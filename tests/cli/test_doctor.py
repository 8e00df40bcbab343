"""``mcpscope doctor`` on broken machines and on broken servers."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.runs import server_command
from tests.peers.found import Peers
from tests.program import Program

SERVER = """
import json, sys
print("listening on 3000", flush=True)
tools = [
    {"name": "read file", "description": "a", "inputSchema": {"type": "object"}},
    {"name": "b", "description": "seen\\u200b", "inputSchema": {"type": "object", "anyOf": [{}]}},
    {"name": "c", "description": "c"},
]
for line in sys.stdin:
    said = json.loads(line)
    if "id" not in said:
        continue
    if said["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x"}}
    else:
        result = {"tools": tools}
    print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": result}), flush=True)
"""


def seen(program: Program, *args: str) -> tuple[int, list[dict[str, Any]]]:
    done = program.run("doctor", *args, "--json") if not args else program.run("--json", "doctor", *args)
    assert "Traceback" not in done.stderr.decode()
    return done.returncode, json.loads(done.stdout)["data"]


def subjects(found: list[dict[str, Any]], state: str) -> set[str]:
    return {one["subject"] for one in found if one["state"] == state}


def test_a_machine_where_nothing_fails(program: Program) -> None:
    code, found = seen(program)
    assert (code, subjects(found, "fail")) == (0, set())
    assert {"versions", "database", "state folder", "sockets", "proxies"} <= subjects(found, "ok")


def test_another_program_of_the_name_is_told(program: Program, tmp_path: Path) -> None:
    other = tmp_path / "bin" / "mcpscope"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    program.env["PATH"] = f"{other.parent}:{program.env['PATH']}"
    _, found = seen(program)
    (told,) = [one for one in found if one["subject"] == "command"]
    assert str(other) in told["text"] and told["state"] == "warn" and told["fix"]


def test_a_database_and_a_configuration_that_will_not_do(program: Program, tmp_path: Path) -> None:
    program.db.parent.mkdir(parents=True)
    with sqlite3.connect(program.db) as connection:
        connection.execute("CREATE TABLE other (a)")
    cursor = Path(program.env["HOME"]) / ".cursor" / "mcp.json"
    cursor.parent.mkdir()
    cursor.write_text('{"mcpServers": {')
    kiro = Path(program.env["HOME"]) / ".kiro" / "settings" / "mcp.json"
    kiro.parent.mkdir(parents=True)
    kiro.write_text(json.dumps({"mcpServers": {"gone": {"command": str(tmp_path / "gone")}}}))
    code, found = seen(program)
    assert code == 1
    assert subjects(found, "fail") == {"database", "Cursor"}
    assert "which is not found" in next(
        one["text"] for one in found if one["subject"] == "Kiro" and one["fix"]
    )
    assert all(one["fix"] for one in found if one["state"] != "ok")


def test_a_server_that_does_much_wrong(program: Program) -> None:
    code, found = seen(program, "--", sys.executable, "-c", SERVER)
    assert code == 1
    told = {one["subject"]: one for one in found}
    assert {
        "not-json",
        "tool-name",
        "hidden-characters",
        "schema-for-clients",
        "no-input-schema",
    } <= told.keys()
    assert "standard error" in told["not-json"]["fix"]
    assert not program.db.exists()  # what it says to the doctor is nobody's recording


NEITHER = """
import json, sys
for line in sys.stdin:
    said = json.loads(line)
    if "id" in said:
        error = {"code": -32601, "message": "no"}
        print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "error": error}), flush=True)
"""


def test_a_server_that_speaks_no_era_is_told(program: Program) -> None:
    code, found = seen(program, "--", sys.executable, "-c", NEITHER)
    assert code == 1 and "eras" in subjects(found, "fail")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/no/such/server"], "ended before it answered"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended before it answered"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "no answer to initialize"),
    ],
)
def test_a_server_that_does_not_answer(program: Program, command: list[str], why: str) -> None:
    code, found = seen(program, "--timeout", "4", "--", *command)
    assert code == 1
    assert any(why in one["text"] for one in found if one["state"] == "fail"), found


@pytest.mark.parametrize("server", ["everything", "sdk2"])
def test_nothing_is_wrong_with_the_reference_servers(peers: Peers, program: Program, server: str) -> None:
    program.env["PATH"] = os.environ["PATH"]
    code, found = seen(program, "--", *server_command(peers, server))
    assert (code, [one for one in found if one["state"] != "ok"]) == (0, [])
    assert "findings" in subjects(found, "ok")
