"""Two recordings of one conversation differ, in their steady form, where the server said something else."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path

import pytest

from tests.program import Program
from tests.replay.conversation import ROOT, Client

SERVER = [sys.executable, str(ROOT / "fixtures" / "servers" / "minting.py")]

pytestmark = pytest.mark.timeout(120)


def record(db: Path) -> None:
    client = Client([sys.executable, "-m", "mcpscope", "--db", str(db), "--record", "rec", "--", *SERVER])
    client.open()
    page = client.say("tools/list")
    client.say("tools/list", cursor=page["nextCursor"])
    made = client.call("create_note", text="milk")["structuredContent"]["id"]
    client.call("read_note", id=made)
    client.call("ask")
    client.call("now")
    assert client.close() == 0


@pytest.fixture
def twice(tmp_path: Path, program: Program) -> Program:
    for name in ("one", "two"):
        record(program.folder / f"{name}.db")
    return program


def steady(program: Program, db: str) -> list[str]:
    done = program.run("--db", db, "export", "rec", "--steady")
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_a_conversation_recorded_again_differs_where_its_server_did(twice: Program) -> None:
    one, two = steady(twice, "one.db"), steady(twice, "two.db")
    changed = [line for line in difflib.ndiff(one, two) if line[0] in "+-"]
    assert [line[:1] for line in changed] == ["-", "+"]
    assert all("It is " in line for line in changed)


def test_a_steady_file_is_taken_in_and_comes_out_the_same_and_replays(twice: Program) -> None:
    lines = steady(twice, "one.db")
    taken = twice.run("--db", "new.db", "import", "-", input="\n".join(lines).encode() + b"\n")
    assert taken.returncode == 0, taken.stderr
    assert steady(twice, "new.db") == lines
    mask = ("--mask", "now:$.result.content[*].text~")
    done = twice.run("--db", "new.db", "replay", "rec", *mask, "--json", "--", *SERVER)
    assert done.returncode == 0, done.stdout
    rows = json.loads(done.stdout)["data"]["rows"]
    assert {row["verdict"] for row in rows} <= {"same", "slower"}


def test_what_a_gate_decided_stays_with_its_message(program: Program) -> None:
    head = '{"format":"mcpscope","session":{"label":"x","name":"rec"},"steady":true,"version":2}'
    asked = '{"dir":"c2s","gated":true,"message":{"jsonrpc":"2.0","id":%d,"method":"ping"}}'
    told = '{"actor":"rule","back":1,"outcome":"denied","rule":"r"}'
    lines = [
        head,
        asked % 1,
        asked % 2,
        told,
        told.replace('"back":1,', ""),
        '{"end":{"masked":0,"messages":2}}',
    ]
    taken = program.run("--db", "new.db", "import", "-", input="\n".join(lines).encode() + b"\n")
    assert taken.returncode == 0, taken.stderr
    back = steady(program, "new.db")
    assert [line for line in back if '"outcome"' in line] == [told, told.replace('"back":1,', "")]
    broken = program.run("--db", "no.db", "import", "-", input="\n".join([head, told]).encode())
    assert broken.returncode == 5 and b"line 2" in broken.stderr


def test_only_lines_have_a_steady_form(twice: Program) -> None:
    done = twice.run("--db", "one.db", "export", "rec", "--steady", "--format", "md")
    assert (done.returncode, b"--steady is for jsonl" in done.stderr) == (2, True)
